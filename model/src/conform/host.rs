//! One life of a host's process: a fresh machine, and what its engine was told to do.
//!
//! A trace does not show single records, so of the data plane only this is checked: a task says what it
//! can say where it stands, and it stands at a barrier only after every sender has put it into its channel.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use keygroups::{
    checkpoint::{Attempt, Certificate, CheckpointId, ObjectName, TaskId, TaskSnapshot},
    protocol::{
        Barrier, Deployment, FailureCause, Host, HostId, HostInput, HostOutput, Incarnation, invariant::Fact,
    },
};

use super::{
    rule::{ENGINE, LIVES, OUTSIDE, QUESTIONS, Refusal, TIMERS},
    world::{Follows, World},
};

/// A host that lives.
#[derive(Debug)]
pub(super) struct HostLife {
    pub(super) machine: Host,
    node: Arc<str>,
    booted: bool,
    heartbeat: bool,
    tasks: BTreeMap<(Attempt, TaskId), EngineTask>,
}

/// A task in the engine.
#[derive(Debug)]
struct EngineTask {
    // The line at which it was told to restore.
    asked: u64,
    deployment: Arc<Deployment>,
    stage: Stage,
    // What its state was worth when the engine took it over.
    restored: Option<Certificate>,
    // Snapshots that are neither uploaded nor given up.
    snapshots: BTreeMap<CheckpointId, Snapshot>,
    aligned: CheckpointId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Restoring,
    Idle,
    Running,
}

#[derive(Debug)]
struct Snapshot {
    // The line at which it was asked for.
    asked: u64,
    frozen: Option<Certificate>,
}

impl HostLife {
    pub(super) fn new(node: Arc<str>, id: HostId, incarnation: Incarnation, slots: u16) -> Self {
        let machine = Host::new(id, incarnation, slots);
        Self { machine, node, booted: false, heartbeat: false, tasks: BTreeMap::new() }
    }

    /// Lets the machine hear `input` at line `now`, if the model would.
    pub(super) fn hear(&mut self, now: u64, input: HostInput, world: &mut World) -> Result<(), Refusal> {
        self.allow(&input, world)?;
        world.tally.host_heard(&self.machine, &input);
        let mut out = Vec::new();
        self.machine.handle(input, &mut out);
        out.into_iter().for_each(|output| self.carry_out(now, output, world));
        Ok(())
    }

    fn allow(&mut self, input: &HostInput, world: &World) -> Result<(), Refusal> {
        let boot = *input == HostInput::Boot;
        if std::mem::replace(&mut self.booted, true) == boot {
            return LIVES.broken();
        }
        match input {
            HostInput::Boot => Ok(()),
            HostInput::Heartbeat if std::mem::take(&mut self.heartbeat) => Ok(()),
            HostInput::Heartbeat => TIMERS.broken(),
            HostInput::Coordinator(message) => world.sent.reaches_host(self.machine.id(), message),
            HostInput::Restored { attempt, task, outcome } => {
                self.asked(*attempt, *task)?.restored(outcome, world)
            }
            HostInput::Aligned { attempt, task, barrier } => {
                self.running(*attempt, *task)?.aligned(*barrier, world)
            }
            HostInput::Uploaded { attempt, task, checkpoint, snapshot } => {
                self.asked(*attempt, *task)?.uploaded(*checkpoint, snapshot.as_deref(), world)
            }
            HostInput::Failed { attempt, task } => {
                self.running(*attempt, *task)?.stage = Stage::Idle;
                Ok(())
            }
            HostInput::Finished { attempt, task } => self.running(*attempt, *task).map(|_| ()),
        }
    }

    // A task of which the engine was told.
    fn asked(&mut self, attempt: Attempt, task: TaskId) -> Result<&mut EngineTask, Refusal> {
        let here: Vec<_> = self.tasks.keys().copied().collect();
        match self.tasks.get_mut(&(attempt, task)) {
            Some(task) => Ok(task),
            None => QUESTIONS.broken_by(
                format!("the engine of this life has no task {task} of attempt {attempt}"),
                here.iter().map(|(attempt, task)| format!("task {task} of attempt {attempt}")),
            ),
        }
    }

