//! What must not change anything, and what must.

use std::sync::Arc;

use keygroups::{
    checkpoint::{CheckpointId, ManifestVersion, OperatorStateInfo, RedistributionMode, TaskSnapshot},
    protocol::{
        Barrier, CoordinatorInput, CoordinatorOutput, CoordinatorTimer as Timer, CreateOutcome, HostId,
        HostInput, HostOutput, PutOutcome, ReadOutcome, ToCoordinator, ToHost,
    },
};

use crate::{
    desk::{Desk, parallelism, said, snapshot},
    names::{attempt, latest, task},
};

#[test]
fn late_acknowledgement_changes_nothing() {
    let mut desk = Desk::running(2, 2, 2);
    desk.fire(0, Timer::Checkpoint);
    let deployment = Arc::clone(
        desk.hosts
            .iter()
            .find_map(|host| host.task(attempt(1, 1), task(1, 0)))
            .expect("it runs")
            .deployment(),
    );
    let before = desk.coordinators[0].clone();
    for checkpoint in [CheckpointId(1), CheckpointId(7)] {
        let message = ToCoordinator::Acknowledge {
            attempt: attempt(1, 1),
            checkpoint,
            snapshot: Arc::new(snapshot(&deployment, checkpoint)),
        };
        desk.coordinator(0, CoordinatorInput::Host(message));
    }
    assert_eq!(desk.coordinators[0], before);
}

#[test]
fn acknowledgement_of_another_attempt_does_not_count() {
    let mut desk = Desk::running(2, 2, 2);
    desk.cut = [HostId(0), HostId(1)].into();
    desk.fire(0, Timer::Checkpoint);
    let before = desk.coordinators[0].clone();
    let deployment = Arc::clone(
        desk.hosts
            .iter()
            .find_map(|host| host.task(attempt(1, 1), task(1, 0)))
            .expect("it runs")
            .deployment(),
    );
    let foreign = ToCoordinator::Acknowledge {
        attempt: attempt(1, 0),
        checkpoint: CheckpointId(1),
        snapshot: Arc::new(snapshot(&deployment, CheckpointId(1))),
    };
    desk.coordinator(0, CoordinatorInput::Host(foreign));
    assert_eq!(desk.coordinators[0], before);
}

/// What was wrong with it was found when the manifest was to be written: the leader then repeated a create that could
/// never succeed, and did nothing else any more, whatever it heard.
#[test]
fn acknowledgement_that_no_manifest_may_name_costs_the_checkpoint_and_not_the_leader() {
    let info =
        |name: &str| OperatorStateInfo { name: name.to_owned(), mode: RedistributionMode::Union, items: 1 };
    let spoilt: [&dyn Fn(&mut TaskSnapshot); 3] = [
        &|snapshot| snapshot.state.index_bytes = snapshot.state.bytes + 1,
        &|snapshot| snapshot.state.operator_state = vec![info("b"), info("a")],
        &|snapshot| snapshot.state.operator_state = vec![info("a"), info("a")],
    ];
    for spoil in spoilt {
        let mut desk = Desk::running(2, 2, 2);
        desk.cut = [HostId(0), HostId(1)].into();
        desk.fire(0, Timer::Checkpoint);
        let running = desk.hosts.iter().find_map(|host| host.task(attempt(1, 1), task(1, 0)));
        let mut snapshot = snapshot(running.expect("it runs").deployment(), CheckpointId(1));
        spoil(&mut snapshot);
        let message = ToCoordinator::Acknowledge {
            attempt: attempt(1, 1),
            checkpoint: CheckpointId(1),
            snapshot: Arc::new(snapshot),
        };
        desk.coordinator(0, CoordinatorInput::Host(message));
        desk.cut.clear();
        desk.fire(0, Timer::Checkpoint);
        assert_eq!(desk.newest().newest_checkpoint_id(), CheckpointId(2));
    }
}

