//! The network's state: who is there, what is bound, and what becomes of what is sent.

use super::channel::{AfterTimer, Frame, ReceiveHalf, SendHalf, WINDOW_MESSAGES};
use super::connection::ConnectionTag;
use super::faults::{Fate, NetworkFaults};
use super::hub::{Schedule, What};
use super::misfortune::Named;
use super::net::NetworkCounts;
use super::{Address, Arrival, Node, Sink, now_us};
use crate::trace::Trace;
use bytes::Bytes;
use fastrand::Rng;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One connection, seen from either end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ConnectionKey {
    pub from: Node,
    pub to: Node,
    pub tag: ConnectionTag,
}

pub(super) struct Core {
    pub(super) nodes: Vec<NodeEntry>,
    pub(super) senders: BTreeMap<ConnectionKey, SendHalf>,
    pub(super) receivers: BTreeMap<ConnectionKey, ReceiveHalf>,
    next_half: u64,
    /// Messages that may lie between the ends of a connection that is opened now.
    pub(super) window: u64,
    pub(super) faults: NetworkFaults,
    pub(super) counts: NetworkCounts,
    random: Rng,
    /// Counts messages where somebody has a use for their names.
    pub(super) named: Option<Named>,
    trace: Trace,
    pub(super) schedule: Schedule,
}

pub(super) struct NodeEntry {
    pub name: Arc<str>,
    pub incarnation: u32,
    pub up: bool,
    /// While it is held, what it sends waits here.
    pub held: Option<Vec<(u64, What)>>,
    /// Few, and looked at by everything that arrives.
    pub bound: Vec<Bound>,
}

/// Who listens at a port.
pub(super) struct Bound {
    pub port: u16,
    /// The one that bound it.
    pub incarnation: u32,
    pub sink: Arc<dyn Sink>,
}

impl NodeEntry {
    pub fn bound_at(&self, port: u16) -> Option<&Bound> {
        self.bound.iter().find(|bound| bound.port == port)
    }
}

impl Core {
    pub(super) fn new(random: Rng, trace: Trace) -> Self {
        Self {
            nodes: Vec::new(),
            senders: BTreeMap::new(),
            receivers: BTreeMap::new(),
            next_half: 0,
            window: WINDOW_MESSAGES,
            faults: NetworkFaults::default(),
            counts: NetworkCounts::default(),
            random,
            named: None,
            trace,
            schedule: Schedule::default(),
        }
    }

    pub(super) fn is_up(&self, node: Node) -> bool {
        self.nodes[usize::from(node.0)].up
    }

    pub(super) fn lives(&self, node: Node, incarnation: u32) -> bool {
        let entry = &self.nodes[usize::from(node.0)];
        entry.up && entry.incarnation == incarnation
    }

