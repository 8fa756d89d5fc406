//! Whoever wants the job done: asks for rescales, cancels and starts again, waits for the end, reads the
//! output.

use super::coordinator::CoordinatorMail;
use super::{Cluster, Finished, MAIL_PORT};
use crate::fault::Injector;
use crate::run::Violation;
use crate::wire::{Bell, Mailbox, Node, now_us};
use bytes::Bytes;
use keygroups::key_group::Parallelism;
use keygroups::protocol::CoordinatorId;
use std::sync::Arc;
use std::time::Duration;

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Runs the job to its end.
pub(super) async fn run(
    cluster: &Arc<Cluster>,
    node: Node,
    injector: &Injector,
) -> Result<Finished, Violation> {
    let (watch, scenario) = (&cluster.watch, &cluster.scenario);
    let mut user = User::new(cluster, node);
    let records = cluster.job.partitions();
    let mut healed_at_us = None;
    loop {
        madsim::time::sleep(user.until_next_look()).await;
        if let Some(violation) = watch.violation() {
            return Err(violation);
        }
        if watch.is_finished() {
            break;
        }
        if injector.is_healed() && has_come_in(cluster, &records) {
            let over_us = scenario.input_us(&records).max(scenario.variety.ends_us());
            let healed_at_us = *healed_at_us.get_or_insert(now_us().max(over_us));
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
        user.look();
    }
    user.start_again();
    injector.heal();
    no_garbage_stays(cluster).await?;
    let outputs = read_output(cluster, node).await?;
    let state = watch.finish(&outputs)?;
    match watch.violation() {
        Some(violation) => Err(violation),
        None => Ok(Finished { summary: watch.summary(injector.effective()), state }),
    }
}

/// What the user wants at which time.
struct User<'a> {
    cluster: &'a Cluster,
    mailbox: Mailbox<()>,
    next_look_us: u64,
    // Wishes that were asked for, restarts that were begun, restarts that were ended.
    asked: usize,
    cancelled: usize,
    up: usize,
    // What was asked for last.
    last: Option<Parallelism>,
}

impl<'a> User<'a> {
    fn new(cluster: &'a Cluster, node: Node) -> Self {
        let mailbox = Mailbox::bind(&cluster.net, node, MAIL_PORT, &Bell::new());
        let next_look_us = now_us() + LOOK_EVERY.as_micros() as u64;
        Self { cluster, mailbox, next_look_us, asked: 0, cancelled: 0, up: 0, last: None }
    }

    fn until_next_look(&self) -> Duration {
        let variety = &self.cluster.scenario.variety;
        let due = [
            variety.wishes.get(self.asked).map(|wish| wish.at_us),
            variety.restarts.get(self.cancelled).map(|restart| restart.at_us),
            variety.restarts.get(self.up).map(|restart| restart.at_us + restart.down_us),
        ];
        let next_us = due.into_iter().flatten().min().unwrap_or(u64::MAX).min(self.next_look_us);
        Duration::from_micros(next_us.saturating_sub(now_us()))
    }

    /// Does what is due.
    fn look(&mut self) {
        let (cluster, now_us) = (self.cluster, now_us());
        let variety = &cluster.scenario.variety;
        while let Some(restart) = variety.restarts.get(self.cancelled).filter(|r| r.at_us <= now_us) {
            self.cancelled += 1;
            cluster.watch.cancelled(restart);
            cluster.cancel(restart);
        }
        let due = |restart: &&super::JobRestart| restart.at_us + restart.down_us <= now_us;
        while self.up < self.cancelled && variety.restarts.get(self.up).filter(due).is_some() {
            self.up += 1;
            if self.up == self.cancelled {
                cluster.start_again();
            }
        }
        while let Some(wish) = variety.wishes.get(self.asked).filter(|wish| wish.at_us <= now_us) {
            self.asked += 1;
            self.ask(wish.parallelism, true);
        }
        if now_us < self.next_look_us {
            return;
        }
        self.next_look_us = now_us + LOOK_EVERY.as_micros() as u64;
        let wish = variety.wishes[..self.asked].last().filter(|wish| wish.at_us + wish.for_us > now_us);
        match (cluster.watch.wanted(cluster.slots()), wish) {
            // The stages go on all the while: what is wanted in between only gets in their way.
            (stage, Some(wish)) => {
                if let Some((parallelism, true)) = stage {
                    self.ask(parallelism, true);
                }
                if cluster.watch.desired() != Some(wish.parallelism) {
                    self.ask(wish.parallelism, false);
                }
            }
            (Some((parallelism, begins)), None) => self.ask(parallelism, begins),
            (None, None) => {}
        }
    }

    /// Whatever was cancelled runs again.
    fn start_again(&mut self) {
        if self.up < self.cancelled {
            self.up = self.cancelled;
            self.cluster.start_again();
        }
    }

    /// Asks every coordinator: no user knows who leads. The trace tells what is `new`, not what is repeated.
    fn ask(&mut self, parallelism: Parallelism, new: bool) {
        if self.last.replace(parallelism) != Some(parallelism) || new {
            self.cluster.watch.asks(parallelism);
        }
        let mail = CoordinatorMail::Rescale(parallelism);
        for id in 0..self.cluster.scenario.coordinators {
            if let Some(address) = self.cluster.coordinator(CoordinatorId(id)) {
                self.mailbox.send(address, &mail);
            }
        }
    }
}

/// Whether the source itself has nothing more to wait for.
fn has_come_in(cluster: &Cluster, records: &[u64]) -> bool {
    let now_us = now_us();
    (0..).zip(records).all(|(partition, records)| cluster.job.available(partition, now_us) >= *records)
}

/// Once the job is finished and nothing disturbs, everything that no manifest names gets deleted.
async fn no_garbage_stays(cluster: &Cluster) -> Result<(), Violation> {
    let until_us = now_us() + cluster.scenario.liveness_us;
    loop {
        madsim::time::sleep(LOOK_EVERY * 5).await;
        if let Some(violation) = cluster.watch.violation() {
            return Err(violation);
        }
        let garbage = cluster.garbage();
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
async fn read_output(cluster: &Arc<Cluster>, node: Node) -> Result<Vec<Bytes>, Violation> {
    let unreadable = |error: keygroups::store::StoreError| Violation::broken("output_is_readable", error);
    let store = cluster.connect(node);
    let newest = store.latest_manifest().await.map_err(unreadable)?;
    let record = newest.as_ref().and_then(|manifest| manifest.newest_checkpoint());
    let handles =
        store.committed_outputs(record.and_then(|record| record.outputs)).await.map_err(unreadable)?;
    let mut outputs = Vec::new();
    for handle in handles {
        outputs.push(store.read_output(&handle).await.map_err(unreadable)?);
    }
    Ok(outputs)
}
