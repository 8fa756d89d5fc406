//! Follows one run: at which points it stands.

mod questions;

use super::points::{At, Points};
use crate::wire::Node;
use keygroups::checkpoint::{Attempt, CheckpointId, ObjectName, TaskId};
use keygroups::key_group::Parallelism;
use keygroups::protocol::invariant::Fact;
use keygroups::protocol::{
    CoordinatorInput, CoordinatorOutput, Event, HostInput, HostOutput, ToCoordinator, ToHost,
};
use std::collections::{BTreeMap, BTreeSet};

/// What is seen of a run. It decides nothing: it only says where the protocol stands.
#[derive(Debug, Default)]
pub(crate) struct Tracker {
    // Who is up and takes itself for the leader, and who was elected last.
    leaders: BTreeSet<Node>,
    elected: Option<Node>,
    checkpoint: Option<Checkpoint>,
    attempt: Option<AttemptSeen>,
    // Tasks that run, of any attempt, and where.
    running: BTreeMap<(Attempt, TaskId), Node>,
    // What the newest manifest names of state.
    named: BTreeSet<ObjectName>,
    rescale: Option<Rescale>,
    // What lasts for one step only.
    momentary: Points,
    // Since somebody asked for the points.
    changed: bool,
}

#[derive(Debug)]
struct Checkpoint {
    attempt: Attempt,
    id: CheckpointId,
    frozen: BTreeSet<TaskId>,
    stored: BTreeSet<TaskId>,
    acknowledged: BTreeSet<TaskId>,
    all_acknowledged: bool,
    listed: bool,
    created: bool,
    committed: bool,
    given_up: bool,
    notified: BTreeSet<TaskId>,
    // State that the manifest before named and its own does not: what is still there of it, and whether some
    // is deleted.
    subsumed: BTreeSet<ObjectName>,
    deleted: bool,
}

// The attempt that was planned last.
#[derive(Debug, Default)]
struct AttemptSeen {
    id: Attempt,
    parallelism: Option<Parallelism>,
    // Whether each is a source.
    tasks: BTreeMap<TaskId, bool>,
    // Where tasks read, and have restored: on hosts that still know of it.
    reading: BTreeMap<TaskId, Node>,
    reads_state: bool,
    restored: BTreeMap<TaskId, Node>,
    runs: bool,
    // Its leader said so, or another was elected.
    is_over: bool,
    // A task of it that ran was told to go.
    dropped: bool,
    // Since it is over.
    hosts_changed: bool,
    has_committed: bool,
    has_given_up: bool,
}

// A rescale from the moment it is durable to the first checkpoint at the new parallelism.
#[derive(Debug)]
struct Rescale {
    wanted: Parallelism,
    committed_since: bool,
}

impl Tracker {
    /// A process has lost its memory: it has crashed or left, or begins a life. What it believed is gone, and
    /// so are its tasks.
    pub(crate) fn lost(&mut self, node: Node) {
        self.keep(|other| other != node);
    }

    /// All processes have that are not up.
    pub(crate) fn keep(&mut self, is_up: impl Fn(Node) -> bool) {
        self.changed = true;
        self.leaders.retain(|node| is_up(*node));
        self.running.retain(|_, node| is_up(*node));
        if let Some(attempt) = &mut self.attempt {
            attempt.reading.retain(|_, node| is_up(*node));
            attempt.restored.retain(|_, node| is_up(*node));
        }
    }

