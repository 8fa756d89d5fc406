//! One process with slots: which attempt it obeys, and the tasks it runs.
//!
//! A host obeys the highest attempt it was ever told of. It cannot be talked back into an older
//! one, by a deposed leader or by a message that was long on its way; and with the first word of a
//! newer attempt every task of an older one is dropped.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    message::{Deployment, FailureCause, HostId, HostInput, HostOutput, Incarnation, ToCoordinator, ToHost},
    task::Task,
};
use crate::checkpoint::{Attempt, TaskId};

/// The tasks of one process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Host {
    id: HostId,
    incarnation: Incarnation,
    slots: u16,
    // The highest attempt it was told of.
    seen: Attempt,
    // This attempt and all before it are over.
    over: Attempt,
    tasks: BTreeMap<TaskId, Task>,
}

impl Host {
    /// A host with room for `slots` tasks. `incarnation` is higher than that of every earlier
    /// process with this `id`.
    pub fn new(id: HostId, incarnation: Incarnation, slots: u16) -> Self {
        Self {
            id,
            incarnation,
            slots,
            seen: Attempt::default(),
            over: Attempt::default(),
            tasks: BTreeMap::new(),
        }
    }

    /// Its address.
    pub fn id(&self) -> HostId {
        self.id
    }

    /// Which life of the process this is.
    pub fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// Its tasks. All are of one attempt.
    pub fn tasks(&self) -> impl Iterator<Item = (&TaskId, &Task)> {
        self.tasks.iter()
    }

    /// The task `id` of `attempt`, if it is here.
    pub fn task(&self, attempt: Attempt, id: TaskId) -> Option<&Task> {
        self.tasks.get(&id).filter(|task| task.deployment().attempt == attempt)
    }

    /// Whether it makes no difference any more if this message arrives, in this life of the process and
    /// in all after it: it is about an attempt that is over here, or it was meant for an earlier life.
    /// Not everything that has no effect now is stale: a cancelled attempt has to be cancelled again
    /// after a crash.
    pub fn is_stale(&self, message: &ToHost) -> bool {
        let attempt = message.attempt();
        let over = attempt < self.seen || attempt <= self.over;
        match message {
            ToHost::Deploy(deployment) => {
                over || deployment.layout.hosts.get(&self.id) != Some(&self.incarnation)
            }
            ToHost::Start { .. }
            | ToHost::Trigger { .. }
            | ToHost::Committed { .. }
            | ToHost::Abort { .. } => over,
            ToHost::Cancel { .. } => false,
        }
    }

    /// Applies one input and appends to `out` what the driver does next, in that order.
    pub fn handle(&mut self, input: HostInput, out: &mut Vec<HostOutput>) {
        let (host, incarnation) = (self.id, self.incarnation);
        match input {
            HostInput::Boot => self.heartbeat(out),
            HostInput::Heartbeat => {
                self.heartbeat(out);
                for task in self.tasks.values() {
                    task.report(host, incarnation, out);
                }
            }
            HostInput::Coordinator(message) => self.message(message, out),
            HostInput::Restored { attempt, task, outcome } => {
                if let Some(task) = self.task_mut(attempt, task) {
                    task.restored(outcome, host, incarnation, out);
                }
            }
            HostInput::Aligned { attempt, task, barrier } => {
                if let Some(task) = self.task_mut(attempt, task).filter(|task| !task.deployment().source) {
                    task.at_barrier(barrier, out);
                }
            }
            HostInput::Uploaded { attempt, task, checkpoint, snapshot } => {
                if let Some(task) = self.task_mut(attempt, task) {
                    task.uploaded(checkpoint, snapshot, out);
                }
            }
            HostInput::Failed { attempt, task } => {
                if let Some(task) = self.task_mut(attempt, task) {
                    task.fail(FailureCause::Engine, host, incarnation, out);
                }
            }
            HostInput::Finished { attempt, task } => {
                if let Some(task) = self.task_mut(attempt, task) {
                    task.finish(host, incarnation, out);
                }
            }
        }
    }

    fn message(&mut self, message: ToHost, out: &mut Vec<HostOutput>) {
        match message {
            ToHost::Deploy(deployment) => self.deploy(deployment, out),
            ToHost::Start { attempt } => self.start(attempt, out),
            ToHost::Trigger { attempt, barrier } => {
                for task in self.of_attempt(attempt).filter(|task| task.deployment().source) {
                    task.at_barrier(barrier, out);
                }
            }
            ToHost::Committed { attempt, checkpoint } => {
                for task in self.of_attempt(attempt) {
                    task.committed(checkpoint, out);
                }
            }
            ToHost::Abort { attempt, checkpoint } => {
                for task in self.of_attempt(attempt) {
                    task.abort(checkpoint, out);
                }
            }
            ToHost::Cancel { attempt } => {
                self.over = self.over.max(attempt);
                self.seen = self.seen.max(attempt);
                self.drop_through(attempt, out);
            }
        }
    }

    fn deploy(&mut self, deployment: Arc<Deployment>, out: &mut Vec<HostOutput>) {
        let attempt = deployment.attempt;
        let for_this_life = deployment.layout.hosts.get(&self.id) == Some(&self.incarnation);
        if attempt < self.seen || attempt <= self.over || !for_this_life {
            return;
        }
        if attempt > self.seen {
            self.seen = attempt;
            self.drop_through(attempt, out);
        }
        match self.tasks.get(&deployment.task) {
            // The deploy is repeated, so our answer was late or lost.
            Some(task) => task.report(self.id, self.incarnation, out),
            None => {
                self.tasks.insert(deployment.task, Task::deploy(deployment, out));
            }
        }
    }

    fn start(&mut self, attempt: Attempt, out: &mut Vec<HostOutput>) {
        let mut leader = None;
        for task in self.of_attempt(attempt) {
            task.start(out);
            leader = Some(task.deployment().leader);
        }
        if let Some(to) = leader {
            out.push(HostOutput::Send { to, message: ToCoordinator::Started { attempt, host: self.id } });
        }
    }

    fn heartbeat(&self, out: &mut Vec<HostOutput>) {
        out.push(HostOutput::SendAll(ToCoordinator::Register {
            host: self.id,
            incarnation: self.incarnation,
            slots: self.slots,
            seen: self.seen,
            active: self.tasks.values().next().map(|task| task.deployment().attempt),
        }));
        out.push(HostOutput::SetHeartbeat);
    }

    fn drop_through(&mut self, attempt: Attempt, out: &mut Vec<HostOutput>) {
        self.tasks.retain(|id, task| {
            let attempt_of_task = task.deployment().attempt;
            let over = attempt_of_task <= attempt;
            if over {
                out.push(HostOutput::Drop { attempt: attempt_of_task, task: *id });
            }
            !over
        });
    }

    fn of_attempt(&mut self, attempt: Attempt) -> impl Iterator<Item = &mut Task> {
        self.tasks.values_mut().filter(move |task| task.deployment().attempt == attempt)
    }

    fn task_mut(&mut self, attempt: Attempt, id: TaskId) -> Option<&mut Task> {
        self.tasks.get_mut(&id).filter(|task| task.deployment().attempt == attempt)
    }
}
