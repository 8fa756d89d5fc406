//! The hub: everything on its way, and the one task that lets it arrive.

use super::channel::{AfterTimer, Frame, ReceiveHalf, SendHalf};
use super::connection::ConnectionTag;
use super::faults::{Fate, NetworkFaults};
use super::{Address, Arrival, Node, Sink, now_us};
use crate::trace::Trace;
use bytes::Bytes;
use fastrand::Rng;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// The network of one simulation. Clones are the same network.
#[derive(Clone)]
pub struct Net {
    core: Arc<Mutex<Core>>,
}

/// How many datagrams (channel frames included) met which fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NetworkCounts {
    /// Given to the network.
    pub sent: u64,
    /// Handed over to a bound address or a channel.
    pub delivered: u64,
    /// Lost by chance.
    pub lost: u64,
    /// Dropped because the link was cut.
    pub cut: u64,
    /// Sent twice by chance.
    pub duplicated: u64,
    /// Arrived where nobody listened.
    pub unheard: u64,
}

/// One connection, seen from either end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ConnectionKey {
    pub from: Node,
    pub to: Node,
    pub tag: ConnectionTag,
}

pub(super) struct Core {
    nodes: Vec<NodeEntry>,
    bound: BTreeMap<Address, (u32, Arc<dyn Sink>)>,
    pub(super) senders: BTreeMap<ConnectionKey, SendHalf>,
    pub(super) receivers: BTreeMap<ConnectionKey, ReceiveHalf>,
    next_half: u64,
    on_its_way: BinaryHeap<Reverse<Event>>,
    sequence: u64,
    faults: NetworkFaults,
    counts: NetworkCounts,
    random: Rng,
    trace: Trace,
    hub: Option<Waker>,
    // Virtual time of the earliest madsim timer that will wake the hub; `u64::MAX` if there is none.
    armed_us: u64,
    // The hub is running or will run at the present time, and arms its own timer when it is done.
    hub_awake: bool,
    stopped: bool,
}

struct NodeEntry {
    name: Arc<str>,
    incarnation: u32,
    up: bool,
}

struct Event {
    at_us: u64,
    sequence: u64,
    what: What,
}

enum What {
    Datagram { from: Address, to: Address, bytes: Bytes },
    Frame { key: ConnectionKey, frame: Frame },
    Timer { address: Address, incarnation: u32, token: u64 },
    Flush { key: ConnectionKey, half: u64 },
    Resend { key: ConnectionKey, half: u64 },
}

impl Net {
    /// A calm network without nodes. Its task runs on the present node: call it from the simulation's
    /// main task.
    ///
    /// # Panics
    /// Outside a simulation.
    #[must_use]
    pub fn start(random: Rng, trace: Trace) -> Self {
        let core = Arc::new(Mutex::new(Core {
            nodes: Vec::new(),
            bound: BTreeMap::new(),
            senders: BTreeMap::new(),
            receivers: BTreeMap::new(),
            next_half: 0,
            on_its_way: BinaryHeap::new(),
            sequence: 0,
            faults: NetworkFaults::default(),
            counts: NetworkCounts::default(),
            random,
            trace,
            hub: None,
            armed_us: u64::MAX,
            hub_awake: true,
            stopped: false,
        }));
        madsim::task::spawn(Hub { core: core.clone(), polls: 0 });
        Self { core }
    }

    /// Adds a node, which is up.
    #[must_use]
    pub fn add_node(&self, name: &str) -> Node {
        let mut core = self.core();
        let node = u16::try_from(core.nodes.len()).expect("a simulated cluster has fewer than 65,536 nodes");
        core.nodes.push(NodeEntry { name: name.into(), incarnation: 0, up: true });
        Node(node)
    }

    /// Name of a node.
    #[must_use]
    pub fn name(&self, node: Node) -> Arc<str> {
        self.core().nodes[usize::from(node.0)].name.clone()
    }

    /// Every node, in order of creation.
    #[must_use]
    pub fn nodes(&self) -> Vec<Node> {
        (0..self.core().nodes.len()).map(|node| Node(node as u16)).collect()
    }

