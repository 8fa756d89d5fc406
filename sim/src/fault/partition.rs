//! Links are cut, in one direction or both: a node is cut off, two nodes lose each other, or the cluster
//! falls into two parts.

use super::Targets;
use crate::random::{pick, spread};
use crate::wire::{Net, NetworkFaults, Node};
use fastrand::Rng;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// Who cannot send …
    pub from: Vec<Node>,
    /// … to whom.
    pub to: Vec<Node>,
    /// The other direction is cut too.
    pub both_ways: bool,
    /// Virtual microseconds until the links are mended.
    pub for_us: u64,
}

impl Partition {
    pub(super) fn draw(random: &mut Rng, both_ways: bool, targets: &Targets) -> Self {
        let all = targets.all();
        let victim = pick(random, &all);
        let others = || all.iter().copied().filter(|node| *node != victim).collect::<Vec<_>>();
        let (from, to) = match random.u8(0..4) {
            0 => (vec![victim], others()),
            1 => (others(), vec![victim]),
            2 => (vec![victim], vec![pick(random, &others())]),
            _ => {
                let (mut left, mut right) = (vec![victim], Vec::new());
                for node in others() {
                    if random.bool() { left.push(node) } else { right.push(node) }
                }
                if right.is_empty() {
                    right.extend(left.pop());
                }
                (left, right)
            }
        };
        Self { from, to, both_ways, for_us: spread(random, (100_000, 15_000_000)) }
    }

    /// The victim is cut off: it changes places with the one that the fault was drawn for.
    pub(super) fn aim_at(&mut self, victim: Node) {
        let before = std::mem::replace(&mut self.from, vec![victim]);
        for node in &mut self.to {
            if let (true, Some(before)) = (*node == victim, before.first()) {
                *node = *before;
            }
        }
    }

    pub(super) fn describe(&self, net: &Net) -> String {
        let names = |nodes: &[Node]| nodes.iter().map(|node| net.name(*node)).collect::<Vec<_>>().join(", ");
        let arrow = if self.both_ways { "and" } else { "to" };
        format!("links from {} {arrow} {} are cut", names(&self.from), names(&self.to))
    }

    pub(super) fn shape(&self, network: &mut NetworkFaults) {
        for &from in &self.from {
            for &to in &self.to {
                network.cut(from, to);
                if self.both_ways {
                    network.cut(to, from);
                }
            }
        }
    }
}
