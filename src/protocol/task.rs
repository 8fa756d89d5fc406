//! One subtask on one host, from its deployment to its end.
//!
//! A task belongs to one attempt for all its life; [`Host`](super::Host) gives it only messages of
//! that attempt. What it may believe follows from that: a notice is true for it only if it took
//! part in the checkpoint (FLINK-24096), and notices take effect in order, each once
//! (FLINK-10377).

use std::{collections::BTreeMap, sync::Arc};

use super::message::{Barrier, Deployment, FailureCause, HostId, HostOutput, Incarnation, ToCoordinator};
use crate::checkpoint::{Certificate, CheckpointId, TaskSnapshot};

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskPhase {
    /// Its state is being read.
    Restoring,
    /// Its state is there; it waits for everybody else.
    Ready {
        /// What it restored.
        restored: Certificate,
    },
    /// It processes.
    Running,
    /// It has frozen its last snapshot and processes nothing more.
    Stopped,
    /// It failed. It stays, so that the failure is reported until the leader knows.
    Failed {
        /// What it failed of, as the leader is told.
        cause: FailureCause,
    },
}

/// One subtask of one attempt.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Task {
    deployment: Arc<Deployment>,
    phase: TaskPhase,
    // The newest checkpoint it froze a snapshot for, or was told to give up.
    last: CheckpointId,
    // The newest committed checkpoint it knows of; starts at the restored one.
    confirmed: CheckpointId,
    // Frozen and not yet known to be committed or given up, with what is durable of it.
    taken: BTreeMap<CheckpointId, Option<Arc<TaskSnapshot>>>,
    finished: bool,
}

impl Task {
    /// Begins to restore.
    pub(super) fn deploy(deployment: Arc<Deployment>, out: &mut Vec<HostOutput>) -> Self {
        out.push(HostOutput::Restore(Arc::clone(&deployment)));
        let restored = deployment.restore.checkpoint;
        Self {
            deployment,
            phase: TaskPhase::Restoring,
            last: restored,
            confirmed: restored,
            taken: BTreeMap::new(),
            finished: false,
        }
    }

    /// What it was deployed with.
    pub fn deployment(&self) -> &Arc<Deployment> {
        &self.deployment
    }

    /// Where it stands.
    pub fn phase(&self) -> TaskPhase {
        self.phase
    }

    /// The newest committed checkpoint it knows of.
    pub fn confirmed(&self) -> CheckpointId {
        self.confirmed
    }

    /// Whether it processes or has processed records in this attempt.
    pub fn is_active(&self) -> bool {
        matches!(self.phase, TaskPhase::Running | TaskPhase::Stopped)
    }

    /// The state was read, or could not be.
    pub(super) fn restored(
        &mut self,
        outcome: Result<Certificate, FailureCause>,
        host: HostId,
        incarnation: Incarnation,
        out: &mut Vec<HostOutput>,
    ) {
        if self.phase != TaskPhase::Restoring {
            return;
        }
        match outcome {
            Ok(restored) => self.phase = TaskPhase::Ready { restored },
            Err(cause) => self.phase = TaskPhase::Failed { cause },
        }
        self.report(host, incarnation, out);
    }

    /// Says again what the leader must know: that it is ready, has failed, has finished, has a
    /// durable snapshot whose fate it does not know.
    pub(super) fn report(&self, host: HostId, incarnation: Incarnation, out: &mut Vec<HostOutput>) {
        let (attempt, task, to) = (self.deployment.attempt, self.deployment.task, self.deployment.leader);
        match self.phase {
            TaskPhase::Restoring => {}
            TaskPhase::Ready { restored } => {
                let message = ToCoordinator::Ready { attempt, task, host, incarnation, restored };
                out.push(HostOutput::Send { to, message });
            }
            TaskPhase::Failed { cause } => {
                out.push(HostOutput::Send { to, message: ToCoordinator::Failed { attempt, task, cause } });
            }
            TaskPhase::Running | TaskPhase::Stopped => {
                if self.finished && self.phase == TaskPhase::Running {
                    out.push(HostOutput::Send { to, message: ToCoordinator::Finished { attempt, task } });
                }
                if let Some((&checkpoint, Some(snapshot))) = self.taken.last_key_value() {
                    let snapshot = Arc::clone(snapshot);
                    let message = ToCoordinator::Acknowledge { attempt, checkpoint, snapshot };
                    out.push(HostOutput::Send { to, message });
                }
            }
        }
    }