    /// Binds an address: `sink` receives what arrives there until the returned socket is dropped or the
    /// node crashes.
    ///
    /// # Panics
    /// If the present incarnation of the node has the port bound already.
    #[must_use]
    pub fn bind(&self, node: Node, port: u16, sink: Arc<dyn Sink>) -> Socket {
        let mut core = self.core();
        let address = Address { node, port };
        let NodeEntry { incarnation, up, .. } = core.nodes[usize::from(node.0)];
        if up {
            let bound = core.bound.insert(address, (incarnation, sink));
            assert!(bound.is_none(), "address {address} is already in use");
        }
        Socket { net: self.clone(), address, incarnation }
    }

    /// Changes how the network behaves from now on.
    pub fn faults<T>(&self, change: impl FnOnce(&mut NetworkFaults) -> T) -> T {
        change(&mut self.core().faults)
    }

    /// What happened to datagrams so far.
    #[must_use]
    pub fn counts(&self) -> NetworkCounts {
        self.core().counts
    }

    /// Takes a node off the network: its sockets and channels are gone and its handles dead.
    pub fn crash(&self, node: Node) {
        let _sinks = {
            let mut core = self.core();
            core.nodes[usize::from(node.0)].up = false;
            core.forget(node)
        };
    }

    /// Brings a node back under a new incarnation.
    pub fn boot(&self, node: Node) {
        let _sinks = {
            let mut core = self.core();
            let entry = &mut core.nodes[usize::from(node.0)];
            entry.incarnation += 1;
            entry.up = true;
            core.forget(node)
        };
    }

    /// True if the node is on the network.
    #[must_use]
    pub fn is_up(&self, node: Node) -> bool {
        self.core().nodes[usize::from(node.0)].up
    }

    /// Ends the network's task; nothing arrives any more.
    pub(crate) fn stop(&self) {
        let mut core = self.core();
        core.stopped = true;
        core.wake_hub();
    }

    /// Drops everything that is bound, after the simulation. A sink may own its socket and with it this
    /// network: nothing else would end that circle.
    pub(crate) fn release(&self) {
        let _held = {
            let mut core = self.core();
            (std::mem::take(&mut core.bound), core.hub.take())
        };
    }

    pub(super) fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Net").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

/// A bound address of one incarnation of a node. Dropping it frees the address.
#[derive(Debug)]
pub struct Socket {
    net: Net,
    address: Address,
    incarnation: u32,
}

impl Socket {
    /// The bound address.
    #[must_use]
    pub fn address(&self) -> Address {
        self.address
    }

    /// The network it belongs to.
    #[must_use]
    pub fn net(&self) -> &Net {
        &self.net
    }

    /// False from the crash of this incarnation on.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.net.core().lives(self.address.node, self.incarnation)
    }

    /// Sends a datagram; it may be lost, delayed, repeated, overtaken. A dead socket sends nothing.
    pub fn send(&self, to: Address, bytes: Bytes) {
        self.send_after(0, to, bytes);
    }

    /// Sends a datagram that leaves `delay_us` later, unless it is dead now. What happens to it on the
    /// way is decided now.
    pub fn send_after(&self, delay_us: u64, to: Address, bytes: Bytes) {
        let mut core = self.net.core();
        if core.lives(self.address.node, self.incarnation) {
            let from = self.address;
            core.transmit(from.node, to.node, delay_us, What::Datagram { from, to, bytes });
        }
    }

    /// Makes [`Arrival::Timer`] arrive here after `delay_us`, unless the node crashes or the socket is
    /// dropped before. Timers cannot be taken back: whoever gets one looks whether it still matters.
    pub fn wake_after(&self, delay_us: u64, token: u64) {
        let mut core = self.net.core();
        let at_us = now_us() + delay_us;
        core.post(at_us, What::Timer { address: self.address, incarnation: self.incarnation, token });
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _sink = {
            let mut core = self.net.core();
            let ours =
                core.bound.get(&self.address).is_some_and(|(bound_by, _)| *bound_by == self.incarnation);
            if ours { core.bound.remove(&self.address) } else { None }
        };
    }
}

impl Core {
    pub(super) fn is_up(&self, node: Node) -> bool {
        self.nodes[usize::from(node.0)].up
    }

    pub(super) fn lives(&self, node: Node, incarnation: u32) -> bool {
        let entry = &self.nodes[usize::from(node.0)];
        entry.up && entry.incarnation == incarnation
    }

    /// A number no half has had before.
    pub(super) fn new_half(&mut self) -> u64 {
        self.next_half += 1;
        self.next_half
    }