    fn bound(&self, at: Address) -> Option<&Bound> {
        self.nodes.get(usize::from(at.node.0))?.bound_at(at.port)
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
            let now_us = now_us();
            self.schedule.post(now_us, now_us, What::Flush { key, half });
        }
    }

    /// Sends an acknowledgement back to the sender's end, unless it is `severed` from it.
    pub(super) fn acknowledge(&mut self, key: ConnectionKey, frame: Frame, severed: bool) {
        if severed {
            self.counts.cut += 1;
        } else {
            self.transmit(key.to, key.from, 0, What::Frame { key, frame });
        }
    }

    /// Sends a datagram, or keeps it while its node is held.
    pub(super) fn post_datagram(&mut self, delay_us: u64, from: Address, to: Address, bytes: Bytes) {
        let what = What::Datagram { from, to, bytes };
        match &mut self.nodes[usize::from(from.node.0)].held {
            Some(held) => held.push((delay_us, what)),
            None => self.transmit(from.node, to.node, delay_us, what),
        }
    }

    /// Ends the holding of a node and sends what it kept.
    pub(super) fn let_go(&mut self, node: Node) {
        for (delay_us, what) in self.nodes[usize::from(node.0)].held.take().into_iter().flatten() {
            if let What::Datagram { from, to, .. } = &what {
                let (from, to) = (from.node, to.node);
                self.transmit(from, to, delay_us, what);
            }
        }
    }

    /// Lets the connections from one node to another die in one direction: `data` never arrives any more, or
    /// else no acknowledgement of it. Neither end is told. How many it hits.
    pub(super) fn sever(&mut self, from: Node, to: Node, data: bool) -> usize {
        let between = |key: &ConnectionKey| key.from == from && key.to == to;
        if data {
            let halves = self.senders.iter_mut().filter(|(key, _)| between(key));
            halves.map(|(_, half)| half.severed = true).count()
        } else {
            let halves = self.receivers.iter_mut().filter(|(key, _)| between(key));
            halves.map(|(_, half)| half.severed = true).count()
        }
    }

    /// Removes all that a node had. Its sinks are returned so that they are dropped without the lock: a
    /// sink may own a socket, and dropping that locks again.
    #[must_use]
    pub(super) fn forget(&mut self, node: Node) -> Vec<Bound> {
        let entry = &mut self.nodes[usize::from(node.0)];
        entry.held = None;
        let bound = std::mem::take(&mut entry.bound);
        self.senders.retain(|key, _| key.from != node);
        self.receivers.retain(|key, _| key.to != node);
        bound
    }

    pub(super) fn transmit(&mut self, from: Node, to: Node, delay_us: u64, what: What) {
        self.counts.sent += 1;
        let now_us = now_us();
        let leaves_us = now_us + delay_us;
        match self.faults.fate(from, to, &mut self.random, self.named.as_mut()) {
            Fate::Cut => self.counts.cut += 1,
            Fate::Lost => self.counts.lost += 1,
            Fate::Arrives(delay_us) => self.schedule.post(now_us, leaves_us + delay_us, what),
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
                self.schedule.post(now_us, leaves_us + one_us, what);
                self.schedule.post(now_us, leaves_us + other_us, copy);
            }
        }
    }

    /// Handles one event whose time has come; a sink that must be called is returned.
    pub(super) fn arrive(&mut self, now_us: u64, what: What) -> Option<(Arc<dyn Sink>, Arrival)> {
        match what {
            What::Datagram { from, to, bytes } => {
                let Some(Bound { sink, .. }) = self.bound(to) else {
                    self.counts.unheard += 1;
                    return None;
                };
                let sink = sink.clone();
                self.counts.delivered += 1;
                self.trace.mix([now_us, route(from.node, to.node), u64::from(to.port)], &bytes);
                Some((sink, Arrival::Datagram { from, bytes }))
            }
            What::Timer { address, incarnation, token } => {
                let bound = self.bound(address).filter(|bound| bound.incarnation == incarnation)?;
                Some((bound.sink.clone(), Arrival::Timer(token)))
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
                    self.trace.mix([now_us, route(key.from, key.to), first], message);
                }
                if let Some((ack, news)) = half.on_data(sender, first, messages) {
                    if news {
                        half.bell.ring();
                    }
                    let severed = half.severed;
                    self.acknowledge(key, ack, severed);
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
        let (half, severed) = (half.id, half.severed);
        if let Some(frame) = frame {
            self.transmit_data(key, frame, severed);
        }
        if let Some(at_us) = timer {
            self.schedule.post(now_us, at_us, What::Resend { key, half });
        }
    }

    fn transmit_data(&mut self, key: ConnectionKey, frame: Frame, severed: bool) {
        if severed {
            self.counts.cut += 1;
        } else {
            self.transmit(key.from, key.to, 0, What::Frame { key, frame });
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
                self.schedule.post(now_us, at_us, What::Resend { key, half });
            }
            AfterTimer::Resend(frame) => {
                let (again_us, severed) = (found.wants_timer_at(), found.severed);
                found.timer_ordered = again_us.is_some();
                self.transmit_data(key, frame, severed);
                if let Some(at_us) = again_us {
                    self.schedule.post(now_us, at_us, What::Resend { key, half });
                }
            }
        }
    }
}

fn route(from: Node, to: Node) -> u64 {
    u64::from(from.0) << 16 | u64::from(to.0)
}
