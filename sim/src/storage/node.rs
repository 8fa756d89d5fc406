//! The store's side: objects, and what becomes of each request.

use super::STORE_PORT;
use super::atlas::Atlas;
use super::damage::{Damage, Damaged};
use super::fate::{Fate, Throttle, View, decide};
use super::faults::StoreFaults;
use super::message::{Answer, Operation, Reply, Request, decode, encode};
use super::misfortune::{Named, RequestMisfortune};
use super::objects::{Mutation, Objects, Shelf};
use crate::misfortune::Noted;
use crate::random::between;
use crate::trace::Trace;
use crate::wire::{Address, Arrival, Net, Node, Sink, Socket, now_us};
use bytes::Bytes;
use fastrand::Rng;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// How many requests met which fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StoreCounts {
    /// Arrived.
    pub requests: u64,
    /// Answered with 503, 507, or 500 without effect.
    pub refused: u64,
    /// Answered with 500 although the effect is there.
    pub failed: u64,
    /// Without effect and without answer.
    pub swallowed: u64,
    /// With effect and without answer.
    pub unanswered: u64,
    /// Served late.
    pub late: u64,
    /// Answered with something else than what is there: damaged, or not the newest.
    pub untrue: u64,
    /// Object bytes written.
    pub written_bytes: u64,
    /// Object bytes read.
    pub read_bytes: u64,
}

/// The store of one simulation. Clones are the same store; it serves until the simulation ends, even if
/// all are dropped.
///
/// It is a node of the network without a process: its objects survive everything, and what a crash of the
/// service would do to clients, [`Outage`](super::Outage) does.
#[derive(Clone)]
pub struct StoreNode {
    inner: Arc<Service>,
}

struct Service {
    node: Node,
    trace: Trace,
    socket: OnceLock<Socket>,
    state: Mutex<State>,
}

struct State {
    shelf: Shelf,
    faults: StoreFaults,
    counts: StoreCounts,
    random: Rng,
    // Requests that are served when their timer arrives, by token.
    late: BTreeMap<u64, (Address, Request, Bytes)>,
    next_late: u64,
    throttle: Throttle,
    // Counts requests where somebody has a use for their names.
    named: Option<Named>,
}

impl StoreNode {
    /// Adds the store to the network, as the node `store`.
    #[must_use]
    pub fn start(net: &Net, trace: &Trace, random: Rng) -> Self {
        let node = net.add_node("store");
        let inner = Arc::new(Service {
            node,
            trace: trace.clone(),
            socket: OnceLock::new(),
            state: Mutex::new(State {
                shelf: Shelf::default(),
                faults: StoreFaults::CALM,
                counts: StoreCounts::default(),
                random,
                late: BTreeMap::new(),
                next_late: 0,
                throttle: Throttle::default(),
                named: None,
            }),
        });
        let bound = inner.socket.set(net.bind(node, STORE_PORT, inner.clone()));
        assert!(bound.is_ok(), "a new store has no socket yet");
        Self { inner }
    }

    /// Its node, to cut links to it.
    #[must_use]
    pub fn node(&self) -> Node {
        self.inner.node
    }

    /// Changes how it behaves from now on. Requests that are late already stay late.
    pub fn faults<T>(&self, change: impl FnOnce(&mut StoreFaults) -> T) -> T {
        change(&mut self.inner.state().faults)
    }

    /// Notes every request that chance strikes from now on, by its number at its client from now on.
    pub(crate) fn note_misfortunes(&self, noted: Noted<RequestMisfortune>) {
        self.inner.state().named = Some(Named::noting(noted));
    }

    /// Lets chance strike these requests and no others, numbered from now on, until they are
    /// [healed](Self::heal_misfortunes).
    pub(crate) fn strike_only(&self, misfortunes: BTreeSet<RequestMisfortune>) {
        self.inner.state().named = Some(Named::only(misfortunes));
    }

    /// How many requests are still to be struck that were listed.
    pub(crate) fn misfortunes_to_come(&self) -> usize {
        self.inner.state().named.as_ref().map_or(0, Named::to_come)
    }

    /// No listed request is struck any more.
    pub(crate) fn heal_misfortunes(&self) {
        if let Some(named) = &mut self.inner.state().named {
            named.heal();
        }
    }

    /// What happened to requests so far.
    #[must_use]
    pub fn counts(&self) -> StoreCounts {
        let state = self.inner.state();
        let Shelf { written_bytes, read_bytes, .. } = state.shelf;
        StoreCounts { written_bytes, read_bytes, ..state.counts }
    }

    /// Requests that will still take effect some time, although their clients have given up by then.
    #[must_use]
    pub fn late_requests(&self) -> usize {
        self.inner.state().late.len()
    }

    /// Looks at the objects as they are now. `look` must not use this store.
    pub fn look<T>(&self, look: impl FnOnce(&Objects) -> T) -> T {
        look(&self.inner.state().shelf.objects)
    }

    /// What each object is to its job now.
    #[must_use]
    pub fn atlas(&self) -> Atlas {
        let Shelf { objects, undamaged, .. } = &self.inner.state().shelf;
        Atlas::of(objects, undamaged)
    }

