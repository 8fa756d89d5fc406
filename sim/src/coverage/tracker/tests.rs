//! Each point that looks further than one event: a situation that is it, and one that nearly is.

use super::*;
use crate::coverage::POINTS;
use keygroups::checkpoint::{
    Certificate, CheckpointRecord, JobSpec, JobStatus, LeaderEpoch, Manifest, ManifestVersion, Scaling,
    StateHandle, TaskSnapshot, VertexId, VertexSpec,
};
use keygroups::key_group::Subtask;
use keygroups::protocol::{HostId, RestartReason};
use std::sync::Arc;

const COORDINATORS: [Node; 2] = [Node(1), Node(2)];
const HOSTS: [Node; 2] = [Node(3), Node(4)];
/// One on each host.
const TASKS: [TaskId; 2] = [task(0), task(1)];
const FIRST: Attempt = Attempt { epoch: LeaderEpoch(1), run: 1 };
const SECOND: Attempt = Attempt { epoch: LeaderEpoch(1), run: 2 };

const fn task(subtask: u16) -> TaskId {
    TaskId { vertex: VertexId(0), subtask: Subtask(subtask) }
}

fn stands(tracker: &Tracker, at: At) -> bool {
    tracker.points().iter().any(|point| POINTS[point].at == at)
}

impl Tracker {
    fn elect(&mut self, node: Node, epoch: u64) {
        self.event(node, &Event::Elected { epoch: LeaderEpoch(epoch), version: ManifestVersion(epoch) });
    }

    fn run(&mut self, attempt: Attempt) {
        let (parallelism, restore) = (Parallelism::new(2).unwrap(), CheckpointId::NONE);
        self.event(COORDINATORS[0], &Event::Deployed { attempt, parallelism, restore });
        for (node, task) in HOSTS.into_iter().zip(TASKS) {
            self.host_does(node, &HostOutput::Run { attempt, task });
        }
        self.event(COORDINATORS[0], &Event::Running { attempt });
    }

    /// The first attempt runs, and another parallelism is wanted.
    fn to_be_rescaled() -> Self {
        let mut tracker = Self::default();
        tracker.elect(COORDINATORS[0], 1);
        tracker.run(FIRST);
        tracker.want(1);
        tracker
    }

    fn want(&mut self, parallelism: u32) {
        let (parallelism, version) = (Parallelism::new(parallelism).unwrap(), ManifestVersion(2));
        self.event(COORDINATORS[0], &Event::RescaleAccepted { parallelism, version });
    }

    fn give_up(&mut self, attempt: Attempt) {
        let reason = RestartReason::CheckpointsFailing;
        self.event(COORDINATORS[0], &Event::Restarting { attempt, reason });
    }

    fn drop_task(&mut self, which: usize, attempt: Attempt) {
        self.host_does(HOSTS[which], &HostOutput::Drop { attempt, task: TASKS[which] });
    }

    fn host_joins(&mut self, node: Node) {
        self.event(node, &Event::HostJoined { host: HostId(3), slots: 1 });
    }

    /// A checkpoint, up to the manifest that retains it and no other.
    fn commit(&mut self, id: u64) {
        let (attempt, checkpoint, version) = (FIRST, CheckpointId(id), ManifestVersion(2 + id));
        self.event(COORDINATORS[0], &Event::Triggered { attempt, checkpoint, stop: false });
        self.event(COORDINATORS[0], &Event::AllAcknowledged { attempt, checkpoint });
        self.fact(&Fact::ManifestCreated(Arc::new(manifest(id))));
        self.event(COORDINATORS[0], &Event::Committed { attempt, checkpoint, version });
    }
}

fn state(task: TaskId, id: u64) -> ObjectName {
    ObjectName::State { attempt: FIRST, task, checkpoint: CheckpointId(id) }
}

fn manifest(id: u64) -> Manifest {
    let vertex = VertexSpec {
        name: "only".to_owned(),
        max_parallelism: None,
        scaling: Scaling::Elastic,
        inputs: Vec::new(),
    };
    let snapshot = |task| TaskSnapshot {
        task,
        state: StateHandle {
            object: state(task, id),
            bytes: 1,
            index_bytes: 1,
            key_groups: None,
            certificate: Certificate::default(),
            operator_state: Vec::new(),
            bases: Vec::new(),
        },
        output: None,
    };
    let parallelism = Parallelism::new(2).unwrap();
    Manifest {
        version: ManifestVersion(2 + id),
        epoch: FIRST.epoch,
        nonce: 1,
        job: JobSpec::new(vec![vertex]).unwrap(),
        status: JobStatus::Running,
        desired_parallelism: parallelism,
        next_checkpoint: CheckpointId(id + 1),
        checkpoints: vec![CheckpointRecord {
            id: CheckpointId(id),
            attempt: FIRST,
            parallelism,
            tasks: TASKS.into_iter().map(snapshot).collect(),
            outputs: None,
        }],
    }
}