    /// A coordinator tells something.
    pub(super) fn event(&mut self, node: Node, event: &Event) {
        self.changed = true;
        match event {
            Event::Elected { epoch, .. } => {
                self.leaders.insert(node);
                self.elected = Some(node);
                if let Some(attempt) = self.attempt.as_mut().filter(|attempt| attempt.id.epoch < *epoch) {
                    attempt.is_over = true;
                }
            }
            Event::Deposed { .. } => {
                self.leaders.remove(&node);
            }
            // A standby's hosts decide nothing, and neither do those of a leader that was succeeded.
            Event::HostJoined { .. } | Event::HostLost { .. } => {
                let leads = self.elected == Some(node) && self.leaders.contains(&node);
                if let (true, Some(attempt)) = (leads, &mut self.attempt) {
                    attempt.hosts_changed |= attempt.is_over();
                }
            }
            Event::RescaleAccepted { parallelism, .. } => {
                self.rescale = Some(Rescale { wanted: *parallelism, committed_since: false });
            }
            // A leader that was succeeded may go on for a while.
            Event::Deployed { attempt, parallelism, .. } if self.is_new(*attempt) => {
                let parallelism = Some(*parallelism);
                self.attempt = Some(AttemptSeen { id: *attempt, parallelism, ..AttemptSeen::default() });
            }
            Event::Running { attempt } => self.with_attempt(*attempt, |it| it.runs = true),
            Event::Restarting { attempt, .. } => self.with_attempt(*attempt, |it| it.is_over = true),
            Event::Triggered { attempt, checkpoint, .. } if !self.is_old(*attempt) => {
                self.checkpoint = Some(Checkpoint::new(*attempt, *checkpoint));
            }
            Event::AllAcknowledged { attempt, checkpoint } => {
                self.with_checkpoint(*attempt, *checkpoint, |it| it.all_acknowledged = true);
            }
            Event::Committed { attempt, checkpoint, .. } => {
                self.with_checkpoint(*attempt, *checkpoint, |it| it.committed = true);
                self.with_attempt(*attempt, |it| it.has_committed = true);
                let runs_at = self.attempt.as_ref().and_then(|it| it.parallelism);
                self.rescale = self.rescale.take().filter(|rescale| runs_at != Some(rescale.wanted));
                if let Some(rescale) = &mut self.rescale {
                    rescale.committed_since = true;
                }
            }
            Event::Aborted { attempt, checkpoint, .. } => {
                self.with_checkpoint(*attempt, *checkpoint, |it| it.given_up = true);
                self.with_attempt(*attempt, |it| it.has_given_up = true);
            }
            _ => {}
        }
    }

    /// A coordinator has taken a step.
    pub(crate) fn coordinator_step(
        &mut self,
        node: Node,
        input: &CoordinatorInput,
        outputs: &[CoordinatorOutput],
    ) {
        self.heard(match input {
            CoordinatorInput::Host(message) => message.attempt(),
            _ => None,
        });
        for output in outputs {
            if let CoordinatorOutput::Event(event) = output {
                self.event(node, event);
            }
        }
    }

    /// A host has taken a step.
    pub(crate) fn host_step(&mut self, node: Node, input: &HostInput, outputs: &[HostOutput]) {
        let said = match input {
            HostInput::Coordinator(ToHost::Deploy(deployment)) => Some(deployment.attempt),
            HostInput::Coordinator(
                ToHost::Start { attempt }
                | ToHost::Trigger { attempt, .. }
                | ToHost::Committed { attempt, .. }
                | ToHost::Abort { attempt, .. },
            ) => Some(*attempt),
            _ => None,
        };
        self.heard(said);
        outputs.iter().for_each(|output| self.host_does(node, output));
    }

    fn host_does(&mut self, node: Node, output: &HostOutput) {
        self.changed |= !matches!(output, HostOutput::SendAll(_) | HostOutput::SetHeartbeat);
        match output {
            HostOutput::Restore(deployment) => {
                self.with_attempt(deployment.attempt, |it| {
                    it.reading.insert(deployment.task, node);
                    it.reads_state |= deployment.restore.checkpoint != CheckpointId::NONE;
                });
            }
            HostOutput::Run { attempt, task } => {
                self.running.insert((*attempt, *task), node);
            }
            HostOutput::Drop { attempt, task } => {
                // A zombie drops tasks of attempts that were over long ago, too.
                let ran = self.running.remove(&(*attempt, *task)).is_some();
                self.with_attempt(*attempt, |it| it.dropped |= ran);
            }
            HostOutput::Commit { attempt, task, checkpoint } => {
                self.with_checkpoint(*attempt, *checkpoint, |it| {
                    it.notified.insert(*task);
                });
            }
            HostOutput::Snapshot { attempt, task, barrier } => {
                self.with_checkpoint(*attempt, barrier.checkpoint, |it| {
                    it.frozen.insert(*task);
                });
            }
            HostOutput::Send { message: ToCoordinator::Ready { attempt, task, .. }, .. } => {
                self.with_attempt(*attempt, |it| {
                    it.reading.remove(task);
                    it.restored.insert(*task, node);
                });
            }
            HostOutput::Send {
                message: ToCoordinator::Acknowledge { attempt, checkpoint, snapshot },
                ..
            } => {
                self.with_checkpoint(*attempt, *checkpoint, |it| {
                    it.acknowledged.insert(snapshot.task);
                });
            }
            _ => {}
        }
    }