    // A task that processes.
    fn running(&mut self, attempt: Attempt, task: TaskId) -> Result<&mut EngineTask, Refusal> {
        let engine = self.asked(attempt, task)?;
        if engine.stage == Stage::Running {
            return Ok(engine);
        }
        ENGINE.broken_by(format!("task {task} of attempt {attempt} does not process"), [])
    }

    /// The engine tells what a task's state was at some moment.
    pub(super) fn showed(&mut self, fact: &Fact) -> Result<(), Refusal> {
        let sum = |groups: &BTreeMap<_, Certificate>| groups.values().copied().sum();
        match fact {
            Fact::Restored { attempt, task, groups } => {
                let engine = self.asked(*attempt, *task)?;
                if engine.stage != Stage::Restoring || engine.restored.is_some() {
                    return ENGINE.broken();
                }
                engine.restored = Some(sum(groups));
            }
            Fact::Frozen { attempt, task, checkpoint, groups } => {
                let engine = self.asked(*attempt, *task)?;
                match engine.snapshots.get_mut(checkpoint) {
                    Some(snapshot) if snapshot.frozen.is_none() => snapshot.frozen = Some(sum(groups)),
                    Some(_) | None => return QUESTIONS.broken(),
                }
            }
            _ => return ENGINE.broken(),
        }
        Ok(())
    }

    fn carry_out(&mut self, now: u64, output: HostOutput, world: &mut World) {
        if let Some(fact) = Fact::of_host(&self.machine, &output) {
            world.follows(&self.node, Follows::Fact(fact));
        }
        match output {
            HostOutput::Send { to, message } => world.sent.send_to_coordinator(to, message),
            HostOutput::SendAll(message) => world.sent.send_to_every_coordinator(message),
            HostOutput::Restore(deployment) => {
                let key = (deployment.attempt, deployment.task);
                let aligned = deployment.restore.checkpoint;
                let (snapshots, stage) = (BTreeMap::new(), Stage::Restoring);
                let task = EngineTask { asked: now, deployment, stage, restored: None, snapshots, aligned };
                self.tasks.insert(key, task);
            }
            HostOutput::Run { attempt, task } => {
                if let Some(task) = self.tasks.get_mut(&(attempt, task)) {
                    task.stage = Stage::Running;
                }
            }
            HostOutput::Snapshot { attempt, task, barrier } => {
                let checkpoint = barrier.checkpoint;
                world.wanted.upload(&self.node, ObjectName::State { attempt, task, checkpoint });
                world.wanted.upload(&self.node, ObjectName::Output { attempt, task, checkpoint });
                world.barriers.insert((attempt, task, barrier));
                if let Some(task) = self.tasks.get_mut(&(attempt, task)) {
                    task.snapshots.insert(checkpoint, Snapshot { asked: now, frozen: None });
                    if barrier.stop {
                        task.stage = Stage::Idle;
                    }
                }
            }
            HostOutput::Drop { attempt, task } => {
                self.tasks.remove(&(attempt, task));
            }
            // An upload that is not waited for any more may end all the same.
            HostOutput::Commit { .. } | HostOutput::CancelAlignment { .. } => {}
            HostOutput::SetHeartbeat => self.heartbeat = true,
        }
    }
}

