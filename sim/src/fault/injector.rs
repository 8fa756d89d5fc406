//! Carries out a plan.

use super::{Aim, Fault, FaultPlan, Isolated, Isolation, Partition, Victim, When};
use crate::coverage::Meetings;
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
    meetings: Meetings,
    state: Mutex<State>,
}

struct State {
    plan: FaultPlan,
    /// How often each step was taken.
    steps: BTreeMap<&'static str, u32>,
    /// Faults that last, by the token of the timer that ends them.
    active: BTreeMap<u64, Active>,
    /// Faults that follow, by the token of the timer that begins them, and how they are counted already.
    coming: BTreeMap<u64, (Fault, Counted)>,
    /// Who was elected last.
    leader: Option<Node>,
    /// Faults that have struck, and how many of them have had an effect.
    struck: usize,
    effective: usize,
    next_token: u64,
    healed: bool,
}

struct Active {
    fault: Fault,
    /// Who was cut off from whom, if that was found out only when it struck.
    partition: Option<Partition>,
    /// Whether this strike had an effect.
    effect: bool,
    counted: Counted,
}

/// What a fault that strikes more than once is counted for already.
#[derive(Clone, Copy, Default)]
struct Counted {
    struck: bool,
    effective: bool,
}

/// Timer tokens: the horizon, then the timed faults, then the ends of active faults.
const HORIZON: u64 = 0;

#[derive(Serialize)]
struct Note<'a> {
    text: String,
    kind: &'static str,
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
            meetings: Meetings::default(),
            state: Mutex::new(State {
                plan,
                steps: BTreeMap::new(),
                active: BTreeMap::new(),
                coming: BTreeMap::new(),
                leader: None,
                struck: 0,
                effective: 0,
                next_token,
                healed: false,
            }),
        });
        let bound = inner.socket.set(net.bind(node, 0, inner.clone()));
        assert!(bound.is_ok(), "a new injector has no socket yet");
        let mut state = inner.state();
        if state.plan.is_quiet() {
            inner.heal(&mut state);
        } else {
            if state.plan.faults().any(|fault| matches!(fault, Fault::ClockDrift(_) | Fault::ClockJump(_))) {
                inner.nodes.let_clocks_err();
            }
            if let Some(misfortunes) = &state.plan.misfortunes {
                inner.net.strike_only(misfortunes.messages.clone());
                inner.store.strike_only(misfortunes.requests.clone());
            }
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
    /// occurrence; returns them. What follows from the step must be carried out *after* this call: then a
    /// crash before it means that nothing of it had an effect, and a pause that it is delayed. What is to
    /// strike after the step does so when the actor has let go of the processor.
    pub fn on_step(&self, actor: Node, step: &'static str) -> Vec<Fault> {
        let mut state = self.inner.state();
        let state = &mut *state;
        if state.healed {
            return Vec::new();
        }
        if state.plan.aims.is_empty() {
            return Vec::new();
        }
        let occurrence = state.steps.entry(step).and_modify(|count| *count += 1).or_insert(1);
        let due = |aim: &&Aim| aim.occurrence == *occurrence && aim.step == step;
        let due: Vec<_> =
            state.plan.aims.iter().filter(due).map(|aim| (aim.when, aimed(aim, actor))).collect();
        for (when, fault) in &due {
            match when {
                When::Before => self.inner.begin(state, fault.clone(), Counted::default()),
                When::After => self.inner.later(state, 0, fault.clone(), Counted::default()),
            }
        }
        due.into_iter().map(|(_, fault)| fault).collect()
    }

    /// Tells that this coordinator was elected.
    pub fn elected(&self, leader: Node) {
        self.inner.state().leader = Some(leader);
    }

    /// What has met what so far; whoever sees the protocol tells it where that stands.
    pub(crate) fn meetings(&self) -> &Meetings {
        &self.inner.meetings
    }

    /// Whether nothing was planned to go wrong.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.inner.state().plan.is_quiet()
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

    /// Number of faults that have struck, also of those that found nothing to do.
    #[must_use]
    pub fn struck(&self) -> usize {
        self.inner.state().struck
    }

    /// Number of those that had an effect.
    #[must_use]
    pub fn effective(&self) -> usize {
        self.inner.state().effective
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
    fault.aim_at(victim);
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
            self.begin(&mut state, fault, Counted::default());
        } else if let Some((fault, counted)) = state.coming.remove(&token) {
            self.begin(&mut state, fault, counted);
        } else {
            self.end(&mut state, token);
        }
    }
}

