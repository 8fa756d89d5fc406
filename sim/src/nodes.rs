//! The processes of the cluster: what crashes, restarts, freezes and thaws, comes and goes.

use crate::disk::{Disk, DiskDamage};
use crate::process::{Clock, Machine, Manners, Paced, Tasks};
use crate::trace::Trace;
use crate::wire::{Net, Node};
use madsim::runtime::Handle;
use madsim::task::NodeId;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Whether a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum ProcessState {
    /// It runs.
    Running,
    /// Its tasks stand still; the network goes on delivering into its queues.
    Paused,
    /// It is gone with all it had in memory, and comes back.
    Down,
    /// It has not come yet, or has gone for good.
    Absent,
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
    processes: Arc<Mutex<Processes>>,
    changes: Arc<AtomicU64>,
}

/// By node, of which every step asks for one; other nodes have none.
#[derive(Default)]
struct Processes(Vec<Option<Process>>);

impl Processes {
    fn insert(&mut self, node: Node, process: Process) {
        let place = usize::from(node.0);
        self.0.resize_with(self.0.len().max(place + 1), || None);
        self.0[place] = Some(process);
    }

    fn get(&self, node: Node) -> Option<&Process> {
        self.0.get(usize::from(node.0))?.as_ref()
    }

    fn get_mut(&mut self, node: Node) -> Option<&mut Process> {
        self.0.get_mut(usize::from(node.0))?.as_mut()
    }

    fn iter(&self) -> impl Iterator<Item = (Node, &Process)> {
        (0..).map(Node).zip(&self.0).filter_map(|(node, process)| Some((node, process.as_ref()?)))
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = (Node, &mut Process)> {
        (0..).map(Node).zip(&mut self.0).filter_map(|(node, process)| Some((node, process.as_mut()?)))
    }
}

struct Process {
    id: NodeId,
    state: ProcessState,
    machine: Machine,
    place: Place,
}

/// Where a process can be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// How often it has got another address: what was sent to an earlier one finds nobody.
    pub moves: u16,
    /// Virtual microseconds after its start until others can look the address up.
    pub known_after_us: u64,
}

impl Nodes {
    /// No processes yet.
    #[must_use]
    pub fn new(net: &Net, trace: &Trace) -> Self {
        Self { net: net.clone(), trace: trace.clone(), processes: Arc::default(), changes: Arc::default() }
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
        let machine = Machine::default();
        let under = machine.clone();
        let init = move || Paced::new(under.clone(), main(node));
        let id = Handle::current().create_node().name(name).init(init).build().id();
        let process = Process { id, state: ProcessState::Running, machine, place: Place::default() };
        self.processes().insert(node, process);
        self.changed();
        node
    }

