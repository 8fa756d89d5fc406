//! Carries out a plan.

use super::{Aim, Fault, FaultPlan, Victim};
use crate::nodes::Nodes;
use crate::run::World;
use crate::storage::StoreNode;
use crate::trace::Trace;
use crate::wire::{Arrival, Bell, Net, Node, Sink, Socket};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

/// Lets the faults of a plan strike and end. Clones are the same injector.
///
/// It has no task: its times are timers of the network, so that a fault that hits a process is never
/// part of that process.
#[derive(Clone)]
pub struct Injector {
    inner: Arc<Inner>,
}

/// An [`Injector`] that this does not keep alive: for whoever the injector itself keeps alive.
#[derive(Clone)]
pub(crate) struct WeakInjector(Weak<Inner>);

impl WeakInjector {
    /// The injector, as long as its simulation lasts.
    pub(crate) fn upgrade(&self) -> Option<Injector> {
        self.0.upgrade().map(|inner| Injector { inner })
    }
}

struct Inner {
    net: Net,
    nodes: Nodes,
    store: StoreNode,
    trace: Trace,
    socket: OnceLock<Socket>,
    healed: Bell,
    state: Mutex<State>,
}

struct State {
    plan: FaultPlan,
    /// How often each step was taken.
    steps: BTreeMap<String, u32>,
    /// Faults that last, by the token of the timer that ends them.
    active: BTreeMap<u64, Fault>,
    /// Faults that have struck.
    struck: usize,
    next_token: u64,
    healed: bool,
}

/// Timer tokens: the horizon, then the timed faults, then the ends of active faults.
const HORIZON: u64 = 0;

#[derive(Serialize)]
struct Note<'a> {
    text: String,
    fault: &'a Fault,
}

impl Injector {
    /// Begins the plan now: its times count from the beginning of the simulation.
    #[must_use]
    pub fn start(world: &World, store: &StoreNode, plan: FaultPlan) -> Self {
        let World { net, nodes, trace, .. } = world.clone();
        let node = net.add_node("faults");
        let next_token = 1 + plan.timed.len() as u64;
        let inner = Arc::new(Inner {
            net: net.clone(),
            nodes,
            store: store.clone(),
            trace,
            socket: OnceLock::new(),
            healed: Bell::new(),
            state: Mutex::new(State {
                plan,
                steps: BTreeMap::new(),
                active: BTreeMap::new(),
                struck: 0,
                next_token,
                healed: false,
            }),
        });
        let bound = inner.socket.set(net.bind(node, 0, inner.clone()));
        assert!(bound.is_ok(), "a new injector has no socket yet");
        let mut state = inner.state();
        if state.plan.faults_max == 0 {
            inner.heal(&mut state);
        } else {
            let now_us = crate::wire::now_us();
            inner.wake_at(now_us, state.plan.horizon_us, HORIZON);
            for (index, (at_us, _)) in state.plan.timed.iter().enumerate() {
                inner.wake_at(now_us, *at_us, 1 + index as u64);
            }
            inner.shape(&state);
        }
        drop(state);
        Self { inner }
    }

    /// Tells that `actor` takes a protocol step, and strikes with every fault that is aimed at this
    /// occurrence; returns them. The step's own outputs must be executed *after* this call, one by one
    /// with a yield in between: then a crash here means that none of them had an effect, and a pause that
    /// they are delayed.
    pub fn on_step(&self, actor: Node, label: &str) -> Vec<Fault> {
        let mut state = self.inner.state();
        if state.healed || state.plan.aims.is_empty() {
            return Vec::new();
        }
        let occurrence = match state.steps.get_mut(label) {
            Some(count) => {
                *count += 1;
                *count
            }
            None => {
                state.steps.insert(label.to_owned(), 1);
                1
            }
        };
        let aims = &state.plan.aims;
        let due = |aim: &&Aim| aim.occurrence == occurrence && aim.step == label;
        let faults: Vec<_> = aims.iter().filter(due).map(|aim| aimed(aim, actor)).collect();
        for fault in &faults {
            self.inner.begin(&mut state, fault.clone());
        }
        faults
    }

    pub(crate) fn downgrade(&self) -> WeakInjector {
        WeakInjector(Arc::downgrade(&self.inner))
    }