#[test]
fn host_cannot_be_talked_back_into_an_older_attempt() {
    let mut desk = Desk::running(2, 2, 2);
    let old = Arc::clone(
        desk.hosts
            .iter()
            .find_map(|host| host.task(attempt(1, 1), task(1, 0)))
            .expect("it runs")
            .deployment(),
    );
    desk.coordinator(0, CoordinatorInput::Rescale(parallelism(1)));
    let host = usize::from(old.layout.tasks[&task(1, 0)].0);
    let before = desk.hosts[host].clone();
    desk.host(host, said(ToHost::Deploy(Arc::clone(&old))));
    desk.host(host, said(ToHost::Start { attempt: attempt(1, 1) }));
    desk.host(host, said(ToHost::Cancel { attempt: attempt(1, 1) }));
    assert_eq!(desk.hosts[host], before);
}

#[test]
fn notice_of_a_checkpoint_it_took_no_part_in_has_no_effect() {
    let mut desk = Desk::running(2, 2, 2);
    let mut out = Vec::new();
    for host in &mut desk.hosts {
        host.handle(
            said(ToHost::Committed { attempt: attempt(1, 1), checkpoint: CheckpointId(5) }),
            &mut out,
        );
        host.handle(
            said(ToHost::Committed { attempt: attempt(1, 0), checkpoint: CheckpointId(1) }),
            &mut out,
        );
    }
    assert_eq!(out, []);
}

#[test]
fn notices_take_effect_once_and_in_order() {
    let mut desk = Desk::running(2, 2, 2);
    desk.fire(0, Timer::Checkpoint);
    desk.fire(0, Timer::Checkpoint);
    let mut out = Vec::new();
    for checkpoint in [CheckpointId(2), CheckpointId(1), CheckpointId(2)] {
        for host in &mut desk.hosts {
            host.handle(said(ToHost::Committed { attempt: attempt(1, 1), checkpoint }), &mut out);
        }
    }
    assert_eq!(out, []);
}

#[test]
fn aligned_barrier_of_an_aborted_checkpoint_takes_no_snapshot() {
    let mut desk = Desk::running(2, 2, 2);
    let id = task(1, 0);
    let host = desk.hosts.iter_mut().find(|host| host.task(attempt(1, 1), id).is_some()).expect("it runs");
    let barrier = Barrier { checkpoint: CheckpointId(1), confirmed: CheckpointId(0), stop: false };
    let mut out = Vec::new();
    host.handle(said(ToHost::Abort { attempt: attempt(1, 1), checkpoint: CheckpointId(1) }), &mut out);
    host.handle(HostInput::Aligned { attempt: attempt(1, 1), task: id, barrier }, &mut out);
    assert!(!out.iter().any(|output| matches!(output, HostOutput::Snapshot { .. })), "{out:?}");
}

#[test]
fn loss_of_an_idle_host_restarts_nothing() {
    let mut desk = Desk::running(3, 2, 1);
    let used: Vec<_> =
        desk.hosts.iter().filter(|host| host.tasks().count() > 0).map(|host| host.id()).collect();
    let idle =
        desk.hosts.iter().map(|host| host.id()).find(|host| !used.contains(host)).expect("one is idle");
    desk.fire(0, Timer::HostSilence(idle));
    assert_eq!(desk.coordinators[0].running(), Some(attempt(1, 1)));
}

#[test]
fn lost_slots_lower_the_parallelism_and_returned_ones_raise_it_again() {
    let mut desk = Desk::running(3, 1, 2);
    desk.fire(0, Timer::Checkpoint);
    desk.cut.insert(HostId(2));
    desk.fire(0, Timer::HostSilence(HostId(2)));
    desk.fire(0, Timer::Restart);
    assert_eq!(desk.coordinators[0].running(), Some(attempt(1, 2)));
    assert_eq!(desk.hosts[..2].iter().map(|host| host.tasks().count()).sum::<usize>(), 2);
    desk.cut.clear();
    desk.host(2, HostInput::Heartbeat);
    desk.fire(0, Timer::Stabilize);
    assert_eq!(desk.coordinators[0].running(), Some(attempt(1, 3)));
    assert_eq!(desk.hosts.iter().map(|host| host.tasks().count()).sum::<usize>(), 3);
}

