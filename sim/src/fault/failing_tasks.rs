//! Tasks of a host fail: what is done with records there throws, as user code does whose data base is away.

use crate::process::Manners;
use crate::random::spread;
use crate::wire::{Net, Node};
use fastrand::Rng;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailingTasks {
    /// The host.
    pub node: Node,
    /// Virtual microseconds for which every task fails that processes there, the restarted ones, too.
    pub for_us: u64,
}

impl FailingTasks {
    pub(super) fn draw(random: &mut Rng, node: Node) -> Self {
        // From a single record to something that outlives several attempts.
        Self { node, for_us: spread(random, (1_000, 10_000_000)) }
    }

    pub(super) fn describe(&self, net: &Net) -> String {
        format!("every task on {} fails", net.name(self.node))
    }

    pub(super) fn shape(&self, manners: &mut BTreeMap<Node, Manners>) {
        manners.entry(self.node).or_default().tasks_fail = true;
    }
}