impl EngineTask {
    fn restored(
        &mut self,
        outcome: &Result<Certificate, FailureCause>,
        world: &World,
    ) -> Result<(), Refusal> {
        if self.stage != Stage::Restoring {
            return QUESTIONS.broken();
        }
        let restore = &self.deployment.restore;
        let keyed = restore.state.iter().map(|read| &read.handle);
        let handles = || keyed.clone().chain(restore.operator_state.iter().map(|read| &read.handle));
        // Of the snapshots that these lean on, only some may hold what the task owns.
        let leaned_on: BTreeSet<_> = handles().flat_map(|handle| handle.objects()).collect();
        let is_missing = |name: &ObjectName| !world.store.held(name, self.asked);
        let missing = handles().map(|handle| handle.object).find(is_missing);
        let unreadable =
            leaned_on.into_iter().any(|name| is_missing(name) || world.damage.object(name, self.asked));
        self.stage = Stage::Idle;
        match (outcome, missing) {
            (Ok(_), Some(name)) => {
                ENGINE.broken_by(format!("{name} was not there while the task restored"), [])
            }
            (Ok(found), None) if self.restored == Some(*found) => Ok(()),
            (Ok(_), None) => ENGINE.broken_by(
                "the engine has taken over other state, or none",
                self.restored.map(|restored| format!("{} entries", restored.entries)),
            ),
            // The store may fail at any time.
            (Err(FailureCause::RestoreUnavailable), _) => Ok(()),
            (Err(FailureCause::RestoreCorrupt), _) if unreadable => Ok(()),
            (Err(FailureCause::RestoreCorrupt), _) => {
                OUTSIDE.broken_by("in the model no object is ever damaged", [])
            }
            (Err(FailureCause::Engine), _) => {
                OUTSIDE.broken_by("in the model an engine can take over whatever was restored", [])
            }
        }
    }

    fn aligned(&mut self, barrier: Barrier, world: &World) -> Result<(), Refusal> {
        let Deployment { attempt, task, source, layout, .. } = &*self.deployment;
        if *source {
            return ENGINE.broken_by("a source has no channels to align", []);
        }
        if barrier.checkpoint <= self.aligned {
            return ENGINE
                .broken_by(format!("it was aligned on a barrier of checkpoint {} before", self.aligned), []);
        }
        let inputs = world.inputs(task.vertex);
        let senders = layout.tasks.keys().filter(|sender| inputs.contains(&sender.vertex));
        let mut late = senders.filter(|sender| !world.barriers.contains(&(*attempt, **sender, barrier)));
        if let Some(sender) = late.next() {
            return ENGINE.broken_by(format!("task {sender} has not put {barrier} into its channels"), []);
        }
        self.aligned = barrier.checkpoint;
        Ok(())
    }

    fn uploaded(
        &mut self,
        checkpoint: CheckpointId,
        uploaded: Option<&TaskSnapshot>,
        world: &World,
    ) -> Result<(), Refusal> {
        let Some(Snapshot { asked, frozen }) = self.snapshots.remove(&checkpoint) else {
            return QUESTIONS
                .instead(self.snapshots.keys().map(|checkpoint| format!("checkpoint {checkpoint}")));
        };
        // The store may fail at any time.
        let Some(uploaded) = uploaded else { return Ok(()) };
        let Deployment { attempt, task, key_groups, .. } = *self.deployment;
        let state = ObjectName::State { attempt, task, checkpoint };
        let output = ObjectName::Output { attempt, task, checkpoint };
        let names = uploaded.state.object == state
            && uploaded.output.as_ref().is_none_or(|handle| handle.object == output);
        if uploaded.task != task || uploaded.state.key_groups != key_groups || !names {
            return ENGINE.broken_by("it is the snapshot of another task, attempt or checkpoint", []);
        }
        if let Some(base) = uploaded.state.impossible_base() {
            return ENGINE.broken_by(format!("it leans on {base}"), []);
        }
        if key_groups.is_some() && frozen != Some(uploaded.state.certificate) {
            return ENGINE.broken_by("it holds other state than was frozen", []);
        }
        let mut objects = std::iter::once(state).chain(uploaded.output.as_ref().map(|_| output));
        match objects.find(|name| !world.store.held(name, asked)) {
            Some(name) => ENGINE.broken_by(format!("{name} was not there meanwhile"), []),
            None => Ok(()),
        }
    }
}