    /// Something is so, of which the coordinators' and the store's facts are looked at.
    pub(crate) fn fact(&mut self, fact: &Fact) {
        self.changed = true;
        match fact {
            Fact::Deployed(deployment) => self.with_attempt(deployment.attempt, |it| {
                it.tasks.insert(deployment.task, deployment.source);
            }),
            Fact::ManifestCreated(manifest) => {
                let newest = manifest.newest_checkpoint_id();
                let state = |name: &&ObjectName| matches!(name, ObjectName::State { .. });
                let named = manifest.objects().filter(state).copied().collect();
                let before = std::mem::replace(&mut self.named, named);
                let pending = self.checkpoint.as_mut();
                if let Some(checkpoint) = pending.filter(|it| it.all_acknowledged && it.id == newest) {
                    if !checkpoint.created {
                        checkpoint.subsumed = before.difference(&self.named).copied().collect();
                    }
                    checkpoint.created = true;
                }
            }
            Fact::ObjectWritten { name: ObjectName::State { attempt, task, checkpoint }, .. } => {
                self.with_checkpoint(*attempt, *checkpoint, |it| {
                    it.stored.insert(*task);
                });
            }
            Fact::ObjectWritten { name: ObjectName::OutputList { attempt, checkpoint }, .. } => {
                self.with_checkpoint(*attempt, *checkpoint, |it| it.listed = true);
            }
            Fact::ObjectDeleted(name) => {
                if let Some(checkpoint) = &mut self.checkpoint {
                    checkpoint.deleted |= checkpoint.subsumed.remove(name);
                }
            }
            _ => {}
        }
    }

    /// Where the protocol stands now, if it may be elsewhere than when this was asked last.
    pub(crate) fn moved(&mut self) -> Option<Points> {
        std::mem::take(&mut self.changed).then(|| self.points())
    }

    /// Where the protocol stands now.
    pub(crate) fn points(&self) -> Points {
        let mut points = self.momentary;
        points.add(At::C17, self.leaders.len() > 1);
        if let Some(checkpoint) = &self.checkpoint {
            self.points_of_checkpoint(checkpoint, &mut points);
        }
        if let (Some(attempt), Some(rescale)) = (&self.attempt, &self.rescale) {
            self.points_of_rescale(attempt, rescale, &mut points);
        }
        points
    }

    fn points_of_checkpoint(&self, it: &Checkpoint, points: &mut Points) {
        let Some(attempt) = self.attempt.as_ref().filter(|attempt| attempt.id == it.attempt) else { return };
        let tasks = attempt.tasks.len();
        let sources = attempt.tasks.values().filter(|source| **source).count();
        let frozen_sources = it.frozen.iter().filter(|task| attempt.tasks.get(task) == Some(&true)).count();
        let pending = !it.committed && !it.given_up && !attempt.is_over;
        points.add(At::C2, pending && it.frozen.is_empty());
        points.add(At::C3, pending && 0 < frozen_sources && frozen_sources < sources);
        points.add(At::C4, pending && frozen_sources == sources && it.frozen.len() < tasks);
        points.add(At::C6, pending && !it.frozen.is_subset(&it.stored));
        points.add(At::C7, pending && !it.stored.is_subset(&it.acknowledged));
        points.add(At::C8, pending && !it.acknowledged.is_empty() && !it.all_acknowledged);
        points.add(At::C9, pending && it.all_acknowledged && !it.listed && !it.created);
        points.add(At::C10, pending && it.listed && !it.created);
        points.add(At::C11, it.created && !it.committed && !it.given_up);
        points.add(At::C12, it.committed && !it.subsumed.is_empty() && !it.deleted);
        points.add(At::C13, it.committed && !it.subsumed.is_empty() && it.deleted);
        points.add(At::C14, it.committed && !it.notified.is_empty() && it.notified.len() < tasks);
        points.add(At::C16, it.given_up && !it.acknowledged.is_empty());
    }

