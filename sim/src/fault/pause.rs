//! A process stands still, long enough for others to bury it, and then goes on as a zombie: it still
//! believes what it believed, and messages to it have piled up.

use crate::random::spread;
use crate::wire::{Net, Node};
use fastrand::Rng;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// Who stands still.
    pub node: Node,
    /// Virtual microseconds until it goes on.
    pub for_us: u64,
}

impl Pause {
    pub(super) fn draw(random: &mut Rng, node: Node) -> Self {
        // From a garbage collection to a virtual machine that was moved.
        Self { node, for_us: spread(random, (50_000, 20_000_000)) }
    }

    pub(super) fn describe(&self, net: &Net) -> String {
        format!("{} is paused", net.name(self.node))
    }
}