impl Inner {
    fn begin(&self, state: &mut State, fault: Fault, counted: Counted) {
        state.struck += usize::from(!counted.struck);
        let partition = match &fault {
            Fault::Isolation(isolation) => isolation.partition(state.leader, self.store.node()),
            _ => None,
        };
        let mut active = Active { fault, partition, effect: false, counted };
        self.note("fault-begins", &active);
        let before = self.meetings.stand(&self.nodes);
        active.effect = active.fault.strike(&self.nodes, &self.store) && self.finds_its_node(state, &active);
        if active.effect {
            self.meetings.struck(active.fault.kind(), before);
            state.effective += usize::from(!counted.effective);
        }
        active.counted = Counted { struck: true, effective: counted.effective | active.effect };
        let leaves_surroundings = active.fault.leaves_surroundings();
        let token = self.timer(state, active.fault.lasts_us());
        state.active.insert(token, active);
        if !leaves_surroundings {
            self.shape(state);
        }
    }

    /// An isolation finds its node where there is a leader, and one that is up.
    fn finds_its_node(&self, state: &State, active: &Active) -> bool {
        match &active.fault {
            Fault::Isolation(Isolation { whom: Isolated::Leader, .. }) => {
                state.leader.is_some_and(|leader| self.nodes.is_up(leader))
            }
            _ => true,
        }
    }

    fn later(&self, state: &mut State, after_us: u64, fault: Fault, counted: Counted) {
        let token = self.timer(state, after_us);
        state.coming.insert(token, (fault, counted));
    }

    fn end(&self, state: &mut State, token: u64) {
        let active = state.active.remove(&token).expect("each active fault has one timer");
        if active.effect {
            self.meetings.ends(active.fault.kind());
        }
        active.fault.relent(&self.nodes);
        if !active.fault.leaves_surroundings() {
            self.shape(state);
        }
        if active.fault.lasts_us() > 0 {
            self.note("fault-ends", &active);
        }
        if let Some((after_us, next)) = active.fault.next() {
            self.later(state, after_us, next, active.counted);
        }
        let unlucky = self.net.misfortunes_to_come() + self.store.misfortunes_to_come();
        let over = state.active.is_empty() && state.coming.is_empty() && unlucky == 0;
        if over && state.struck >= state.plan.faults_max {
            self.heal(state);
        }
    }

    fn note(&self, kind: &'static str, active: &Active) {
        let Active { fault, partition, .. } = active;
        let text = match partition {
            Some(partition) => {
                let who = if fault.kind() == "isolated-leader" { "the leader" } else { "the store" };
                format!("{who} is cut off: {}", Fault::Partition(partition.clone()).describe(&self.net))
            }
            None => fault.describe(&self.net),
        };
        self.trace.event("faults", kind, &Note { text, kind: fault.kind(), fault });
    }

    fn timer(&self, state: &mut State, after_us: u64) -> u64 {
        let token = state.next_token;
        state.next_token += 1;
        self.socket().wake_after(after_us, token);
        token
    }

    fn heal(&self, state: &mut State) {
        if state.healed {
            return;
        }
        state.healed = true;
        state.active.clear();
        state.coming.clear();
        self.meetings.heal();
        self.net.faults(|faults| faults.heal());
        self.net.heal_misfortunes();
        self.store.heal_misfortunes();
        self.store.faults(|faults| *faults = crate::storage::StoreFaults::CALM);
        self.nodes.heal();
        self.trace.event("faults", "healed", &state.struck);
        self.healed.ring();
    }

    /// Computes the surroundings anew from the plan and all active faults: what one fault ends, another
    /// may still be doing.
    fn shape(&self, state: &State) {
        let (mut network, mut store) = (state.plan.network.clone(), state.plan.store.clone());
        let mut manners = BTreeMap::new();
        for active in state.active.values() {
            active.fault.shape(&mut network, &mut store);
            active.fault.slow_down(&mut manners);
            if let Some(partition) = &active.partition {
                partition.shape(&mut network);
            }
        }
        self.nodes.behave(&manners);
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
