//! Whole jobs on the production drivers: machines, store, snapshots and backends together.

mod clock;
mod cluster;
mod damage;
mod disk;
mod engine;
mod faults;
mod incremental;
mod local_copies;
mod machine;
mod roll_back;
mod sweeps;

use std::time::Duration;

use futures::stream;
use keygroups::{
    checkpoint::{LeaderEpoch, TaskId},
    driver::{CoordinatorDriver, CoordinatorTransport, Engine, HostDriver},
    key_group::Subtask,
    protocol::{Event, FailureCause, RestartReason},
};

use crate::{cluster::Cluster, engine::COUNT};

#[test]
fn job_runs_to_its_end_and_commits_every_count_once() {
    let mut cluster = Cluster::new(2, 0, 0);
    cluster.start_coordinator(0);
    cluster.start_host(0, 2);
    cluster.start_host(1, 2);
    cluster.until_finished_exactly_once();
    assert_eq!(cluster.world.borrow().errors, [""; 0]);
}

#[test]
fn rescale_from_2_to_4_to_3_keeps_every_count() {
    let mut cluster = Cluster::new(2, 0, 0);
    cluster.start_coordinator(0);
    cluster.start_host(0, 4);
    cluster.start_host(1, 4);
    cluster.until_running_at(2);
    cluster.until_committed();
    cluster.rescale(4);
    cluster.until_running_at(4);
    cluster.until_committed();
    cluster.rescale(3);
    cluster.until_running_at(3);
    cluster.until_finished_exactly_once();
    cluster.let_pass(Duration::from_secs(3));
    cluster.assert_nothing_is_left_over();
    cluster.assert_each_attempt_read_each_byte_once();
    assert_eq!(cluster.world.borrow().errors, [""; 0]);
}

#[test]
fn second_coordinator_takes_over_and_keeps_every_count() {
    let mut cluster = Cluster::new(2, 0, 0);
    cluster.start_coordinator(0);
    cluster.start_coordinator(1);
    cluster.start_host(0, 2);
    cluster.start_host(1, 2);
    cluster.until_running_at(2);
    cluster.until_committed();
    cluster.until_committed();
    cluster.kill("coordinator 0");
    cluster
        .until("coordinator 1 leads", |event| matches!(event, Event::Elected { epoch: LeaderEpoch(2), .. }));
    cluster.until_finished_exactly_once();
}

#[test]
fn job_shrinks_when_a_host_is_lost_and_grows_when_it_comes_back() {
    let mut cluster = Cluster::new(4, 0, 0);
    cluster.start_coordinator(0);
    for host in 0..3 {
        cluster.start_host(host, 3);
    }
    cluster.until_running_at(4);
    cluster.until_committed();
    cluster.kill("host 2");
    cluster.until_running_at(3);
    cluster.until_committed();
    cluster.start_host(2, 3);
    cluster.until_running_at(4);
    cluster.until_finished_exactly_once();
}

#[test]
fn damaged_snapshot_stops_the_job_and_is_named() {
    let mut cluster = Cluster::new(2, 0, 0);
    cluster.start_coordinator(0);
    cluster.start_host(0, 4);
    cluster.start_host(1, 4);
    cluster.until_running_at(2);
    cluster.until_committed();
    cluster.kill("host 1");
    cluster.until("the attempt is over", |event| matches!(event, Event::Restarting { .. }));
    cluster.damage_every_snapshot();
    cluster.until("the damage is known", |event| {
        let reason = RestartReason::TaskFailed(
            TaskId { vertex: COUNT, subtask: Subtask(0) },
            FailureCause::RestoreCorrupt,
        );
        matches!(event, Event::Restarting { reason: found, .. } if *found == reason)
    });
    let world = cluster.world.borrow();
    assert!(world.errors[0].contains("key group"), "{}", world.errors[0]);
    assert!(
        world.errors[0].contains("state/00000000000000000001.0000000001/00001-00000/"),
        "{}",
        world.errors[0]
    );
}

/// Engines with threads move drivers between them. Checked when it is compiled.
#[expect(dead_code)]
fn drivers_are_send_if_their_engine_is<E: Engine + Send, T: CoordinatorTransport + Send>(
    host: HostDriver<E>,
    coordinator: CoordinatorDriver<T>,
) -> impl Send {
    (host.run(stream::pending()), coordinator.run(stream::pending()))
}

fn troubled_life(seed: u64) -> Vec<String> {
    let mut cluster = Cluster::new(2, seed, 8);
    cluster.start_coordinator(0);
    cluster.start_coordinator(1);
    for host in 0..3 {
        cluster.start_host(host, 3);
    }
    cluster.until_committed();
    cluster.rescale(4);
    cluster.until_committed();
    cluster.kill("host 2");
    cluster.until_committed();
    cluster.freeze("coordinator 0");
    cluster.start_host(2, 3);
    cluster.until_committed();
    cluster.freeze("host 1");
    cluster.let_pass(Duration::from_millis(seed % 10 * 150));
    cluster.thaw("coordinator 0");
    cluster.let_pass(Duration::from_millis(seed % 7 * 150));
    cluster.thaw("host 1");
    cluster.kill("coordinator 1");
    cluster.until_committed();
    cluster.start_coordinator(1);
    cluster.until_finished_exactly_once();
    cluster.history()
}

#[test]
fn faults_of_network_store_and_processes_lose_and_double_nothing() {
    for seed in 0..40 {
        // Shown if it fails.
        println!("seed {seed}");
        troubled_life(seed);
    }
}

#[test]
fn same_faults_give_the_same_history() {
    assert_eq!(troubled_life(7), troubled_life(7));
}
