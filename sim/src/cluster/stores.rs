//! The stores that processes use: the simulated one's client, or what a user puts around it or in its place.

use super::own_store::Uploads;
use super::planted::{TrustingStore, TwistedStore};
use super::{Cluster, EngineBug, STORE_CLIENT_PORT};
use crate::storage::SimObjectStore;
use crate::wire::Node;
use keygroups::checkpoint::ObjectName;
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

/// Puts something around the store of a process.
pub(crate) type WrapStore = Arc<dyn Fn(Process, Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> + Send + Sync>;

/// What a user says about stores; by default nothing.
#[derive(Clone, Default)]
pub(crate) struct Stores {
    /// Makes the store of a run, instead of the simulated one.
    pub(crate) own: Option<Arc<dyn Fn() -> Arc<dyn ObjectStore> + Send + Sync>>,
    pub(crate) wrap: Option<WrapStore>,
}

impl Cluster {
    /// The store for the process at `node`.
    pub(super) fn object_store(self: &Arc<Self>, node: Node) -> Arc<dyn ObjectStore> {
        let client: Arc<dyn ObjectStore> = match &self.own_store {
            Some(own) => Arc::new(own.client(node)),
            None => {
                let (store, timeout_us) = (self.store.node(), self.scenario.store_timeout_us);
                let port = STORE_CLIENT_PORT + self.nodes.place(node).moves;
                Arc::new(SimObjectStore::connect(&self.net, node, port, store, timeout_us))
            }
        };
        let client: Arc<dyn ObjectStore> = match self.planted.mutant() {
            Some(_) => Arc::new(TwistedStore::new(client, Arc::clone(self))),
            None => client,
        };
        let client: Arc<dyn ObjectStore> = match (self.scenario.bug, self.process(node)) {
            (Some(EngineBug::TrustsLocalCopies), Process::Host(_)) => {
                Arc::new(TrustingStore { store: client, disk: self.nodes.disk(node) })
            }
            _ => client,
        };
        match &self.wrap_store {
            Some(wrap) => wrap(self.process(node), client),
            None => client,
        }
    }

    /// Objects that no manifest names, directly or through the chain of outputs.
    pub(super) fn garbage(&self) -> Vec<ObjectName> {
        match &self.own_store {
            Some(own) => self.watch.garbage(own.paths().iter()),
            None => self.store.look(|objects| self.watch.garbage(objects.keys())),
        }
    }

    /// How many uploads in parts are finished so far, and how many are not.
    pub(super) fn uploads(&self) -> (u64, u64) {
        match &self.own_store {
            Some(own) => {
                let Uploads { finished, unfinished } = own.uploads();
                (finished, unfinished)
            }
            None => (self.store.finished_uploads(), self.store.unfinished_uploads() as u64),
        }
    }

    /// Who runs on `node`.
    pub(super) fn process(&self, node: Node) -> Process {
        let at = |nodes: &[Node]| nodes.iter().position(|&known| known == node).map(|at| at as u16);
        let coordinator = at(&self.coordinators).map(|id| Process::Coordinator(CoordinatorId(id)));
        coordinator.or_else(|| at(&self.hosts).map(|id| Process::Host(HostId(id)))).unwrap_or(Process::User)
    }
}
