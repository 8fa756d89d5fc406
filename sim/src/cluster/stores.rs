//! The stores that processes use: the simulated one's client, or what a user puts around it.

use super::Cluster;
use crate::storage::SimObjectStore;
use crate::wire::Node;
use keygroups::protocol::{CoordinatorId, HostId};
use object_store::ObjectStore;
use std::fmt;
use std::sync::Arc;

/// Whose store it is. Every life of a process asks for one of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Process {
    /// A coordinator.
    Coordinator(CoordinatorId),
    /// A host.
    Host(HostId),
    /// Whoever reads the output when the job is done.
    User,
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Coordinator(id) => write!(f, "coordinator {id}"),
            Self::Host(id) => write!(f, "host {id}"),
            Self::User => f.write_str("user"),
        }
    }
}

/// Makes the store of a process out of its client of the simulated store.
pub(crate) type MakeStore = Arc<dyn Fn(Process, SimObjectStore) -> Arc<dyn ObjectStore> + Send + Sync>;

/// The client itself.
pub(crate) fn unchanged() -> MakeStore {
    Arc::new(|_, client| Arc::new(client))
}

impl Cluster {
    /// Who runs on `node`.
    pub(super) fn process(&self, node: Node) -> Process {
        let at = |nodes: &[Node]| nodes.iter().position(|&known| known == node).map(|at| at as u16);
        let coordinator = at(&self.coordinators).map(|id| Process::Coordinator(CoordinatorId(id)));
        coordinator.or_else(|| at(&self.hosts).map(|id| Process::Host(HostId(id)))).unwrap_or(Process::User)
    }
}
