//! Follows one run: at which points it stands.

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
    leaders: BTreeSet<Node>,
    checkpoint: Option<Checkpoint>,
    attempt: Option<AttemptSeen>,
    // Tasks that run, of any attempt.
    running: BTreeSet<(Attempt, TaskId)>,
    dropped: bool,
    // Since the attempt that ran last is over.
    hosts_changed: bool,
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
    deleted: bool,
}

// The attempt that was planned last.
#[derive(Debug, Default)]
struct AttemptSeen {
    id: Attempt,
    parallelism: Option<Parallelism>,
    // Whether each is a source.
    tasks: BTreeMap<TaskId, bool>,
    reading: BTreeSet<TaskId>,
    reads_state: bool,
    restored: BTreeSet<TaskId>,
    runs: bool,
    is_over: bool,
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
    /// A process has begun a life: what it believed is gone.
    pub(crate) fn began(&mut self, node: Node) {
        self.changed = true;
        self.leaders.remove(&node);
    }

    /// A coordinator tells something.
    pub(super) fn event(&mut self, node: Node, event: &Event) {
        self.changed = true;
        match event {
            Event::Elected { .. } => {
                self.leaders.insert(node);
            }
            Event::Deposed { .. } => {
                self.leaders.remove(&node);
            }
            Event::HostJoined { .. } | Event::HostLost { .. } => self.hosts_changed = true,
            Event::RescaleAccepted { parallelism, .. } => {
                self.rescale = Some(Rescale { wanted: *parallelism, committed_since: false });
            }
            Event::Deployed { attempt, parallelism, .. } => {
                let parallelism = Some(*parallelism);
                self.attempt = Some(AttemptSeen { id: *attempt, parallelism, ..AttemptSeen::default() });
                self.hosts_changed = false;
                self.dropped = false;
            }
            Event::Running { attempt } => self.with_attempt(*attempt, |it| it.runs = true),
            Event::Restarting { attempt, .. } => {
                self.with_attempt(*attempt, |it| it.is_over = true);
                self.hosts_changed = false;
            }
            Event::Triggered { attempt, checkpoint, .. } => {
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
    pub(crate) fn host_step(&mut self, input: &HostInput, outputs: &[HostOutput]) {
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
        outputs.iter().for_each(|output| self.host_does(output));
    }

    fn host_does(&mut self, output: &HostOutput) {
        self.changed |= !matches!(output, HostOutput::SendAll(_) | HostOutput::SetHeartbeat);
        match output {
            HostOutput::Restore(deployment) => {
                self.with_attempt(deployment.attempt, |it| {
                    it.reading.insert(deployment.task);
                    it.reads_state |= deployment.restore.checkpoint != CheckpointId::NONE;
                });
            }
            HostOutput::Run { attempt, task } => {
                self.running.insert((*attempt, *task));
            }
            HostOutput::Drop { attempt, task } => {
                self.dropped |= self.running.remove(&(*attempt, *task));
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
                    it.restored.insert(*task);
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
                if let Some(checkpoint) = &mut self.checkpoint {
                    checkpoint.created |= checkpoint.all_acknowledged && checkpoint.id == newest;
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
            Fact::ObjectDeleted(_) | Fact::ManifestDeleted(_) => {
                if let Some(checkpoint) = &mut self.checkpoint {
                    checkpoint.deleted = true;
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
        points.add(At::C12, it.committed && !it.deleted);
        points.add(At::C13, it.committed && it.deleted);
        points.add(At::C14, it.committed && !it.notified.is_empty() && it.notified.len() < tasks);
        points.add(At::C16, it.given_up && !it.acknowledged.is_empty());
    }

    fn points_of_rescale(&self, attempt: &AttemptSeen, rescale: &Rescale, points: &mut Points) {
        let pending = |it: &Checkpoint| !it.committed && !it.given_up && it.attempt == attempt.id;
        let is_pending = self.checkpoint.as_ref().is_some_and(pending);
        let running = self.running.iter().any(|(of, _)| *of == attempt.id);
        // Until the next attempt is planned, the one that was planned last is the old one.
        let old = attempt.runs;
        let over = attempt.is_over || old && self.dropped;
        points.add(At::R1, old && is_pending && !over);
        points.add(At::R2, old && rescale.committed_since && running && !over);
        points.add(At::R3, old && self.dropped && running);
        points.add(At::R4, old && over && !running);
        points.add(At::R5, old && over && self.hosts_changed);
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
        let old = self.attempt.as_ref().zip(said).is_some_and(|(attempt, said)| said < attempt.id);
        let before = std::mem::take(&mut self.momentary);
        self.momentary.add(At::R13, old);
        self.changed |= self.momentary != before;
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
            deleted: false,
        }
    }
}