#[test]
fn rescale_above_max_parallelism_is_refused() {
    let mut desk = Desk::running(2, 2, 2);
    desk.coordinator(0, CoordinatorInput::Rescale(parallelism(9)));
    assert_eq!(desk.trace, ["coordinator 0: parallelism 9 is refused: it is above the max parallelism"]);
    assert_eq!(desk.newest().version, ManifestVersion(1));
}

#[test]
fn failure_while_a_commit_is_undecided_waits_for_the_decision() {
    let mut desk = Desk::running(2, 2, 2);
    let mut leader = desk.coordinators[0].clone();
    let mut out = Vec::new();
    leader.handle(CoordinatorInput::Timer(Timer::Checkpoint), &mut out);
    for host in &desk.hosts {
        for (_, running) in host.tasks() {
            let snapshot = Arc::new(snapshot(running.deployment(), CheckpointId(1)));
            let message =
                ToCoordinator::Acknowledge { attempt: attempt(1, 1), checkpoint: CheckpointId(1), snapshot };
            leader.handle(CoordinatorInput::Host(message), &mut out);
        }
    }
    let Some(CoordinatorOutput::PutOutputList { name, .. }) = out.pop() else { panic!("{out:?}") };
    leader.handle(CoordinatorInput::OutputList { name, outcome: PutOutcome::Written }, &mut out);
    let Some(CoordinatorOutput::CreateManifest(proposed)) = out.pop() else { panic!("{out:?}") };
    out.clear();
    leader.handle(CoordinatorInput::Timer(Timer::HostSilence(HostId(0))), &mut out);
    assert!(!out.contains(&CoordinatorOutput::SetTimer(Timer::Restart)), "{out:?}");
    leader.handle(
        CoordinatorInput::Create { version: ManifestVersion(2), outcome: CreateOutcome::Created },
        &mut out,
    );
    leader.handle(latest(2, ReadOutcome::Found(proposed)), &mut out);
    assert!(out.contains(&CoordinatorOutput::SetTimer(Timer::Restart)), "{out:?}");
    desk.trace.clear();
    assert_eq!(leader.manifest().map(|manifest| manifest.newest_checkpoint_id()), Some(CheckpointId(1)));
}

#[test]
fn restored_state_that_differs_from_the_checkpoint_is_not_started() {
    let mut desk = Desk::running(2, 2, 2);
    desk.fire(0, Timer::Checkpoint);
    let mut leader = desk.coordinators[0].clone();
    let mut out = Vec::new();
    leader.handle(CoordinatorInput::Timer(Timer::HostSilence(HostId(0))), &mut out);
    let register = ToCoordinator::Register {
        host: HostId(0),
        incarnation: keygroups::protocol::Incarnation(2),
        slots: 2,
        seen: attempt(1, 1),
        active: None,
    };
    leader.handle(CoordinatorInput::Host(register), &mut out);
    out.clear();
    leader.handle(CoordinatorInput::Timer(Timer::Restart), &mut out);
    let deployed: Vec<_> = out
        .iter()
        .filter_map(|output| match output {
            CoordinatorOutput::Send { to, message: ToHost::Deploy(deployment) } => {
                Some((*to, Arc::clone(deployment)))
            }
            _ => None,
        })
        .collect();
    assert_eq!(deployed.len(), 3);
    for (host, deployment) in deployed {
        // One entry too few in every task.
        let entries = deployment.key_groups.map_or(0, |range| range.len() as u64 - 1);
        let ready = ToCoordinator::Ready {
            attempt: deployment.attempt,
            task: deployment.task,
            host,
            incarnation: deployment.layout.hosts[&host],
            restored: keygroups::checkpoint::Certificate { entries, digest: u128::from(entries) },
        };
        leader.handle(CoordinatorInput::Host(ready), &mut out);
    }
    assert!(
        !out.iter()
            .any(|output| matches!(output, CoordinatorOutput::Send { message: ToHost::Start { .. }, .. }))
    );
    assert_eq!(leader.running(), None);
}

