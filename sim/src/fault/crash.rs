//! A process dies with everything it had in memory, and starts again later.

use crate::nodes::{Nodes, ProcessState};
use crate::random::spread;
use crate::wire::{Net, Node};
use fastrand::Rng;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crash {
    /// Who dies.
    pub node: Node,
    /// Virtual microseconds until it starts again.
    pub down_us: u64,
}

impl Crash {
    pub(super) fn draw(random: &mut Rng, node: Node) -> Self {
        // From a supervisor's instant restart to a machine that has to be replaced.
        Self { node, down_us: spread(random, (2_000, 15_000_000)) }
    }

    pub(super) fn describe(&self, net: &Net) -> String {
        format!("{} is crashed", net.name(self.node))
    }
}

/// Ends the crash of one process, unless another fault has done so already.
pub(super) fn restart(nodes: &Nodes, node: Node) {
    if nodes.state(node) == ProcessState::Down {
        nodes.restart(node);
    }
}
