//! What a planted bug may look at around the machine it sits in.
//!
//! The model and the simulation each show their own world through it, so that one bug lives in both.

use std::sync::Arc;

use keygroups::{
    checkpoint::{Attempt, CheckpointRecord, Manifest, ManifestVersion, ObjectName},
    protocol::{CoordinatorId, Deployment, HostId, ToHost},
};

use crate::{
    network::Message,
    step::Step,
    store::{Request, Store},
};

/// The world around a machine. A correct machine knows nothing of it.
pub trait Around {
    /// The newest manifest that there ever was.
    fn newest(&mut self) -> Option<Arc<Manifest>>;

    /// Every checkpoint that was ever committed, in that order.
    fn committed(&mut self) -> Vec<Arc<CheckpointRecord>>;

    /// The manifest of that version, if the store has it now.
    fn stored_manifest(&mut self, version: ManifestVersion) -> Option<Arc<Manifest>>;

    /// What the store holds besides manifests, ascending.
    fn objects(&mut self) -> Vec<ObjectName>;

    /// Every host there is.
    fn hosts(&mut self) -> Vec<HostId>;

    /// Who was sent what to deploy `attempt`.
    fn deployments(&mut self, attempt: Attempt) -> Vec<(HostId, Arc<Deployment>)>;

    /// The manifests that a coordinator has asked the store to create and has not heard of.
    fn creating(&mut self, coordinator: CoordinatorId) -> Vec<Arc<Manifest>>;
}

impl Around for Step<'_> {
    fn newest(&mut self) -> Option<Arc<Manifest>> {
        self.history().newest().cloned()
    }

    fn committed(&mut self) -> Vec<Arc<CheckpointRecord>> {
        self.history().committed().cloned().collect()
    }

    fn stored_manifest(&mut self, version: ManifestVersion) -> Option<Arc<Manifest>> {
        let store: &Store = self.store();
        store.manifests.get(&version).cloned()
    }

    fn objects(&mut self) -> Vec<ObjectName> {
        self.store().objects.keys().copied().collect()
    }

    fn hosts(&mut self) -> Vec<HostId> {
        self.host_ids().collect()
    }

    fn deployments(&mut self, attempt: Attempt) -> Vec<(HostId, Arc<Deployment>)> {
        let deployments = self.network().iter().filter_map(|message| match &**message {
            Message::ToHost(to, ToHost::Deploy(deployment)) if deployment.attempt == attempt => {
                Some((*to, Arc::clone(deployment)))
            }
            _ => None,
        });
        deployments.collect()
    }

    fn creating(&mut self, coordinator: CoordinatorId) -> Vec<Arc<Manifest>> {
        let requests = &self.coordinator(usize::from(coordinator.0)).requests;
        let manifests = requests.iter().filter_map(|request| match request {
            Request::Create(manifest) => Some(Arc::clone(manifest)),
            _ => None,
        });
        manifests.collect()
    }
}