#[test]
fn job_finishes_with_a_last_checkpoint_when_all_input_is_processed() {
    let mut desk = Desk::running(2, 2, 2);
    let tasks: Vec<_> = desk
        .hosts
        .iter()
        .enumerate()
        .flat_map(|(host, h)| h.tasks().map(move |(id, _)| (host, *id)))
        .collect();
    for (host, task) in tasks {
        desk.host(host, HostInput::Finished { attempt: attempt(1, 1), task });
    }
    assert_eq!(desk.newest().status, keygroups::checkpoint::JobStatus::Finished);
    assert!(desk.hosts.iter().all(|host| host.tasks().count() == 0));
    assert!(desk.trace.iter().any(|line| line == "coordinator 0: the job is finished with checkpoint 1"));
}

#[test]
fn lost_trigger_and_lost_acknowledgement_are_repeated_with_the_next_heartbeats() {
    let mut desk = Desk::running(2, 2, 2);
    desk.cut = [HostId(0), HostId(1)].into();
    desk.fire(0, Timer::Checkpoint);
    desk.cut = [HostId(1)].into();
    desk.fire(0, Timer::Heartbeat);
    assert_eq!(desk.newest().newest_checkpoint_id(), CheckpointId(0));
    desk.cut.clear();
    desk.host(1, HostInput::Heartbeat);
    assert_eq!(desk.newest().newest_checkpoint_id(), CheckpointId(1));
}

#[test]
fn parallelism_is_the_highest_that_slots_allow() {
    // One source, and as many counting tasks as the parallelism.
    for (slots, wanted, expected) in [(2, 8, 1), (3, 8, 2), (8, 8, 7), (9, 8, 8), (20, 8, 8), (9, 3, 3)] {
        let desk = Desk::running(1, slots, wanted);
        assert_eq!(desk.hosts[0].tasks().count(), 1 + expected, "{slots} slots, {wanted} wanted");
    }
}

/// Story: the create for a rescale and the outputs of a checkpoint had both failed and waited for one
/// timer, which repeated only the create; the checkpoint waited for its expiry. Found by reading.
#[test]
fn one_retry_timer_repeats_the_create_and_the_output_list_that_both_failed() {
    let desk = Desk::running(2, 2, 2);
    let mut leader = desk.coordinators[0].clone();
    let mut out = Vec::new();
    leader.handle(CoordinatorInput::Timer(Timer::Checkpoint), &mut out);
    leader.handle(CoordinatorInput::Rescale(parallelism(1)), &mut out);
    let version = ManifestVersion(2);
    leader.handle(CoordinatorInput::Create { version, outcome: CreateOutcome::Failed }, &mut out);
    for host in &desk.hosts {
        for (_, running) in host.tasks() {
            let snapshot = Arc::new(snapshot(running.deployment(), CheckpointId(1)));
            let checkpoint = CheckpointId(1);
            let message = ToCoordinator::Acknowledge { attempt: attempt(1, 1), checkpoint, snapshot };
            leader.handle(CoordinatorInput::Host(message), &mut out);
        }
    }
    let Some(CoordinatorOutput::PutOutputList { name, .. }) = out.pop() else { panic!("{out:?}") };
    leader.handle(CoordinatorInput::OutputList { name, outcome: PutOutcome::Retry }, &mut out);
    out.clear();
    leader.handle(CoordinatorInput::Timer(Timer::StoreRetry), &mut out);
    let repeats = |what: fn(&CoordinatorOutput) -> bool| out.iter().any(what);
    assert!(repeats(|output| matches!(output, CoordinatorOutput::CreateManifest(_))), "{out:?}");
    assert!(repeats(|output| matches!(output, CoordinatorOutput::PutOutputList { .. })), "{out:?}");
}