    /// Damages one object for ever; `None` if no object may be damaged so. The observer does not hear of it:
    /// nobody asked for it.
    pub fn damage(&self, damage: &Damage) -> Option<Damaged> {
        let damaged = self.inner.state().shelf.damage(damage)?;
        self.inner.trace.event("store", "damaged", &damaged);
        Some(damaged)
    }

    /// What was destroyed because a fault was asked to.
    #[must_use]
    pub fn destroyed(&self) -> Vec<Damaged> {
        self.inner.state().shelf.destroyed.clone()
    }

    /// Objects in parts that were begun and neither completed nor aborted.
    #[must_use]
    pub fn unfinished_uploads(&self) -> usize {
        self.inner.state().shelf.uploads.len()
    }

    /// Objects that went up in parts.
    #[must_use]
    pub fn finished_uploads(&self) -> u64 {
        self.inner.state().shelf.finished_uploads
    }

    /// Calls `observer` after every mutation, in the order in which they take effect, with all objects as
    /// they are then. It must not use this store. Replaces the observer before it.
    pub fn observe(&self, observer: impl FnMut(&Mutation<'_>, &Objects) + Send + 'static) {
        self.inner.state().shelf.observer = Some(Box::new(observer));
    }
}

impl fmt::Debug for StoreNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.inner.state();
        f.debug_struct("StoreNode")
            .field("objects", &state.shelf.objects.len())
            .field("counts", &state.counts)
            .finish()
    }
}

impl Sink for Service {
    fn arrived(&self, arrival: Arrival) {
        match arrival {
            Arrival::Datagram { from, bytes } => {
                let (request, body) = decode(&bytes);
                self.receive(from, request, body);
            }
            Arrival::Timer(token) => {
                let late = self.state().late.remove(&token);
                let (from, request, body) = late.expect("each late request has one timer");
                self.serve(from, request, body, "late", View::True, Some(0));
            }
        }
    }
}

impl Service {
    fn receive(&self, from: Address, request: Request, body: Bytes) {
        let mut state = self.state();
        state.counts.requests += 1;
        let State { shelf, faults, random, throttle, named, .. } = &mut *state;
        let name = |drawn| match named {
            Some(named) => named.judge(from.node, drawn),
            None => drawn,
        };
        let fate = decide(faults, throttle, random, now_us(), &request.operation, shelf, name);
        match fate {
            Fate::Served { slow_us, view } => {
                state.counts.untrue += u64::from(view != View::True);
                drop(state);
                self.serve(from, request, body, view.name(), view, Some(slow_us));
            }
            Fate::Swallowed => {
                state.counts.swallowed += 1;
                drop(state);
                self.note(from, &request, "swallowed");
            }
            Fate::Refused(name, answer) => {
                state.counts.refused += 1;
                drop(state);
                self.note(from, &request, name);
                self.reply(from, request.id, answer, &Bytes::new(), 0);
            }
            Fate::Failed(name, answer) => {
                state.counts.failed += 1;
                drop(state);
                let id = request.id;
                self.serve(from, request, body, name, View::True, None);
                self.reply(from, id, answer, &Bytes::new(), 0);
            }
            Fate::Unanswered(name) => {
                state.counts.unanswered += 1;
                drop(state);
                self.serve(from, request, body, name, View::True, None);
            }
            Fate::HeldUp { late_us } => {
                state.counts.late += 1;
                let token = state.next_late;
                state.next_late += 1;
                drop(state);
                self.note(from, &request, "held-up");
                self.state().late.insert(token, (from, request, body));
                self.socket().wake_after(late_us, token);
            }
        }
    }

    /// Answers after so many microseconds more than usual, or not at all.
    fn serve(
        &self,
        from: Address,
        request: Request,
        body: Bytes,
        fate: &'static str,
        view: View,
        answered: Option<u64>,
    ) {
        let fate = match &request.operation {
            Operation::CompleteParts { upload, .. } if !self.state().shelf.uploads.contains_key(upload) => {
                "no-such-upload"
            }
            _ => fate,
        };
        self.note(from, &request, fate);
        let (answer, body) = {
            let State { shelf, faults, .. } = &mut *self.state();
            shelf.apply(from.node, request.operation, body, faults.page_objects, view)
        };
        if let Some(slow_us) = answered {
            self.reply(from, request.id, answer, &body, slow_us);
        }
    }

    fn reply(&self, to: Address, id: u64, answer: Answer, body: &Bytes, slow_us: u64) {
        let service_us = {
            let State { faults, random, .. } = &mut *self.state();
            slow_us + between(random, faults.latency_us)
        };
        self.socket().send_after(service_us, to, encode(&Reply { id, answer }, body));
    }

    /// Requests that change nothing and are simply served are too many for the trace.
    fn note(&self, from: Address, request: &Request, fate: &'static str) {
        let operation = &request.operation;
        if operation.changes() || fate != "served" {
            let by = self.socket().net().name(from.node);
            let fields = Note { by: &by, operation: operation.name(), path: operation.path(), fate };
            self.trace.event("store", "request", &fields);
        }
    }

    fn socket(&self) -> &Socket {
        self.socket.get().expect("bound before the first request")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Serialize)]
struct Note<'a> {
    by: &'a str,
    operation: &'static str,
    path: &'a str,
    fate: &'static str,
}
