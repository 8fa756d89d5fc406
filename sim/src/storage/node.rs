//! The store's side: objects, and what becomes of each request.

use super::STORE_PORT;
use super::faults::{Outage, StoreFaults};
use super::message::{Answer, AttributeList, Meta, Mode, Operation, Range, Reply, Request, decode, encode};
use crate::random::{between, happens};
use crate::trace::Trace;
use crate::wire::{Address, Arrival, Net, Node, Sink, Socket, now_us};
use bytes::Bytes;
use fastrand::Rng;
use object_store::GetRange;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// An object as the store holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its bytes.
    pub bytes: Bytes,
    /// Number of the write that made it; no two writes share one.
    pub etag: u64,
    /// Virtual microseconds at which it was written.
    pub modified_us: u64,
    attributes: AttributeList,
}

/// Every object by path.
pub type Objects = BTreeMap<String, Object>;

/// Something that changed the objects. Requests without effect (a create that met an object, the deletion
/// of nothing) are none.
#[derive(Clone, Debug)]
pub struct Mutation<'a> {
    /// Virtual microseconds at which it took effect.
    pub at_us: u64,
    /// Who asked for it, possibly long ago.
    pub by: Node,
    /// The object's path.
    pub path: &'a str,
    /// What happened to it.
    pub change: Change<'a>,
}

/// What a mutation did.
#[derive(Clone, Debug)]
pub enum Change<'a> {
    /// There was no object before.
    Created(&'a Bytes),
    /// Another object was there before.
    Replaced {
        /// The bytes before.
        before: &'a Bytes,
        /// The bytes now.
        now: &'a Bytes,
    },
    /// The object is gone.
    Deleted {
        /// The bytes before.
        before: &'a Bytes,
    },
}

/// How many requests met which fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StoreCounts {
    /// Arrived.
    pub requests: u64,
    /// Answered with 503.
    pub refused: u64,
    /// Without effect and without answer.
    pub swallowed: u64,
    /// With effect and without answer.
    pub unanswered: u64,
    /// Served late.
    pub late: u64,
    /// Object bytes written.
    pub written_bytes: u64,
    /// Object bytes read.
    pub read_bytes: u64,
}

/// The store of one simulation. Clones are the same store; it serves until the simulation ends, even if
/// all are dropped.
///
/// It is a node of the network without a process: its objects survive everything, and what a crash of the
/// service would do to clients, [`Outage`] does.
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
    objects: Objects,
    next_etag: u64,
    faults: StoreFaults,
    counts: StoreCounts,
    random: Rng,
    // Requests that are served when their timer arrives, by token.
    late: BTreeMap<u64, (Address, Request, Bytes)>,
    next_late: u64,
    observer: Option<Observer>,
}

type Observer = Box<dyn FnMut(&Mutation<'_>, &Objects) + Send>;

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
                objects: BTreeMap::new(),
                next_etag: 1,
                faults: StoreFaults::CALM,
                counts: StoreCounts::default(),
                random,
                late: BTreeMap::new(),
                next_late: 0,
                observer: None,
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

    /// What happened to requests so far.
    #[must_use]
    pub fn counts(&self) -> StoreCounts {
        self.inner.state().counts
    }

    /// Requests that will still take effect some time, although their clients have given up by then.
    #[must_use]
    pub fn late_requests(&self) -> usize {
        self.inner.state().late.len()
    }

    /// Looks at the objects as they are now. `look` must not use this store.
    pub fn look<T>(&self, look: impl FnOnce(&Objects) -> T) -> T {
        look(&self.inner.state().objects)
    }

    /// Calls `observer` after every mutation, in the order in which they take effect, with all objects as
    /// they are then. It must not use this store. Replaces the observer before it.
    pub fn observe(&self, observer: impl FnMut(&Mutation<'_>, &Objects) + Send + 'static) {
        self.inner.state().observer = Some(Box::new(observer));
    }
}

impl fmt::Debug for StoreNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.inner.state();
        f.debug_struct("StoreNode")
            .field("objects", &state.objects.len())
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
                self.serve(from, request, body, "late", true);
            }
        }
    }
}

impl Service {
    fn receive(&self, from: Address, request: Request, body: Bytes) {
        let mut state = self.state();
        state.counts.requests += 1;
        let State { faults, random, .. } = &mut *state;
        let refused = faults.outage == Some(Outage::Refuses) || happens(random, faults.refused_per_million);
        if faults.outage == Some(Outage::Silent) || happens(random, faults.swallowed_per_million) {
            state.counts.swallowed += 1;
            drop(state);
            self.note(from, &request, "swallowed");
        } else if refused {
            state.counts.refused += 1;
            drop(state);
            self.note(from, &request, "refused");
            self.reply(from, request.id, Answer::Refused, &Bytes::new());
        } else if happens(random, faults.late_per_million) {
            let late_us = between(random, faults.late_us);
            state.counts.late += 1;
            let token = state.next_late;
            state.next_late += 1;
            drop(state);
            self.note(from, &request, "held-up");
            self.state().late.insert(token, (from, request, body));
            self.socket().wake_after(late_us, token);
        } else {
            let answered = !happens(random, faults.unanswered_per_million);
            state.counts.unanswered += u64::from(!answered);
            drop(state);
            self.serve(from, request, body, if answered { "served" } else { "unanswered" }, answered);
        }
    }

