//! The network of a simulation: datagrams between named nodes, and reliable channels on top.
//!
//! It lies on madsim's clock, executor and nodes, but not on its sockets: one task, the hub, holds
//! everything that is on its way, ordered by arrival. A datagram costs one heap entry and no timer of its
//! own; madsim's `Endpoint` costs three timers and five polls. What madsim lacks, a link behaviour per
//! direction and duplication, comes with it ([`NetworkFaults`]).
//!
//! Three rules make crashes exact:
//! - A handle belongs to one incarnation of its node. From the instant of a crash on it can send nothing,
//!   even if the task that holds it runs on to its next await.
//! - What was sent before the crash is still on its way, and reaches the next incarnation if an address is
//!   bound again, as UDP packets would.
//! - Channels die with either end, and say nothing about it.
//!
//! Arrival times are exact to 1 ms, madsim's shortest sleep.

mod bell;
mod channel;
mod connection;
mod core;
mod faults;
mod hub;
mod mailbox;
mod misfortune;
mod net;
pub(crate) mod now;
mod socket;
#[cfg(test)]
mod tests;

pub use bell::Bell;
pub use channel::WINDOW_MESSAGES;
pub use connection::{ChannelReceiver, ChannelSender, ConnectionTag};
pub use faults::{LinkFaults, NetworkFaults};
pub use mailbox::{Inbound, Mailbox};
pub use misfortune::{MessageFate, MessageMisfortune};
pub use net::{Net, NetworkCounts};
pub use now::now_us;
pub(crate) use now::{sleep, wake_after};
pub use socket::Socket;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A node of the network, in order of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Node(pub u16);

/// Where datagrams go: a node and a port of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Address {
    /// The node.
    pub node: Node,
    /// Any number that both sides agree on.
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.node.0, self.port)
    }
}

/// What comes in at a bound address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// A datagram.
    Datagram {
        /// Who sent it.
        from: Address,
        /// What was sent.
        bytes: Bytes,
    },
    /// A timer that was set through the socket's own [`Socket::wake_after`].
    Timer(u64),
}

/// Receives what comes in at an address.
///
/// Called by the network's own task, outside any lock, as an operating system would handle an interrupt:
/// it also runs while the node is paused. Implementations note what arrived and ring a [`Bell`]; work that
/// a pause should hold up belongs in a task of the node.
pub trait Sink: Send + Sync {
    /// Takes one arrival, in order of arrival.
    fn arrived(&self, arrival: Arrival);
}
