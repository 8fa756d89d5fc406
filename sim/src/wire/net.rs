//! The network as the simulation sees it.

use super::core::{Bound, Core, NodeEntry};
use super::faults::NetworkFaults;
use super::hub::Hub;
use super::misfortune::{MessageMisfortune, Named};
use super::socket::Socket;
use super::{Address, Node, Sink};
use crate::misfortune::Noted;
use crate::trace::Trace;
use fastrand::Rng;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    /// No datagrams: how often a channel took no message, for its window was full.
    pub full: u64,
}

impl Net {
    /// A calm network without nodes. Its task runs on the present node: call it from the simulation's
    /// main task.
    ///
    /// # Panics
    /// Outside a simulation.
    #[must_use]
    pub fn start(random: Rng, trace: Trace) -> Self {
        let net = Self { core: Arc::new(Mutex::new(Core::new(random, trace))) };
        madsim::task::spawn(Hub::new(net.clone()));
        net
    }

    /// Adds a node, which is up.
    #[must_use]
    pub fn add_node(&self, name: &str) -> Node {
        let mut core = self.core();
        let node = u16::try_from(core.nodes.len()).expect("a simulated cluster has fewer than 65,536 nodes");
        let entry = NodeEntry { name: name.into(), incarnation: 0, up: true, held: None, bound: Vec::new() };
        core.nodes.push(entry);
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
        let entry = &mut core.nodes[usize::from(node.0)];
        let incarnation = entry.incarnation;
        if entry.up {
            assert!(entry.bound_at(port).is_none(), "address {address} is already in use");
            entry.bound.push(Bound { port, incarnation, sink });
        }
        Socket::new(self.clone(), address, incarnation)
    }

    /// Changes how the network behaves from now on.
    pub fn faults<T>(&self, change: impl FnOnce(&mut NetworkFaults) -> T) -> T {
        change(&mut self.core().faults)
    }

    /// Notes every message that chance strikes from now on, by its number on its link from now on.
    pub(crate) fn note_misfortunes(&self, noted: Noted<MessageMisfortune>) {
        self.core().named = Some(Named::noting(noted));
    }

    /// Lets chance strike these messages and no others, numbered from now on, until they are
    /// [healed](Self::heal_misfortunes).
    pub(crate) fn strike_only(&self, misfortunes: BTreeSet<MessageMisfortune>) {
        self.core().named = Some(Named::only(misfortunes));
    }

    /// How many messages are still to be struck that were listed.
    pub(crate) fn misfortunes_to_come(&self) -> usize {
        self.core().named.as_ref().map_or(0, Named::to_come)
    }

    /// No listed message is struck any more.
    pub(crate) fn heal_misfortunes(&self) {
        if let Some(named) = &mut self.core().named {
            named.heal();
        }
    }

    /// How many messages may lie between the ends of a channel that is opened from now on, before the sender has
    /// to wait; at least 1.
    pub fn set_window(&self, messages: u64) {
        self.core().window = messages.max(1);
    }

    /// A number that no other call on this network gives: what tells one life of a client from the next
    /// at the same address.
    #[must_use]
    pub fn unique(&self) -> u64 {
        self.core().new_half()
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

    /// Keeps back every datagram that the node sends from now on, until [`let_go`](Self::let_go) or its crash.
    /// Channels go on: an operating system acknowledges and repeats for a process that stands still.
    pub fn hold(&self, node: Node) {
        self.core().nodes[usize::from(node.0)].held = Some(Vec::new());
    }

    /// Sends what was held, in its order.
    pub fn let_go(&self, node: Node) {
        self.core().let_go(node);
    }

    /// Lets every present channel from one node to another die in one direction, for ever and without a word:
    /// no data arrives any more or, if not `data`, no acknowledgement. How many channels it hits.
    pub fn sever(&self, from: Node, to: Node, data: bool) -> usize {
        self.core().sever(from, to, data)
    }

    /// True if the node is on the network.
    #[must_use]
    pub fn is_up(&self, node: Node) -> bool {
        self.core().nodes[usize::from(node.0)].up
    }

    /// Ends the network's task; nothing arrives any more.
    pub(crate) fn stop(&self) {
        self.core().schedule.stop();
    }

    /// Drops everything that is bound, after the simulation. A sink may own its socket and with it this
    /// network: nothing else would end that circle.
    pub(crate) fn release(&self) {
        let _held = {
            let mut core = self.core();
            let bound = core.nodes.iter_mut().flat_map(|node| std::mem::take(&mut node.bound));
            (bound.collect::<Vec<_>>(), core.schedule.release())
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