    fn serve(&self, from: Address, request: Request, body: Bytes, fate: &'static str, answered: bool) {
        self.note(from, &request, fate);
        let (answer, body) = self.state().apply(from.node, request.operation, body);
        if answered {
            self.reply(from, request.id, answer, &body);
        }
    }

    fn reply(&self, to: Address, id: u64, answer: Answer, body: &Bytes) {
        let service_us = {
            let State { faults, random, .. } = &mut *self.state();
            between(random, faults.latency_us)
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

impl State {
    /// Applies one operation at once and whole; the answer and its body.
    fn apply(&mut self, by: Node, operation: Operation, body: Bytes) -> (Answer, Bytes) {
        let answer = match operation {
            Operation::Put { path, mode, attributes } => self.put(by, path, &mode, attributes, body),
            Operation::Get { path, range, head } => return self.get(&path, &range, head),
            Operation::Delete { path } => self.delete(by, &path),
            Operation::List { prefix, after } => self.list(&prefix, after.as_deref()),
            Operation::Copy { from, to, mode } => match self.objects.get(&from).cloned() {
                Some(object) => self.put(by, to, &mode, object.attributes, object.bytes),
                None => Answer::Missing,
            },
        };
        (answer, Bytes::new())
    }

    fn put(
        &mut self,
        by: Node,
        path: String,
        mode: &Mode,
        attributes: AttributeList,
        bytes: Bytes,
    ) -> Answer {
        match (mode, self.objects.get(&path)) {
            (Mode::Create, Some(_)) => return Answer::Exists,
            (Mode::Update { .. }, None) => return Answer::Changed,
            (Mode::Update { etag }, Some(object)) if object.etag != *etag => return Answer::Changed,
            (Mode::Overwrite | Mode::Create | Mode::Update { .. }, _) => {}
        }
        let (etag, modified_us) = (self.next_etag, now_us());
        self.next_etag += 1;
        self.counts.written_bytes += bytes.len() as u64;
        let object = Object { bytes: bytes.clone(), etag, modified_us, attributes };
        let before = self.objects.insert(path.clone(), object).map(|object| object.bytes);
        let change = match &before {
            None => Change::Created(&bytes),
            Some(before) => Change::Replaced { before, now: &bytes },
        };
        if let Some(observer) = &mut self.observer {
            observer(&Mutation { at_us: modified_us, by, path: &path, change }, &self.objects);
        }
        Answer::Done { etag }
    }

    fn get(&mut self, path: &str, range: &Range, head: bool) -> (Answer, Bytes) {
        let Some(object) = self.objects.get(path) else { return (Answer::Missing, Bytes::new()) };
        let size = object.bytes.len() as u64;
        let meta = meta_of(path, object);
        let wanted = match *range {
            Range::Whole => Ok(0..size),
            Range::Bounded(start, end) => GetRange::Bounded(start..end).as_range(size),
            Range::From(start) => GetRange::Offset(start).as_range(size),
            Range::Last(count) => GetRange::Suffix(count).as_range(size),
        };
        match wanted {
            Err(bad) => (Answer::BadRange(bad.to_string()), Bytes::new()),
            Ok(wanted) => {
                let start = wanted.start;
                let body = if head {
                    Bytes::new()
                } else {
                    object.bytes.slice(wanted.start as usize..wanted.end as usize)
                };
                self.counts.read_bytes += body.len() as u64;
                (Answer::Found { meta, start, attributes: object.attributes.clone() }, body)
            }
        }
    }

    fn delete(&mut self, by: Node, path: &str) -> Answer {
        if let Some(object) = self.objects.remove(path)
            && let Some(observer) = &mut self.observer
        {
            let change = Change::Deleted { before: &object.bytes };
            observer(&Mutation { at_us: now_us(), by, path, change }, &self.objects);
        }
        // As in S3, deleting what is not there succeeds.
        Answer::Done { etag: 0 }
    }

    fn list(&self, prefix: &str, after: Option<&str>) -> Answer {
        let directory = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        let start = match after {
            Some(after) if after >= directory.as_str() => Bound::Excluded(after),
            _ => Bound::Included(directory.as_str()),
        };
        let mut found = self
            .objects
            .range::<str, _>((start, Bound::Unbounded))
            .take_while(|(path, _)| path.starts_with(&directory));
        let page = self.faults.page_objects.max(1);
        let objects = found.by_ref().take(page).map(|(path, object)| meta_of(path, object)).collect();
        Answer::Page { objects, more: found.next().is_some() }
    }
}

fn meta_of(path: &str, object: &Object) -> Meta {
    Meta {
        path: path.to_owned(),
        size: object.bytes.len() as u64,
        etag: object.etag,
        modified_us: object.modified_us,
    }
}
