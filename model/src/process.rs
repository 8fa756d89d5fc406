//! Processes: what lives and dies together.

use std::collections::{BTreeMap, BTreeSet};

use keygroups::{
    checkpoint::{Attempt, TaskId},
    protocol::{Coordinator, CoordinatorTimer, Host},
};

use crate::{engine::EngineTask, store::Request};

/// A coordinator with the timers it has set and the store requests it waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CoordinatorProcess {
    /// The production machine.
    pub machine: Coordinator,
    /// How often its process has crashed.
    pub crashes: u64,
    /// Timers that run. Each may fire at any time: there is no clock.
    pub timers: BTreeSet<CoordinatorTimer>,
    /// Requests in flight, ascending. They are answered in any order.
    pub requests: Vec<Request>,
}

impl CoordinatorProcess {
    /// Puts a request among those in flight.
    pub fn request(&mut self, request: Request) {
        self.requests.insert(self.requests.partition_point(|other| *other < request), request);
    }

    /// Takes a request from those in flight.
    pub fn answered(&mut self, request: &Request) {
        if let Ok(index) = self.requests.binary_search(request) {
            self.requests.remove(index);
        }
    }
}

/// A host with the tasks in its engine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostProcess {
    /// The production machine.
    pub machine: Host,
    /// What its engine runs.
    pub tasks: BTreeMap<TaskId, EngineTask>,
}

impl HostProcess {
    /// The task `id` of `attempt`, if the engine has it.
    pub fn task(&mut self, attempt: Attempt, id: TaskId) -> Option<&mut EngineTask> {
        self.tasks.get_mut(&id).filter(|task| task.attempt() == attempt)
    }
}
