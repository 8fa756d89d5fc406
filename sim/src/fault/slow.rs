//! A process is slow: it gets the processor late, for everything that it does.

use crate::process::Manners;
use crate::random::spread;
use crate::wire::{Net, Node};
use fastrand::Rng;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slow {
    /// Who is slow.
    pub node: Node,
    /// Virtual microseconds that it waits for the processor, each time it is woken.
    pub step_us: u64,
    /// Virtual microseconds until it is as fast as before.
    pub for_us: u64,
}

impl Slow {
    pub(super) fn draw(random: &mut Rng, node: Node) -> Self {
        // From a busy machine to one that swaps, which answers later than others wait for it.
        Self {
            node,
            step_us: spread(random, (2_000, 2_000_000)),
            for_us: spread(random, (500_000, 20_000_000)),
        }
    }

    pub(super) fn describe(&self, net: &Net) -> String {
        format!("{} is slow, {} ms late for everything,", net.name(self.node), self.step_us / 1_000)
    }

    pub(super) fn shape(&self, manners: &mut BTreeMap<Node, Manners>) {
        let manners = manners.entry(self.node).or_default();
        manners.step_us = manners.step_us.max(self.step_us);
    }
}
