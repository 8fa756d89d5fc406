//! Several processes at once: what stands in one rack shares its power and its switch.

use super::crash::restart;
use crate::nodes::Nodes;
use crate::random::{pick, spread};
use crate::wire::{Net, Node};
use fastrand::Rng;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rack {
    /// What stands in it.
    pub nodes: Vec<Node>,
    /// What becomes of all of it.
    pub fate: RackFate,
    /// Virtual microseconds until it is over.
    pub for_us: u64,
}

/// What becomes of everything in a rack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RackFate {
    /// It loses its power.
    Crashes,
    /// It stands still, as virtual machines that are moved together.
    Freezes,
}

impl Rack {
    pub(super) fn draw(random: &mut Rng, processes: &[Node]) -> Self {
        let mut nodes = processes.to_vec();
        random.shuffle(&mut nodes);
        nodes.truncate(random.usize(2..=processes.len().max(2)));
        nodes.sort_unstable();
        let fate = pick(random, &[RackFate::Crashes, RackFate::Freezes]);
        Self { nodes, fate, for_us: spread(random, (10_000, 10_000_000)) }
    }

    pub(super) fn describe(&self, net: &Net) -> String {
        let names: Vec<_> = self.nodes.iter().map(|node| net.name(*node)).collect();
        let fate = match self.fate {
            RackFate::Crashes => "crash",
            RackFate::Freezes => "freeze",
        };
        format!("{} {fate} together", names.join(", "))
    }

    /// Whether it befell anybody.
    pub(super) fn strike(&self, nodes: &Nodes) -> bool {
        let mut any = false;
        for &node in &self.nodes {
            any |= match self.fate {
                RackFate::Crashes => nodes.crash(node),
                RackFate::Freezes => nodes.pause(node),
            };
        }
        any
    }

    pub(super) fn relent(&self, nodes: &Nodes) {
        for &node in &self.nodes {
            match self.fate {
                RackFate::Crashes => restart(nodes, node),
                RackFate::Freezes => nodes.resume(node),
            }
        }
    }

    /// The victim stands in it too, for another.
    pub(super) fn aim_at(&mut self, victim: Node) {
        if !self.nodes.contains(&victim) {
            self.nodes.pop();
            self.nodes.push(victim);
        }
    }
}
