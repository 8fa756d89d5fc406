//! Whoever wants the job done: asks for rescales, waits for the end, reads the output.

use super::coordinator::CoordinatorMail;
use super::summary::Summary;
use super::{Cluster, MAIL_PORT};
use crate::fault::Injector;
use crate::run::Violation;
use crate::wire::{Bell, Mailbox, Node, now_us};
use keygroups::protocol::CoordinatorId;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Runs the job to its end.
pub(super) async fn run(
    cluster: &Arc<Cluster>,
    node: Node,
    injector: &Injector,
) -> Result<Summary, Violation> {
    let mailbox: Mailbox<()> = Mailbox::bind(&cluster.net, node, MAIL_PORT, &Bell::new());
    let (watch, scenario) = (&cluster.watch, &cluster.scenario);
    let mut healed_at_us = None;
    loop {
        madsim::time::sleep(LOOK_EVERY).await;
        if let Some(violation) = watch.violation() {
            return Err(violation);
        }
        if watch.is_finished() {
            break;
        }
        if injector.is_healed() {
            let healed_at_us = *healed_at_us.get_or_insert(now_us().max(scenario.input_us()));
            if now_us() > healed_at_us + scenario.liveness_us {
                return Err(Violation::broken(
                    "job_finishes_once_faults_stop",
                    format!(
                        "not finished {} s after the last fault: {}",
                        scenario.liveness_us / 1_000_000,
                        watch.standing()
                    ),
                ));
            }
        }
        if let Some(parallelism) = watch.wanted(cluster.slots()) {
            let mail = CoordinatorMail::Rescale(parallelism);
            for id in 0..scenario.coordinators {
                if let Some(address) = cluster.coordinator(CoordinatorId(id)) {
                    mailbox.send(address, &mail);
                }
            }
        }
    }
    injector.heal();
    no_garbage_stays(cluster).await?;
    let summary = read_output(cluster, node, injector.struck()).await?;
    match watch.violation() {
        Some(violation) => Err(violation),
        None => Ok(summary),
    }
}

/// Once the job is finished and nothing disturbs, everything that no manifest names gets deleted.
async fn no_garbage_stays(cluster: &Cluster) -> Result<(), Violation> {
    let until_us = now_us() + cluster.scenario.liveness_us;
    loop {
        madsim::time::sleep(LOOK_EVERY * 5).await;
        if let Some(violation) = cluster.watch.violation() {
            return Err(violation);
        }
        let garbage = cluster.watch.garbage(&cluster.store);
        // What is still on its way to the store may litter it after the last sweep.
        if garbage.is_empty() && cluster.store.late_requests() == 0 {
            return Ok(());
        }
        if now_us() > until_us {
            return Err(Violation::broken("garbage_is_collected", format!("still there: {garbage:?}")));
        }
    }
}

/// Reads the committed output the way a consumer would, from the store alone.
async fn read_output(cluster: &Arc<Cluster>, node: Node, faults: usize) -> Result<Summary, Violation> {
    let unreadable = |error: keygroups::store::StoreError| Violation::broken("output_is_readable", error);
    let store = cluster.connect(node);
    let newest = store.latest_manifest().await.map_err(unreadable)?;
    let record = newest.as_ref().and_then(|manifest| manifest.newest_checkpoint());
    let handles =
        store.committed_outputs(record.and_then(|record| record.outputs)).await.map_err(unreadable)?;
    let mut rows = BTreeSet::new();
    for handle in handles {
        let bytes = store.read_output(&handle).await.map_err(unreadable)?;
        let records: Vec<super::OutputRecord> = super::data::decode(&bytes).map_err(|error| {
            Violation::broken("output_is_readable", format!("{}: {error}", handle.object))
        })?;
        for record in records {
            if !rows.insert((record.partition, record.offset)) {
                let what =
                    format!("row {} of partition {} was put out twice", record.offset, record.partition);
                return Err(Violation::broken("output_is_exactly_once", what));
            }
        }
    }
    let expected = cluster.scenario.rows();
    if rows.len() != expected {
        let what = format!("{} of {expected} rows were put out", rows.len());
        return Err(Violation::broken("output_is_exactly_once", what));
    }
    let reference = cluster.input.reference();
    let summary = cluster.watch.summary(faults);
    match reference.difference(summary.result.iter().map(|(key, totals)| (&**key, *totals))) {
        Some(difference) => Err(Violation::broken("result_equals_a_sequential_run", difference)),
        None => Ok(summary),
    }
}
