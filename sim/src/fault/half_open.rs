//! Half-open connections: the data channels from one host to another die in one direction, and neither end
//! notices. New channels between the two work.

use super::Targets;
use crate::random::pick;
use crate::wire::{Net, Node};
use fastrand::Rng;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HalfOpen {
    /// Whose channels …
    pub from: Node,
    /// … to whom.
    pub to: Node,
    /// True if data stops arriving: the reader waits for ever. False if acknowledgements do: the writer
    /// waits for ever once its window is full.
    pub data: bool,
}

impl HalfOpen {
    pub(super) fn draw(random: &mut Rng, targets: &Targets) -> Self {
        let from = pick(random, &targets.hosts);
        let others: Vec<_> = targets.hosts.iter().copied().filter(|host| *host != from).collect();
        let to = if others.is_empty() { from } else { pick(random, &others) };
        Self { from, to, data: random.bool() }
    }

    pub(super) fn describe(&self, net: &Net) -> String {
        let what = if self.data { "data" } else { "acknowledgement" };
        let (from, to) = (net.name(self.from), net.name(self.to));
        format!("no {what} arrives any more on the present channels from {from} to {to}, and nobody notices")
    }

    /// The victim's channels instead.
    pub(super) fn aim_at(&mut self, victim: Node) {
        if self.to == victim {
            self.to = self.from;
        }
        self.from = victim;
    }
}