    /// Everybody is ready.
    pub(super) fn start(&mut self, out: &mut Vec<HostOutput>) {
        if let TaskPhase::Ready { .. } = self.phase {
            self.phase = TaskPhase::Running;
            out.push(HostOutput::Run { attempt: self.deployment.attempt, task: self.deployment.task });
        }
    }

    /// The task stands at this barrier: a source was triggered, the channels of another task are
    /// aligned.
    pub(super) fn at_barrier(&mut self, barrier: Barrier, out: &mut Vec<HostOutput>) {
        if self.phase != TaskPhase::Running || barrier.checkpoint <= self.last {
            return;
        }
        // The barrier repeats what a lost notice would have said.
        self.believe(barrier.confirmed, out);
        self.last = barrier.checkpoint;
        self.taken.insert(barrier.checkpoint, None);
        if barrier.stop {
            self.phase = TaskPhase::Stopped;
        }
        let (attempt, task) = (self.deployment.attempt, self.deployment.task);
        out.push(HostOutput::Snapshot { attempt, task, barrier });
    }

    /// The snapshot is durable, or could not be made so.
    pub(super) fn uploaded(
        &mut self,
        checkpoint: CheckpointId,
        snapshot: Option<Arc<TaskSnapshot>>,
        out: &mut Vec<HostOutput>,
    ) {
        let Some(durable) = self.taken.get_mut(&checkpoint).filter(|durable| durable.is_none()) else {
            return;
        };
        let (attempt, task) = (self.deployment.attempt, self.deployment.task);
        let message = match snapshot {
            Some(snapshot) => {
                *durable = Some(Arc::clone(&snapshot));
                ToCoordinator::Acknowledge { attempt, checkpoint, snapshot }
            }
            None => {
                self.taken.remove(&checkpoint);
                ToCoordinator::Decline { attempt, checkpoint, task }
            }
        };
        out.push(HostOutput::Send { to: self.deployment.leader, message });
    }

    /// The leader says that the checkpoint is committed.
    pub(super) fn committed(&mut self, checkpoint: CheckpointId, out: &mut Vec<HostOutput>) {
        if self.is_active() {
            self.believe(checkpoint, out);
        }
    }

    /// The leader says that the checkpoint will never be committed.
    pub(super) fn abort(&mut self, checkpoint: CheckpointId, out: &mut Vec<HostOutput>) {
        if !self.is_active() || checkpoint <= self.confirmed {
            return;
        }
        self.taken.remove(&checkpoint);
        // Its barrier may still be on the way: it must not start a snapshot.
        self.last = self.last.max(checkpoint);
        let (attempt, task) = (self.deployment.attempt, self.deployment.task);
        out.push(HostOutput::CancelAlignment { attempt, task, checkpoint });
    }

    /// The engine cannot go on.
    pub(super) fn fail(
        &mut self,
        cause: FailureCause,
        host: HostId,
        incarnation: Incarnation,
        out: &mut Vec<HostOutput>,
    ) {
        if let TaskPhase::Failed { .. } = self.phase {
            return;
        }
        self.phase = TaskPhase::Failed { cause };
        self.report(host, incarnation, out);
    }

    /// All input was processed.
    pub(super) fn finish(&mut self, host: HostId, incarnation: Incarnation, out: &mut Vec<HostOutput>) {
        self.finished = true;
        self.report(host, incarnation, out);
    }

    // The one place where a commit takes effect: it is newer than what is known, and this task
    // took part in it.
    fn believe(&mut self, checkpoint: CheckpointId, out: &mut Vec<HostOutput>) {
        if checkpoint <= self.confirmed || !self.taken.contains_key(&checkpoint) {
            return;
        }
        self.confirmed = checkpoint;
        self.taken = self.taken.split_off(&checkpoint.next());
        let (attempt, task) = (self.deployment.attempt, self.deployment.task);
        out.push(HostOutput::Commit { attempt, task, checkpoint });
    }
}
