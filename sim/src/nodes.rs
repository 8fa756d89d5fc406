//! The processes of the cluster: what crashes, restarts, freezes and thaws.

use crate::trace::Trace;
use crate::wire::{Net, Node};
use madsim::runtime::Handle;
use madsim::task::NodeId;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Whether a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum ProcessState {
    /// It runs.
    Running,
    /// Its tasks stand still; the network goes on delivering into its queues.
    Paused,
    /// It is gone with all it had in memory.
    Down,
}

/// Every process of one simulation. Clones are the same set.
///
/// A process is a madsim node together with its node on the [`Net`]. A crash takes both down in the same
/// instant, so that a process that is crashed in the middle of its own step sends nothing after it.
#[derive(Clone)]
pub struct Nodes {
    net: Net,
    trace: Trace,
    // madsim's handle is asked for when it is needed, not kept: a main task usually holds this set, and the
    // handle holds the main tasks; the circle would outlive every simulation.
    processes: Arc<Mutex<BTreeMap<Node, Process>>>,
}

struct Process {
    id: NodeId,
    state: ProcessState,
}

impl Nodes {
    /// No processes yet.
    #[must_use]
    pub fn new(net: &Net, trace: &Trace) -> Self {
        Self { net: net.clone(), trace: trace.clone(), processes: Arc::default() }
    }

    /// Adds a process and starts it; `main` makes its main task, again after each restart. A process whose
    /// main task ends is gone until it is restarted.
    ///
    /// # Panics
    /// Outside a simulation, as do all methods that change a process.
    pub fn add<F>(&self, name: &str, main: impl Fn(Node) -> F + Send + Sync + 'static) -> Node
    where
        F: Future<Output = ()> + 'static,
    {
        let node = self.net.add_node(name);
        let id = Handle::current().create_node().name(name).init(move || main(node)).build().id();
        self.processes().insert(node, Process { id, state: ProcessState::Running });
        node
    }

    /// Whether the process runs; a node without a process of ours counts as running.
    #[must_use]
    pub fn state(&self, node: Node) -> ProcessState {
        self.processes().get(&node).map_or(ProcessState::Running, |process| process.state)
    }

    /// Crashes a process. Nothing if it is down.
    pub fn crash(&self, node: Node) {
        if let Some(id) =
            self.change(node, "crashed", ProcessState::Down, |state| state != ProcessState::Down)
        {
            self.net.crash(node);
            Handle::current().kill(id);
        }
    }

    /// Starts a process again with empty memory, crashing it first if it runs.
    pub fn restart(&self, node: Node) {
        self.crash(node);
        if let Some(id) = self.change(node, "restarted", ProcessState::Running, |_| true) {
            self.net.boot(node);
            Handle::current().restart(id);
        }
    }

    /// Freezes a running process: from its next await on it does nothing until it is resumed.
    pub fn pause(&self, node: Node) {
        if let Some(id) =
            self.change(node, "paused", ProcessState::Paused, |state| state == ProcessState::Running)
        {
            Handle::current().pause(id);
        }
    }

    /// Thaws a paused process. Nothing if it is not paused.
    pub fn resume(&self, node: Node) {
        if let Some(id) =
            self.change(node, "resumed", ProcessState::Running, |state| state == ProcessState::Paused)
        {
            Handle::current().resume(id);
        }
    }

    /// Makes every process run: the paused go on, the crashed start again.
    pub fn heal(&self) {
        let states: Vec<_> = self.processes().iter().map(|(&node, process)| (node, process.state)).collect();
        for (node, state) in states {
            match state {
                ProcessState::Running => {}
                ProcessState::Paused => self.resume(node),
                ProcessState::Down => self.restart(node),
            }
        }
    }

    /// Ends every process without a trace: the end of the simulation.
    pub(crate) fn kill_all(&self) {
        for (&node, process) in self.processes().iter_mut() {
            process.state = ProcessState::Down;
            self.net.crash(node);
            Handle::current().kill(process.id);
        }
    }

    fn change(
        &self,
        node: Node,
        kind: &'static str,
        to: ProcessState,
        from: impl Fn(ProcessState) -> bool,
    ) -> Option<NodeId> {
        let id = {
            let mut processes = self.processes();
            let process = processes.get_mut(&node).filter(|process| from(process.state))?;
            process.state = to;
            process.id
        };
        self.trace.event(&self.net.name(node), kind, &());
        Some(id)
    }

    fn processes(&self) -> MutexGuard<'_, BTreeMap<Node, Process>> {
        self.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.processes().iter().map(|(node, process)| (node, process.state))).finish()
    }
}
