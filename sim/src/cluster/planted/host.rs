//! A host's machine, with what a bug makes of its inputs and outputs, and of what its tasks restore.

use super::super::{Cluster, EngineBug};
use super::copies::trusting;
use crate::wire::Node;
use keygroups::checkpoint::{ObjectName, StateHandle};
use keygroups::driver::Machine;
use keygroups::protocol::{Deployment, Host, HostInput, HostOutput};
use keygroups_model::zoo::Twist;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The production machine; without a bug it is left alone.
pub(crate) struct TwistedHost {
    machine: Host,
    cluster: Arc<Cluster>,
    node: Node,
}

impl TwistedHost {
    pub(crate) fn new(machine: Host, cluster: Arc<Cluster>, node: Node) -> Self {
        Self { machine, cluster, node }
    }

    /// What the task reads. A snapshot can be read by who has its handle: of those in the store, by their
    /// committed checkpoints.
    fn restored(&self, twist: &dyn Twist, mut deployment: Arc<Deployment>) -> Arc<Deployment> {
        let handles = || {
            let stored: BTreeSet<_> = self.cluster.objects().into_iter().collect();
            let committed = self.cluster.watch.committed();
            let tasks = committed.iter().flat_map(|record| &record.tasks);
            let handles = tasks.map(|task| (task.state.object, task.state.clone()));
            handles.filter(|(name, _)| stored.contains(name)).collect::<BTreeMap<ObjectName, StateHandle>>()
        };
        let plan = &mut Arc::make_mut(&mut deployment).restore;
        for read in &mut plan.state {
            let found = twist.found(&|| handles().into_keys().collect(), read.handle.object);
            if let Some(handle) = handles().remove(&found).filter(|_| found != read.handle.object) {
                read.handle = Arc::new(handle);
            }
        }
        plan.state.retain_mut(|read| {
            let there = read.handle.key_groups.and_then(|groups| groups.intersection(read.key_groups));
            there.map(|there| read.key_groups = there).is_some()
        });
        if twist.restores_only_the_last_handle() {
            plan.state.drain(..plan.state.len().saturating_sub(1));
        }
        deployment
    }
}

impl TwistedHost {
    fn handle_trusting(&mut self, input: HostInput, out: &mut Vec<HostOutput>) {
        let mut wanted = Vec::new();
        self.machine.handle(input, &mut wanted);
        let disk = self.cluster.nodes.disk(self.node);
        out.extend(wanted.into_iter().map(|output| match output {
            HostOutput::Restore(deployment) => {
                HostOutput::Restore(trusting(&disk, self.cluster.layout(), deployment))
            }
            other => other,
        }));
    }
}

impl AsRef<Host> for TwistedHost {
    fn as_ref(&self) -> &Host {
        &self.machine
    }
}

impl Machine<HostInput, HostOutput> for TwistedHost {
    fn handle(&mut self, input: HostInput, out: &mut Vec<HostOutput>) {
        if self.cluster.scenario.bug == Some(EngineBug::TrustsLocalCopies) {
            return self.handle_trusting(input, out);
        }
        let Some(mutant) = self.cluster.planted.mutant() else { return self.machine.handle(input, out) };
        for input in mutant.twist.host_hears(&self.machine, input) {
            let mut wanted = Vec::new();
            self.machine.handle(input.clone(), &mut wanted);
            for output in mutant.twist.host_wants(&self.machine, &input, wanted) {
                out.push(match output {
                    HostOutput::Restore(deployment) => {
                        HostOutput::Restore(self.restored(mutant.twist, deployment))
                    }
                    other => other,
                });
            }
        }
    }
}