    fn points_of_rescale(&self, attempt: &AttemptSeen, rescale: &Rescale, points: &mut Points) {
        let pending = |it: &Checkpoint| !it.committed && !it.given_up && it.attempt == attempt.id;
        let is_pending = self.checkpoint.as_ref().is_some_and(pending);
        let running = self.running.keys().any(|(of, _)| *of == attempt.id);
        // Until the next attempt is planned, the one that was planned last is the old one.
        let old = attempt.runs;
        let over = attempt.is_over();
        points.add(At::R1, old && is_pending && !over);
        points.add(At::R2, old && rescale.committed_since && running && !over);
        points.add(At::R3, old && attempt.dropped && running);
        points.add(At::R4, old && over && !running);
        points.add(At::R5, old && over && attempt.hosts_changed);
        let begun = !attempt.reading.is_empty() || !attempt.restored.is_empty();
        let known = attempt.reading.len() + attempt.restored.len();
        points.add(At::R6, !old && !begun && !attempt.is_over);
        points.add(At::R7, !old && begun && known < attempt.tasks.len());
        points.add(At::R8, !old && attempt.reads_state && !attempt.reading.is_empty());
        let restored = attempt.restored.len();
        points.add(At::R10, !old && 0 < restored && restored < attempt.tasks.len());
        points.add(At::R12, old && !attempt.has_committed && !over);
        points.add(At::R15, old && !attempt.has_committed && attempt.has_given_up);
    }

    /// A step begins with a message about this attempt, if with any.
    fn heard(&mut self, said: Option<Attempt>) {
        let old = said.is_some_and(|said| self.is_old(said));
        let before = std::mem::take(&mut self.momentary);
        self.momentary.add(At::R13, old);
        self.changed |= self.momentary != before;
    }

    fn is_new(&self, id: Attempt) -> bool {
        self.attempt.as_ref().is_none_or(|attempt| attempt.id < id)
    }

    fn is_old(&self, id: Attempt) -> bool {
        self.attempt.as_ref().is_some_and(|attempt| id < attempt.id)
    }

    fn with_attempt(&mut self, id: Attempt, change: impl FnOnce(&mut AttemptSeen)) {
        if let Some(attempt) = self.attempt.as_mut().filter(|attempt| attempt.id == id) {
            change(attempt);
        }
    }

    fn with_checkpoint(&mut self, attempt: Attempt, id: CheckpointId, change: impl FnOnce(&mut Checkpoint)) {
        let pending = self.checkpoint.as_mut();
        if let Some(checkpoint) = pending.filter(|it| it.attempt == attempt && it.id == id) {
            change(checkpoint);
        }
    }
}

impl AttemptSeen {
    fn is_over(&self) -> bool {
        self.is_over || self.runs && self.dropped
    }
}

impl Checkpoint {
    fn new(attempt: Attempt, id: CheckpointId) -> Self {
        Self {
            attempt,
            id,
            frozen: BTreeSet::new(),
            stored: BTreeSet::new(),
            acknowledged: BTreeSet::new(),
            all_acknowledged: false,
            listed: false,
            created: false,
            committed: false,
            given_up: false,
            notified: BTreeSet::new(),
            subsumed: BTreeSet::new(),
            deleted: false,
        }
    }
}

#[cfg(test)]
mod tests;
