//! Marks that look further than one event: a turn that sets them, and one that nearly does.

use super::*;
use crate::coverage::Meetings;
use keygroups::checkpoint::{Certificate, CheckpointId, LeaderEpoch, StateHandle, TaskId, VertexId};
use keygroups::key_group::Subtask;
use keygroups::protocol::{Barrier, CoordinatorId, HostInput};
use std::sync::Arc;

const COORDINATORS: [Node; 2] = [Node(1), Node(2)];
const HOSTS: [Node; 2] = [Node(3), Node(4)];
const FIRST: Attempt = Attempt { epoch: LeaderEpoch(1), run: 1 };
const SECOND: Attempt = Attempt { epoch: LeaderEpoch(1), run: 2 };

const fn task(subtask: u16) -> TaskId {
    TaskId { vertex: VertexId(0), subtask: Subtask(subtask) }
}

const fn elected(epoch: u64) -> Event {
    Event::Elected { epoch: LeaderEpoch(epoch), version: ManifestVersion(epoch) }
}

impl Meetings {
    fn tells(&self, node: Node, event: Event) {
        self.hears(node, &CoordinatorInput::Boot, &[CoordinatorOutput::Event(event)]);
    }

    fn hears(&self, node: Node, input: &CoordinatorInput, outputs: &[CoordinatorOutput]) {
        self.coordinator_step(node, input, outputs);
    }

    fn does(&self, node: Node, output: HostOutput) {
        self.host_step(node, &HostInput::Boot, &[output]);
    }

    fn is_in_doubt(&self, node: Node, version: u64) {
        let (version, outcome) = (ManifestVersion(version), CreateOutcome::Unknown);
        self.hears(node, &CoordinatorInput::Create { version, outcome }, &[]);
    }

    fn takes_a_snapshot(&self, checkpoint: CheckpointId) {
        let restore = CheckpointId::NONE;
        let parallelism = Parallelism::new(1).unwrap();
        self.tells(COORDINATORS[0], Event::Deployed { attempt: FIRST, parallelism, restore });
        self.tells(COORDINATORS[0], Event::Triggered { attempt: FIRST, checkpoint, stop: false });
        let barrier = Barrier { checkpoint, confirmed: CheckpointId::NONE, stop: false };
        self.does(HOSTS[0], HostOutput::Snapshot { attempt: FIRST, task: task(0), barrier });
    }

    #[track_caller]
    fn has_seen(&self, mark: Mark, times: u64) {
        assert_eq!(self.coverage().times(mark.name()), times, "{}", mark.name());
    }
}

fn acknowledgement(attempt: Attempt, checkpoint: CheckpointId, bases: &[ObjectName]) -> ToCoordinator {
    let state = StateHandle {
        object: ObjectName::State { attempt, task: task(0), checkpoint },
        bytes: 1,
        index_bytes: 1,
        key_groups: None,
        certificate: Certificate::default(),
        operator_state: Vec::new(),
        bases: bases.to_vec(),
    };
    let snapshot = Arc::new(TaskSnapshot { task: task(0), state, output: None });
    ToCoordinator::Acknowledge { attempt, checkpoint, snapshot }
}

#[test]
fn campaigns_meet_where_another_one_campaigns_that_has_not_crashed() {
    for (crashes, times) in [(false, 1), (true, 0)] {
        let meetings = Meetings::default();
        COORDINATORS.into_iter().for_each(|node| meetings.tells(node, Event::Campaigned));
        if crashes {
            meetings.began(COORDINATORS[1]);
        }
        meetings.tells(COORDINATORS[0], elected(1));
        meetings.has_seen(Mark::CampaignsMeet, times);
    }
}

#[test]
fn create_in_doubt_had_worked_if_its_own_manifest_is_found() {
    let meetings = Meetings::default();
    meetings.is_in_doubt(COORDINATORS[0], 7);
    meetings.is_in_doubt(COORDINATORS[0], 7);
    meetings.tells(COORDINATORS[0], elected(8));
    meetings.has_seen(Mark::CreateInDoubt, 1);
    meetings.has_seen(Mark::CreateHadWorked, 0);
    meetings.is_in_doubt(COORDINATORS[0], 9);
    meetings.tells(COORDINATORS[1], elected(9));
    meetings.has_seen(Mark::CreateHadWorked, 0);
    meetings.tells(COORDINATORS[0], elected(9));
    meetings.has_seen(Mark::CreateHadWorked, 1);
}