    /// Orders the sending of what a channel has queued, once, after the present task has yielded: all that
    /// it queues until then travels together.
    pub(super) fn order_flush(&mut self, key: ConnectionKey) {
        if let Some(half) = self.senders.get_mut(&key)
            && !std::mem::replace(&mut half.flush_ordered, true)
        {
            let half = half.id;
            self.post(now_us(), What::Flush { key, half });
        }
    }

    /// Sends an acknowledgement back to the sender's end.
    pub(super) fn acknowledge(&mut self, key: ConnectionKey, frame: Frame) {
        self.transmit(key.to, key.from, 0, What::Frame { key, frame });
    }

    /// Removes all that a node had. Its sinks are returned so that they are dropped without the lock: a
    /// sink may own a socket, and dropping that locks again.
    #[must_use]
    fn forget(&mut self, node: Node) -> Vec<Arc<dyn Sink>> {
        self.senders.retain(|key, _| key.from != node);
        self.receivers.retain(|key, _| key.to != node);
        let ports = Address { node, port: 0 }..=Address { node, port: u16::MAX };
        self.bound.extract_if(ports, |_, _| true).map(|(_, (_, sink))| sink).collect()
    }

    fn transmit(&mut self, from: Node, to: Node, delay_us: u64, what: What) {
        self.counts.sent += 1;
        let leaves_us = now_us() + delay_us;
        match self.faults.fate(from, to, &mut self.random) {
            Fate::Cut => self.counts.cut += 1,
            Fate::Lost => self.counts.lost += 1,
            Fate::Arrives(delay_us) => self.post(leaves_us + delay_us, what),
            Fate::ArrivesTwice(one_us, other_us) => {
                self.counts.duplicated += 1;
                let copy = match &what {
                    What::Datagram { from, to, bytes } => {
                        What::Datagram { from: *from, to: *to, bytes: bytes.clone() }
                    }
                    What::Frame { key, frame } => What::Frame { key: *key, frame: frame.clone() },
                    What::Timer { .. } | What::Flush { .. } | What::Resend { .. } => {
                        unreachable!("only datagrams and frames travel")
                    }
                };
                self.post(leaves_us + one_us, what);
                self.post(leaves_us + other_us, copy);
            }
        }
    }

    fn post(&mut self, at_us: u64, what: What) {
        self.sequence += 1;
        self.on_its_way.push(Reverse(Event { at_us, sequence: self.sequence, what }));
        if self.hub_awake {
            return;
        }
        if at_us <= now_us() {
            self.wake_hub();
        } else {
            self.arm(at_us);
        }
    }

    fn wake_hub(&mut self) {
        if let Some(hub) = &self.hub
            && !std::mem::replace(&mut self.hub_awake, true)
        {
            hub.wake_by_ref();
        }
    }

    /// Makes sure that the hub wakes at `at_us`. The sleep is polled once to set the timer and thrown
    /// away: the timer stays.
    fn arm(&mut self, at_us: u64) {
        if at_us >= self.armed_us {
            return;
        }
        if let Some(hub) = &self.hub {
            let mut sleep = pin!(madsim::time::sleep(Duration::from_micros(at_us - now_us())));
            let _ = sleep.as_mut().poll(&mut Context::from_waker(hub));
            self.armed_us = at_us;
        }
    }

    /// Handles one event whose time has come; a sink that must be called is returned.
    fn arrive(&mut self, now_us: u64, what: What) -> Option<(Arc<dyn Sink>, Arrival)> {
        match what {
            What::Datagram { from, to, bytes } => {
                let Some((_, sink)) = self.bound.get(&to) else {
                    self.counts.unheard += 1;
                    return None;
                };
                self.counts.delivered += 1;
                self.trace.mix(&[now_us, route(from.node, to.node), u64::from(to.port)], &bytes);
                Some((sink.clone(), Arrival::Datagram { from, bytes }))
            }
            What::Timer { address, incarnation, token } => {
                let (bound_by, sink) = self.bound.get(&address)?;
                (*bound_by == incarnation).then(|| (sink.clone(), Arrival::Timer(token)))
            }
            What::Frame { key, frame } => {
                self.arrive_frame(now_us, key, frame);
                None
            }
            What::Flush { key, half } => {
                let half = self.senders.get_mut(&key).filter(|found| found.id == half)?;
                half.flush_ordered = false;
                self.flush(now_us, key);
                None
            }
            What::Resend { key, half } => {
                self.resend(now_us, key, half);
                None
            }
        }
    }