#[test]
fn old_leader_that_is_up_takes_itself_for_the_leader_and_one_that_crashed_does_not() {
    let mut tracker = Tracker::default();
    tracker.elect(COORDINATORS[0], 1);
    assert!(!stands(&tracker, At::C17));
    tracker.elect(COORDINATORS[1], 2);
    assert!(stands(&tracker, At::C17));
    tracker.event(COORDINATORS[0], &Event::Deposed { epoch: LeaderEpoch(1) });
    assert!(!stands(&tracker, At::C17));

    let mut tracker = Tracker::default();
    tracker.elect(COORDINATORS[0], 1);
    tracker.keep(|node| node != COORDINATORS[0]);
    tracker.elect(COORDINATORS[1], 2);
    assert!(!stands(&tracker, At::C17));
    // Nor one that has begun another life meanwhile.
    tracker.elect(COORDINATORS[0], 3);
    tracker.lost(COORDINATORS[1]);
    assert!(!stands(&tracker, At::C17));
}

#[test]
fn hosts_that_come_before_the_old_attempt_is_over_or_to_a_standby_have_not_come_since() {
    let mut tracker = Tracker::to_be_rescaled();
    tracker.host_joins(COORDINATORS[0]);
    tracker.give_up(FIRST);
    tracker.host_joins(COORDINATORS[1]);
    assert!(!stands(&tracker, At::R5));
    tracker.host_joins(COORDINATORS[0]);
    assert!(stands(&tracker, At::R5));
    tracker.run(SECOND);
    assert!(!stands(&tracker, At::R5));
}

#[test]
fn attempt_is_over_when_another_leader_is_elected_whose_hosts_count_from_then_on() {
    let mut tracker = Tracker::to_be_rescaled();
    tracker.elect(COORDINATORS[1], 2);
    tracker.host_joins(COORDINATORS[0]);
    assert!(!stands(&tracker, At::R5));
    tracker.host_joins(COORDINATORS[1]);
    assert!(stands(&tracker, At::R5));
}

#[test]
fn subsumed_state_is_there_then_half_deleted_then_gone() {
    let mut tracker = Tracker::default();
    tracker.elect(COORDINATORS[0], 1);
    tracker.run(FIRST);
    tracker.commit(1);
    // Nothing was committed before that could be subsumed.
    assert!(!stands(&tracker, At::C12) && !stands(&tracker, At::C13));
    tracker.commit(2);
    assert!(stands(&tracker, At::C12) && !stands(&tracker, At::C13));
    // Litter of an upload that nothing names.
    tracker.fact(&Fact::ObjectDeleted(state(TASKS[0], 7)));
    assert!(stands(&tracker, At::C12) && !stands(&tracker, At::C13));
    tracker.fact(&Fact::ObjectDeleted(state(TASKS[0], 1)));
    assert!(!stands(&tracker, At::C12) && stands(&tracker, At::C13));
    tracker.fact(&Fact::ObjectDeleted(state(TASKS[1], 1)));
    assert!(!stands(&tracker, At::C12) && !stands(&tracker, At::C13));
}

#[test]
fn tasks_of_the_old_attempt_go_one_by_one() {
    let mut tracker = Tracker::to_be_rescaled();
    tracker.give_up(FIRST);
    assert!(!stands(&tracker, At::R3) && !stands(&tracker, At::R4));
    tracker.drop_task(0, FIRST);
    assert!(stands(&tracker, At::R3) && !stands(&tracker, At::R4));
    tracker.drop_task(1, FIRST);
    assert!(!stands(&tracker, At::R3) && stands(&tracker, At::R4));
    tracker.run(SECOND);
    assert!(!stands(&tracker, At::R4));
}

#[test]
fn tasks_that_a_zombie_drops_late_are_not_of_the_attempt_that_runs() {
    let mut tracker = Tracker::default();
    tracker.elect(COORDINATORS[0], 1);
    tracker.run(FIRST);
    tracker.run(SECOND);
    tracker.want(1);
    tracker.drop_task(0, FIRST);
    assert!(!stands(&tracker, At::R3) && !stands(&tracker, At::R4));
    tracker.drop_task(0, SECOND);
    assert!(stands(&tracker, At::R3));
}

#[test]
fn tasks_of_a_host_that_crashed_do_not_run() {
    let mut tracker = Tracker::to_be_rescaled();
    tracker.give_up(FIRST);
    tracker.drop_task(0, FIRST);
    assert!(stands(&tracker, At::R3));
    tracker.lost(HOSTS[1]);
    assert!(!stands(&tracker, At::R3) && stands(&tracker, At::R4));
}

#[test]
fn attempt_that_a_succeeded_leader_plans_is_not_the_one_that_counts() {
    let mut tracker = Tracker::to_be_rescaled();
    let of_successor = Attempt { epoch: LeaderEpoch(2), run: 1 };
    tracker.elect(COORDINATORS[1], 2);
    tracker.run(of_successor);
    tracker.run(SECOND);
    assert_eq!(tracker.attempt.map(|attempt| attempt.id), Some(of_successor));
}