    /// Adds a process that is not there yet; see [`join`](Self::join).
    pub fn add_absent<F>(&self, name: &str, main: impl Fn(Node) -> F + Send + Sync + 'static) -> Node
    where
        F: Future<Output = ()> + 'static,
    {
        let node = self.add(name, main);
        self.net.crash(node);
        let mut processes = self.processes();
        let process = processes.get_mut(node).expect("it was added just now");
        process.state = ProcessState::Absent;
        self.changed();
        // Before its task was polled for the first time.
        Handle::current().kill(process.id);
        node
    }

    /// Whether the process runs; a node without a process of ours counts as running.
    #[must_use]
    pub fn state(&self, node: Node) -> ProcessState {
        self.processes().get(node).map_or(ProcessState::Running, |process| process.state)
    }

    /// Whether it has something in memory: it runs, or stands still.
    pub(crate) fn is_up(&self, node: Node) -> bool {
        matches!(self.state(node), ProcessState::Running | ProcessState::Paused)
    }

    /// How often the [`state`](Self::state) of any process has changed.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// Crashes a process. False, and nothing, if it is down or absent.
    pub fn crash(&self, node: Node) -> bool {
        let up = |state| matches!(state, ProcessState::Running | ProcessState::Paused);
        // Between its start and its first step there is no life that could end.
        let began = self.processes().get(node).is_some_and(|it| up(it.state) && it.machine.end_life());
        let kind = if began { "crashed" } else { "crashed-before-it-began" };
        let Some(id) = self.change(node, kind, ProcessState::Down, up) else { return false };
        self.net.crash(node);
        Handle::current().kill(id);
        true
    }

    /// Starts a process again with empty memory, crashing it first if it runs. Nothing if it is absent.
    pub fn restart(&self, node: Node) {
        self.crash(node);
        self.start(node, "restarted", ProcessState::Down);
    }

    /// Starts a process that is absent. False, and nothing, if it is not.
    pub fn join(&self, node: Node) -> bool {
        self.start(node, "joined", ProcessState::Absent)
    }

    /// Crashes a process for good: nothing but [`join`](Self::join) starts it again. Whether it was there.
    pub fn leave(&self, node: Node) -> bool {
        self.crash(node);
        let left = self.change(node, "left", ProcessState::Absent, |state| state == ProcessState::Down);
        self.disk(node).replace();
        left.is_some()
    }

    /// Gives the next life of a process another address, on another machine: its disk is left behind.
    pub fn move_away(&self, node: Node, known_after_us: u64) {
        if let Some(process) = self.processes().get_mut(node) {
            process.place = Place { moves: process.place.moves.saturating_add(1), known_after_us };
            process.machine.disk.replace();
        }
    }

    /// Where the process can be reached.
    #[must_use]
    pub fn place(&self, node: Node) -> Place {
        self.processes().get(node).map_or(Place::default(), |process| process.place)
    }

    /// The clock of a process.
    ///
    /// # Panics
    /// If `node` is none of these processes.
    #[must_use]
    pub fn clock(&self, node: Node) -> Clock {
        self.processes().get(node).expect("a process of this simulation").machine.clock.clone()
    }

    /// The disk of the machine under a process.
    ///
    /// # Panics
    /// If `node` is none of these processes.
    #[must_use]
    pub fn disk(&self, node: Node) -> Disk {
        self.processes().get(node).expect("a process of this simulation").machine.disk.clone()
    }

    /// The tasks of a process; none of a node that is no process.
    pub(crate) fn tasks(&self, node: Node) -> Tasks {
        self.processes().get(node).map(|process| process.machine.tasks.clone()).unwrap_or_default()
    }

    /// Damages what lies on the disk of a process; how many files.
    pub fn damage_disk(&self, node: Node, damage: &DiskDamage) -> usize {
        let files = self.disk(node).damage(damage);
        if files > 0 {
            let text = format!("{files} files on the disk: {}", damage.how.name());
            self.trace.event(&self.net.name(node), "error", &text);
        }
        files
    }

    /// Lets clocks err: to be said before timers are set that errors are to touch.
    pub fn let_clocks_err(&self) {
        self.processes().iter().for_each(|(_, process)| process.machine.clock.may_err());
    }

    /// Puts the clock of a process forward, or back. Whether there is a process that measures time by it.
    pub fn jump(&self, node: Node, by_us: i64) -> bool {
        if let Some(process) = self.processes().get(node) {
            process.machine.clock.jump(by_us);
        }
        self.is_up(node)
    }

    /// Lets the channels between two processes die in one direction, and says how many; see [`Net::sever`].
    pub fn sever(&self, from: Node, to: Node, data: bool) -> usize {
        self.net.sever(from, to, data)
    }

    /// How machines behave from now on; those that are not named are good.
    pub fn behave(&self, manners: &BTreeMap<Node, Manners>) {
        for (node, process) in self.processes().iter() {
            process.machine.behave(manners.get(&node).copied().unwrap_or_default());
        }
    }

    fn start(&self, node: Node, kind: &'static str, from: ProcessState) -> bool {
        let started = self.change(node, kind, ProcessState::Running, |state| state == from);
        let Some(id) = started else { return false };
        self.net.boot(node);
        Handle::current().restart(id);
        true
    }

    /// Freezes a running process: from its next await on it does nothing until it is resumed. What it sends
    /// until then leaves when it is resumed: a process that is paused in its own step freezes before what
    /// follows from it. False, and nothing, if it does not run.
    pub fn pause(&self, node: Node) -> bool {
        let paused =
            self.change(node, "paused", ProcessState::Paused, |state| state == ProcessState::Running);
        let Some(id) = paused else { return false };
        self.net.hold(node);
        Handle::current().pause(id);
        true
    }

    /// Thaws a paused process. Nothing if it is not paused.
    pub fn resume(&self, node: Node) {
        if let Some(id) =
            self.change(node, "resumed", ProcessState::Running, |state| state == ProcessState::Paused)
        {
            self.net.let_go(node);
            Handle::current().resume(id);
        }
    }

    /// Makes every process run, on good machines: the paused go on, the crashed start again. The absent stay
    /// absent.
    pub fn heal(&self) {
        self.behave(&BTreeMap::new());
        let states: Vec<_> = self.processes().iter().map(|(node, process)| (node, process.state)).collect();
        for (node, state) in states {
            match state {
                ProcessState::Running | ProcessState::Absent => {}
                ProcessState::Paused => self.resume(node),
                ProcessState::Down => self.restart(node),
            }
        }
    }

    /// Ends every process without a trace: the end of the simulation.
    pub(crate) fn kill_all(&self) {
        for (node, process) in self.processes().iter_mut() {
            process.state = ProcessState::Down;
            self.changed();
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
            let process = processes.get_mut(node).filter(|process| from(process.state))?;
            process.state = to;
            self.changed();
            process.id
        };
        self.trace.event(&self.net.name(node), kind, &());
        Some(id)
    }

    fn changed(&self) {
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    fn processes(&self) -> MutexGuard<'_, Processes> {
        self.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.processes().iter().map(|(node, process)| (node, process.state))).finish()
    }
}
