//! A process dies and comes back under another address, as when it is started anew on another machine: what
//! was sent to the old address finds nobody, and who looks the new one up finds the old for a while.

use crate::nodes::{Nodes, ProcessState};
use crate::random::{between, spread};
use crate::wire::{Net, Node};
use fastrand::Rng;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAddress {
    /// Who moves.
    pub node: Node,
    /// Virtual microseconds until it starts again.
    pub down_us: u64,
    /// Virtual microseconds after its start until the name service gives the new address.
    pub known_after_us: u64,
}

impl NewAddress {
    pub(super) fn draw(random: &mut Rng, node: Node) -> Self {
        let at_once = random.bool();
        Self {
            node,
            down_us: spread(random, (10_000, 5_000_000)),
            known_after_us: if at_once { 0 } else { between(random, (100_000, 5_000_000)) },
        }
    }

    pub(super) fn describe(&self, net: &Net) -> String {
        let (name, known_ms) = (net.name(self.node), self.known_after_us / 1_000);
        format!("{name} moves to another address, which is known {known_ms} ms after its start: it is down")
    }

    /// Whether there was somebody to move, if only one that was down.
    pub(super) fn strike(&self, nodes: &Nodes) -> bool {
        nodes.crash(self.node);
        nodes.move_away(self.node, self.known_after_us);
        nodes.state(self.node) == ProcessState::Down
    }
}
