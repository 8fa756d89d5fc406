//! Who is which node of the network.

use super::super::STEPS;
use super::Scenario;
use crate::fault::Targets;
use crate::wire::Node;

impl Scenario {
    /// Who can be hit, and at which steps. The cluster numbers its nodes in this order: the store, the user,
    /// coordinators, hosts, spares.
    #[must_use]
    pub fn targets(&self) -> Targets {
        let coordinators = 2..2 + self.coordinators;
        let hosts = coordinators.end..coordinators.end + self.hosts;
        let spares = hosts.end..hosts.end + self.spares;
        Targets {
            coordinators: coordinators.map(Node).collect(),
            hosts: hosts.map(Node).collect(),
            spares: spares.map(Node).collect(),
            hosts_min: usize::from(self.hosts_min()),
            manifests_retained: self.manifests_retained,
            disks: self.disks,
            store: Node(0),
            steps: STEPS,
        }
    }

    /// What the cluster calls a node.
    #[must_use]
    pub fn name_of(&self, node: Node) -> String {
        let Targets { coordinators, hosts, spares, store, .. } = self.targets();
        let hosts: Vec<_> = hosts.into_iter().chain(spares).collect();
        let place = |of: &[Node]| of.iter().position(|it| *it == node);
        match (place(&coordinators), place(&hosts)) {
            (Some(id), _) => format!("coordinator {id}"),
            (_, Some(id)) => format!("host {id}"),
            _ if node == store => "the store".to_owned(),
            _ => "the user".to_owned(),
        }
    }
}