    /// Ends all disorder now: as at the horizon. Requests that the store delays already stay late.
    pub fn heal(&self) {
        let mut state = self.inner.state();
        self.inner.heal(&mut state);
    }

    /// True once all faults are over.
    #[must_use]
    pub fn is_healed(&self) -> bool {
        self.inner.state().healed
    }

    /// Waits until all faults are over. At most one task may wait.
    pub async fn healed(&self) {
        while !self.is_healed() {
            self.inner.healed.heard().await;
        }
    }

    /// Number of faults that have struck.
    #[must_use]
    pub fn struck(&self) -> usize {
        self.inner.state().struck
    }
}

impl fmt::Debug for Injector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.inner.state();
        f.debug_struct("Injector")
            .field("struck", &state.struck)
            .field("active", &state.active.len())
            .field("healed", &state.healed)
            .finish_non_exhaustive()
    }
}

/// The fault of an aim with its victim filled in.
fn aimed(aim: &Aim, actor: Node) -> Fault {
    let victim = match aim.victim {
        Victim::Actor => actor,
        Victim::Node(node) => node,
    };
    let mut fault = aim.fault.clone();
    match &mut fault {
        Fault::Crash(crash) => crash.node = victim,
        Fault::Pause(pause) => pause.node = victim,
        Fault::Partition(partition) => {
            // The victim changes places with the one the plan was drawn for.
            let before = std::mem::replace(&mut partition.from, vec![victim]);
            for node in &mut partition.to {
                if *node == victim {
                    *node = before[0];
                }
            }
        }
        Fault::RoughLinks(_)
        | Fault::StoreErrors(_)
        | Fault::StoreOutage(_)
        | Fault::StoreTrouble(_)
        | Fault::StoreDamage(_) => {}
    }
    fault
}

impl Sink for Inner {
    fn arrived(&self, arrival: Arrival) {
        let Arrival::Timer(token) = arrival else { return };
        let mut state = self.state();
        if state.healed {
            return;
        }
        if token == HORIZON {
            self.heal(&mut state);
        } else if let Some((_, fault)) = state.plan.timed.get(token as usize - 1) {
            let fault = fault.clone();
            self.begin(&mut state, fault);
        } else {
            self.end(&mut state, token);
        }
    }
}

impl Inner {
    fn begin(&self, state: &mut State, fault: Fault) {
        state.struck += 1;
        let note = Note { text: fault.describe(&self.net), fault: &fault };
        self.trace.event("faults", "fault-begins", &note);
        fault.strike(&self.nodes, &self.store);
        let token = state.next_token;
        state.next_token += 1;
        self.socket().wake_after(fault.lasts_us(), token);
        state.active.insert(token, fault);
        self.shape(state);
    }

    fn end(&self, state: &mut State, token: u64) {
        let fault = state.active.remove(&token).expect("each active fault has one timer");
        fault.relent(&self.nodes);
        self.shape(state);
        let note = Note { text: fault.describe(&self.net), fault: &fault };
        self.trace.event("faults", "fault-ends", &note);
        if state.active.is_empty() && state.struck >= state.plan.faults_max {
            self.heal(state);
        }
    }

    fn heal(&self, state: &mut State) {
        if state.healed {
            return;
        }
        state.healed = true;
        state.active.clear();
        self.net.faults(|faults| faults.heal());
        self.store.faults(|faults| *faults = crate::storage::StoreFaults::CALM);
        self.nodes.heal();
        self.trace.event("faults", "healed", &state.struck);
        self.healed.ring();
    }

    /// Computes the surroundings anew from the plan and all active faults: what one fault ends, another
    /// may still be doing.
    fn shape(&self, state: &State) {
        let (mut network, mut store) = (state.plan.network.clone(), state.plan.store.clone());
        for fault in state.active.values() {
            fault.shape(&mut network, &mut store);
        }
        self.net.faults(|faults| *faults = network);
        self.store.faults(|faults| *faults = store);
    }

    fn wake_at(&self, now_us: u64, at_us: u64, token: u64) {
        self.socket().wake_after(at_us.saturating_sub(now_us), token);
    }

    fn socket(&self) -> &Socket {
        self.socket.get().expect("bound before the first fault")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