    fn arrive_frame(&mut self, now_us: u64, key: ConnectionKey, frame: Frame) {
        match frame {
            Frame::Data { sender, first, messages } => {
                let Some(half) = self.receivers.get_mut(&key) else {
                    self.counts.unheard += 1;
                    return;
                };
                self.counts.delivered += 1;
                for message in &messages {
                    self.trace.mix(&[now_us, route(key.from, key.to), first], message);
                }
                if let Some((ack, news)) = half.on_data(sender, first, messages) {
                    if news {
                        half.bell.ring();
                    }
                    self.acknowledge(key, ack);
                }
            }
            Frame::Ack { sender, receiver, next, window_end } => {
                let Some(half) = self.senders.get_mut(&key).filter(|half| half.id == sender) else {
                    self.counts.unheard += 1;
                    return;
                };
                self.counts.delivered += 1;
                if half.on_ack(now_us, receiver, next, window_end) {
                    half.bell.ring();
                }
                if half.lingering && half.is_idle() {
                    self.senders.remove(&key);
                } else {
                    self.flush(now_us, key);
                }
            }
        }
    }

    fn flush(&mut self, now_us: u64, key: ConnectionKey) {
        let Some(half) = self.senders.get_mut(&key) else { return };
        let frame = half.flush(now_us);
        let timer = half.wants_timer_at().filter(|_| !std::mem::replace(&mut half.timer_ordered, true));
        let half = half.id;
        if let Some(frame) = frame {
            self.transmit(key.from, key.to, 0, What::Frame { key, frame });
        }
        if let Some(at_us) = timer {
            self.post(at_us, What::Resend { key, half });
        }
    }

    fn resend(&mut self, now_us: u64, key: ConnectionKey, half: u64) {
        let Some(found) = self.senders.get_mut(&key).filter(|found| found.id == half) else { return };
        found.timer_ordered = false;
        match found.on_timer(now_us) {
            AfterTimer::Nothing => {}
            AfterTimer::GiveUp => {
                self.senders.remove(&key);
            }
            AfterTimer::AskAgainAt(at_us) => {
                found.timer_ordered = true;
                self.post(at_us, What::Resend { key, half });
            }
            AfterTimer::Resend(frame) => {
                let again_us = found.wants_timer_at();
                found.timer_ordered = again_us.is_some();
                self.transmit(key.from, key.to, 0, What::Frame { key, frame });
                if let Some(at_us) = again_us {
                    self.post(at_us, What::Resend { key, half });
                }
            }
        }
    }
}

fn route(from: Node, to: Node) -> u64 {
    u64::from(from.0) << 16 | u64::from(to.0)
}

/// The task that lets things arrive, in order of time and, within one time, of sending.
struct Hub {
    core: Arc<Mutex<Core>>,
    polls: u64,
}

/// madsim keeps a trace of each finished task until somebody counts tasks: 100 kB and more per simulation.
const POLLS_BETWEEN_PURGES: u64 = 1024;

impl Future for Hub {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.polls += 1;
        if self.polls.is_multiple_of(POLLS_BETWEEN_PURGES) {
            madsim::runtime::Handle::current().metrics().num_tasks();
        }
        let net = Net { core: self.core.clone() };
        {
            let mut core = net.core();
            core.hub_awake = true;
            if !core.hub.as_ref().is_some_and(|hub| hub.will_wake(context.waker())) {
                core.hub = Some(context.waker().clone());
            }
            if core.armed_us <= now_us() {
                core.armed_us = u64::MAX;
            }
        }
        loop {
            let called = {
                let mut core = net.core();
                if core.stopped {
                    return Poll::Ready(());
                }
                let now_us = now_us();
                match core.on_its_way.peek().map(|Reverse(event)| event.at_us) {
                    Some(at_us) if at_us > now_us => {
                        core.hub_awake = false;
                        core.arm(at_us);
                        return Poll::Pending;
                    }
                    None => {
                        core.hub_awake = false;
                        return Poll::Pending;
                    }
                    Some(_) => {}
                }
                let Some(Reverse(event)) = core.on_its_way.pop() else { continue };
                core.arrive(now_us, event.what)
            };
            if let Some((sink, arrival)) = called {
                sink.arrived(arrival);
            }
        }
    }
}

impl Ord for Event {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at_us, self.sequence).cmp(&(other.at_us, other.sequence))
    }
}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Event {}
