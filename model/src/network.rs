//! Messages between coordinators and hosts.
//!
//! A monotone bag: a message that was sent once can be delivered at any time, any number of times,
//! in any order, or never. So it covers loss, duplication, reordering and every repetition at
//! once, and a paused receiver is one that nothing is delivered to. docs/model.md says why this is
//! sound for safety.

use std::collections::BTreeSet;

use keygroups::{
    checkpoint::LeaderEpoch,
    protocol::{CoordinatorId, HostId, ToCoordinator, ToHost},
};

/// A message and whom it is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Message {
    /// A coordinator speaks to a host.
    ToHost(HostId, ToHost),
    /// A host speaks to a coordinator.
    ToCoordinator(CoordinatorId, ToCoordinator),
    /// A leader speaks to another coordinator.
    ToPeer(CoordinatorId, LeaderEpoch),
}

/// Whose mailbox a message is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Receiver {
    /// A host.
    Host(HostId),
    /// A coordinator.
    Coordinator(CoordinatorId),
}

impl Message {
    /// Whom it is for.
    pub fn receiver(&self) -> Receiver {
        match self {
            Self::ToHost(host, _) => Receiver::Host(*host),
            Self::ToCoordinator(id, _) | Self::ToPeer(id, _) => Receiver::Coordinator(*id),
        }
    }
}

/// Every message that was ever sent.
pub type Network = BTreeSet<std::sync::Arc<Message>>;
