//! What hosts hear and want, and what their engines do.

use std::{collections::BTreeMap, sync::Arc};

use keygroups::{
    checkpoint::{CheckpointId, ObjectName, TaskId, VertexId},
    protocol::{
        CoordinatorId, Deployment, FailureCause, Host, HostInput, HostOutput, Incarnation, PutOutcome,
        invariant::Fact,
    },
};

use super::Step;
use crate::{
    engine::{self, Element, EngineTask, Phase},
    network::Message,
    process::HostProcess,
    story::{self, COUNT, SOURCE},
};

impl Step<'_> {
    /// A host hears something.
    pub fn tell_host(&mut self, index: usize, input: HostInput) {
        let twist = self.model.twist();
        for input in twist.host_hears(&self.host(index).machine, input) {
            let mut machine = self.host(index).machine.clone();
            let mut out = Vec::new();
            machine.handle(input.clone(), &mut out);
            let out = twist.host_wants(&machine, &input, out);
            if machine != self.host(index).machine {
                self.edit_host(index).machine = machine;
            }
            out.into_iter().for_each(|output| self.for_host(index, output));
        }
    }

    fn for_host(&mut self, index: usize, output: HostOutput) {
        if let Some(fact) = Fact::of_host(&self.host(index).machine, &output) {
            self.record(fact);
        }
        let (story, twist) = (self.model.story(), self.model.twist());
        match output {
            HostOutput::Send { to, message } => self.send(Message::ToCoordinator(to, message)),
            HostOutput::SendAll(message) => {
                let ids = (0..story.coordinators).map(CoordinatorId);
                ids.for_each(|id| self.send(Message::ToCoordinator(id, message.clone())));
            }
            HostOutput::Restore(deployment) => {
                let inputs: &[VertexId] = if deployment.source { &[] } else { &[SOURCE] };
                let task = EngineTask::new(Arc::clone(&deployment), inputs, story);
                self.edit_host(index).tasks.insert(deployment.task, task);
            }
            HostOutput::Run { attempt, task } => {
                if let Some(task) = self.edit_host(index).task(attempt, task) {
                    task.phase = Phase::Running;
                }
            }
            HostOutput::Snapshot { attempt, task, barrier } => {
                let Some(engine) = self.edit_host(index).task(attempt, task) else { return };
                engine.freeze(barrier, story, twist);
                let (deployment, groups) =
                    (Arc::clone(&engine.deployment), story::certificates(engine.groups()));
                let checkpoint = barrier.checkpoint;
                self.record(Fact::Frozen { attempt, task, checkpoint, groups });
                self.broadcast(&deployment, Element::Barrier(barrier));
            }
            HostOutput::Commit { attempt, task, checkpoint } => {
                if let Some(task) = self.edit_host(index).task(attempt, task) {
                    task.forget_output(checkpoint);
                }
            }
            HostOutput::CancelAlignment { attempt, task, checkpoint } => {
                if let Some(task) = self.edit_host(index).task(attempt, task) {
                    task.cancel_alignment(checkpoint);
                }
            }
            HostOutput::Drop { attempt, task } => {
                let process = self.edit_host(index);
                if process.task(attempt, task).is_some() {
                    process.tasks.remove(&task);
                }
            }
            HostOutput::SetHeartbeat => {}
        }
    }

    // Puts an element into every output channel of the task.
    fn broadcast(&mut self, from: &Deployment, element: Element) {
        if from.source {
            let receivers = from.layout.tasks.keys().filter(|task| task.vertex == COUNT).copied();
            receivers.for_each(|to| self.push(from, to, element));
        }
    }

    // A channel ends with the process at its other end: what is put into it then is lost.
    fn push(&mut self, from: &Deployment, to: TaskId, element: Element) {
        let Some(host) = from.layout.tasks.get(&to) else { return };
        let index = usize::from(host.0);
        let life = self.host(index).machine.incarnation();
        let any_attempt = !self.model.twist().channels_belong_to_an_attempt();
        if from.layout.hosts.get(host) != Some(&life) {
            return;
        }
        let task = self.edit_host(index).tasks.get_mut(&to);
        if let Some(task) = task.filter(|task| any_attempt || task.attempt() == from.attempt) {
            task.push(from.task, element);
        }
    }

    /// A task reads its state.
    pub(super) fn restore(&mut self, index: usize, id: TaskId) {
        let (story, twist) = (self.model.story(), self.model.twist());
        let store = self.store().clone();
        let Some(task) = self.edit_host(index).tasks.get_mut(&id) else { return };
        let outcome = task.restore(story, &store, twist);
        let (attempt, groups) = (task.attempt(), story::certificates(task.groups()));
        if outcome.is_ok() {
            self.record(Fact::Restored { attempt, task: id, groups });
        }
        self.tell_host(index, HostInput::Restored { attempt, task: id, outcome });
    }

    /// A task's state cannot be read for now, however often it was tried. It takes over none of it.
    pub(super) fn fail_restore(&mut self, index: usize, id: TaskId) {
        let Some(task) = self.edit_host(index).tasks.get_mut(&id) else { return };
        task.phase = Phase::Idle;
        let attempt = task.attempt();
        let outcome = Err(FailureCause::RestoreUnavailable);
        self.tell_host(index, HostInput::Restored { attempt, task: id, outcome });
    }

    /// A source reads the next record.
    pub(super) fn read(&mut self, index: usize, id: TaskId) {
        let story = self.model.story();
        let Some(task) = self.edit_host(index).tasks.get_mut(&id) else { return };
        let (step, deployment) = (task.read(story), Arc::clone(&task.deployment));
        self.after(index, &deployment, step);
    }

    /// A task takes the next element of a channel.
    pub(super) fn take_element(&mut self, index: usize, id: TaskId, channel: u32) {
        let twist = self.model.twist();
        let Some(task) = self.edit_host(index).tasks.get_mut(&id) else { return };
        let (step, deployment) = (task.take(channel, twist), Arc::clone(&task.deployment));
        self.after(index, &deployment, step);
    }

    fn after(&mut self, index: usize, deployment: &Deployment, step: engine::Step) {
        let (attempt, task) = (deployment.attempt, deployment.task);
        match step {
            engine::Step::Quiet => {}
            engine::Step::Emitted(record) => {
                let to = TaskId {
                    vertex: COUNT,
                    subtask: self.model.story().owner(record.group, &deployment.layout),
                };
                self.push(deployment, to, Element::Record(record));
            }
            engine::Step::Finished => {
                self.broadcast(deployment, Element::EndOfData);
                self.tell_host(index, HostInput::Finished { attempt, task });
            }
            engine::Step::Aligned(barrier) => {
                self.tell_host(index, HostInput::Aligned { attempt, task, barrier });
            }
        }
    }

    /// A frozen snapshot reaches the store; or it does not, and `only` these of its objects do.
    pub(super) fn upload(
        &mut self,
        index: usize,
        id: TaskId,
        checkpoint: CheckpointId,
        only: Option<&[ObjectName]>,
    ) {
        let story = self.model.story();
        let Some(task) = self.edit_host(index).tasks.get_mut(&id) else { return };
        let Some(frozen) = task.uploads.remove(&checkpoint) else { return };
        let attempt = task.attempt();
        let (objects, snapshot) = task.snapshot(story, checkpoint, &frozen);
        let mut durable = only.is_none();
        for (name, object) in objects {
            if only.is_none_or(|only| only.contains(&name)) {
                durable &= self.write(name, object) == PutOutcome::Written;
            }
        }
        let snapshot = durable.then(|| Arc::new(snapshot));
        self.tell_host(index, HostInput::Uploaded { attempt, task: id, checkpoint, snapshot });
    }

    /// A task fails.
    pub(super) fn fail(&mut self, index: usize, id: TaskId) {
        let Some(task) = self.edit_host(index).tasks.get_mut(&id) else { return };
        task.phase = Phase::Idle;
        let attempt = task.attempt();
        self.tell_host(index, HostInput::Failed { attempt, task: id });
    }

    /// A host's process dies and comes back. Being dead for a while is not being heard.
    pub(super) fn crash_host(&mut self, index: usize) {
        let (id, life) = (self.host(index).machine.id(), self.host(index).machine.incarnation());
        let slots = self.model.story().hosts[index];
        let machine = Host::new(id, Incarnation(life.0 + 1), slots);
        *self.edit_host(index) = HostProcess { machine, tasks: BTreeMap::new() };
        self.tell_host(index, HostInput::Boot);
    }
}
