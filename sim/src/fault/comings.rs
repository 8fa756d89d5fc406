//! Hosts come and go: slots appear and vanish.

use crate::wire::{Net, Node};
use serde::{Deserialize, Serialize};

/// A spare host joins the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// Which. Nothing happens if it is there already.
    pub node: Node,
}

/// A process goes for good: it does not come back when everything is healed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leave {
    /// Which.
    pub node: Node,
}

impl Join {
    pub(super) fn describe(&self, net: &Net) -> String {
        format!("{} joins", net.name(self.node))
    }
}

impl Leave {
    pub(super) fn describe(&self, net: &Net) -> String {
        format!("{} leaves for good", net.name(self.node))
    }
}
