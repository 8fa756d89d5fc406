//! A coordinator's machine, with what a bug makes of its inputs and outputs.

use super::super::Cluster;
use keygroups::checkpoint::{Attempt, CheckpointRecord, Manifest, ManifestVersion, ObjectName, TaskId};
use keygroups::driver::Machine;
use keygroups::protocol::{
    Coordinator, CoordinatorId, CoordinatorInput, CoordinatorOutput, Deployment, HostId, ToHost,
};
use keygroups_model::zoo::Around;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The production machine; without a bug it is left alone.
pub(crate) struct TwistedCoordinator {
    machine: Coordinator,
    around: Surroundings,
}

/// The cluster as a bug in this process sees it. What is noted here dies with the process.
struct Surroundings {
    cluster: Arc<Cluster>,
    creating: BTreeMap<ManifestVersion, Arc<Manifest>>,
    deployed: BTreeMap<(Attempt, TaskId), (HostId, Arc<Deployment>)>,
}

impl TwistedCoordinator {
    pub(crate) fn new(machine: Coordinator, cluster: Arc<Cluster>) -> Self {
        let (creating, deployed) = Default::default();
        Self { machine, around: Surroundings { cluster, creating, deployed } }
    }
}

impl AsRef<Coordinator> for TwistedCoordinator {
    fn as_ref(&self) -> &Coordinator {
        &self.machine
    }
}

impl Machine<CoordinatorInput, CoordinatorOutput> for TwistedCoordinator {
    fn handle(&mut self, input: CoordinatorInput, out: &mut Vec<CoordinatorOutput>) {
        let Self { machine, around } = self;
        let Some(mutant) = around.cluster.planted.mutant() else { return machine.handle(input, out) };
        let answered = match &input {
            CoordinatorInput::Create { version, .. } => around.creating.remove(version),
            _ => None,
        };
        for input in mutant.twist.coordinator_hears(around, machine, answered.as_deref(), input) {
            let mut wanted = Vec::new();
            machine.handle(input.clone(), &mut wanted);
            let carried_out = mutant.twist.coordinator_wants(around, machine, &input, wanted);
            carried_out.iter().for_each(|output| around.note(output));
            out.extend(carried_out);
        }
    }
}

impl Surroundings {
    fn note(&mut self, output: &CoordinatorOutput) {
        match output {
            CoordinatorOutput::CreateManifest(manifest) => {
                self.creating.insert(manifest.version, Arc::clone(manifest));
            }
            CoordinatorOutput::Send { to, message: ToHost::Deploy(deployment) } => {
                let key = (deployment.attempt, deployment.task);
                self.deployed.insert(key, (*to, Arc::clone(deployment)));
            }
            _ => {}
        }
    }
}

impl Around for Surroundings {
    fn newest(&mut self) -> Option<Arc<Manifest>> {
        self.cluster.watch.newest_manifest()
    }

    fn committed(&mut self) -> Vec<Arc<CheckpointRecord>> {
        self.cluster.watch.committed()
    }

    fn stored_manifest(&mut self, version: ManifestVersion) -> Option<Arc<Manifest>> {
        let path = self.cluster.layout().manifest(version);
        let bytes = self.cluster.bytes(&path)?;
        Manifest::decode(version, &bytes).ok().map(Arc::new)
    }

    fn objects(&mut self) -> Vec<ObjectName> {
        self.cluster.objects()
    }

    fn hosts(&mut self) -> Vec<HostId> {
        (0..self.cluster.scenario.hosts).map(HostId).collect()
    }

    fn deployments(&mut self, attempt: Attempt) -> Vec<(HostId, Arc<Deployment>)> {
        let of_attempt = |((of, _), _): &(&(Attempt, TaskId), _)| *of == attempt;
        self.deployed.iter().filter(of_attempt).map(|(_, sent)| sent.clone()).collect()
    }

    fn creating(&mut self, _: CoordinatorId) -> Vec<Arc<Manifest>> {
        self.creating.values().cloned().collect()
    }
}