#[test]
fn checkpoint_outlives_its_leader_where_tasks_have_frozen_for_it_and_nobody_gave_it_up() {
    let checkpoint = CheckpointId(1);
    for (gives_up, times) in [(false, 1), (true, 0)] {
        let meetings = Meetings::default();
        meetings.tells(COORDINATORS[0], elected(1));
        meetings.takes_a_snapshot(checkpoint);
        if gives_up {
            let reason = AbortReason::Expired;
            meetings.tells(COORDINATORS[0], Event::Aborted { attempt: FIRST, checkpoint, reason });
        }
        meetings.tells(COORDINATORS[1], elected(2));
        meetings.has_seen(Mark::CheckpointOutlivesLeader, times);
        meetings.has_seen(Mark::CheckpointExpires, 1 - times);
    }
}

#[test]
fn acknowledgement_is_late_if_its_checkpoint_was_given_up() {
    let (meetings, checkpoint) = (Meetings::default(), CheckpointId(1));
    meetings.takes_a_snapshot(checkpoint);
    let acknowledges = |attempt| {
        let message = acknowledgement(attempt, checkpoint, &[]);
        meetings.hears(COORDINATORS[0], &CoordinatorInput::Host(message), &[]);
    };
    acknowledges(FIRST);
    meetings.has_seen(Mark::LateAcknowledgement, 0);
    let reason = AbortReason::Restart;
    meetings.tells(COORDINATORS[0], Event::Aborted { attempt: FIRST, checkpoint, reason });
    acknowledges(SECOND);
    meetings.has_seen(Mark::LateAcknowledgement, 0);
    acknowledges(FIRST);
    meetings.has_seen(Mark::LateAcknowledgement, 1);
}

#[test]
fn attempts_overlap_where_tasks_of_both_run_and_a_task_runs_twice_where_it_is_the_same() {
    let meetings = Meetings::default();
    meetings.does(HOSTS[0], HostOutput::Run { attempt: FIRST, task: task(0) });
    meetings.does(HOSTS[1], HostOutput::Run { attempt: FIRST, task: task(1) });
    meetings.has_seen(Mark::AttemptsOverlap, 0);
    meetings.does(HOSTS[1], HostOutput::Drop { attempt: FIRST, task: task(1) });
    meetings.does(HOSTS[1], HostOutput::Run { attempt: SECOND, task: task(1) });
    meetings.has_seen(Mark::AttemptsOverlap, 1);
    meetings.has_seen(Mark::TaskTwice, 0);
    meetings.does(HOSTS[1], HostOutput::Run { attempt: SECOND, task: task(0) });
    meetings.has_seen(Mark::TaskTwice, 1);
}

#[test]
fn snapshot_leans_on_an_earlier_attempt_or_on_several_of_its_own() {
    let meetings = Meetings::default();
    let base = |attempt, id| ObjectName::State { attempt, task: task(0), checkpoint: CheckpointId(id) };
    let leans_on = |bases: &[ObjectName]| {
        let message = acknowledgement(SECOND, CheckpointId(9), bases);
        meetings.does(HOSTS[0], HostOutput::Send { to: CoordinatorId(0), message });
    };
    leans_on(&[base(SECOND, 1)]);
    meetings.has_seen(Mark::LeansOnEarlierAttempt, 0);
    leans_on(&[base(FIRST, 1)]);
    meetings.has_seen(Mark::LeansOnEarlierAttempt, 1);
    meetings.has_seen(Mark::LeansOnSeveral, 0);
    leans_on(&[base(SECOND, 1), base(SECOND, 2)]);
    meetings.has_seen(Mark::LeansOnSeveral, 1);
}

#[test]
fn litter_is_state_that_no_manifest_named() {
    let meetings = Meetings::default();
    meetings
        .fact(&Fact::ObjectDeleted(ObjectName::OutputList { attempt: FIRST, checkpoint: CheckpointId(1) }));
    meetings.has_seen(Mark::LitterDeleted, 0);
    let name = ObjectName::State { attempt: FIRST, task: task(0), checkpoint: CheckpointId(1) };
    meetings.fact(&Fact::ObjectDeleted(name));
    meetings.has_seen(Mark::LitterDeleted, 1);
}
