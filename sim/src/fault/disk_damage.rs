//! Files on a host's disk are lost, torn, stale, exchanged or rotten, by themselves or by a crash.
//!
//! Local copies are nobody's last good copy, so anything may befall any of them at any time.

use super::crash::restart;
use crate::disk::{DiskDamage, DiskDamageKind};
use crate::nodes::Nodes;
use crate::random::{pick, spread};
use crate::wire::{Net, Node};
use fastrand::Rng;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DamagedDisk {
    /// Whose disks.
    pub nodes: Vec<Node>,
    /// What becomes of each.
    pub damage: DiskDamage,
    /// Virtual microseconds until the processes start again that are crashed by it; 0 if none is.
    pub down_us: u64,
}

impl DamagedDisk {
    pub(super) fn draw(random: &mut Rng, nodes: Vec<Node>, how: DiskDamageKind) -> Self {
        // The rest is what a crash leaves behind. These happen while nobody looks, too.
        let by_itself = matches!(how, DiskDamageKind::MisdirectedWrites | DiskDamageKind::BitRot);
        let crashes = !by_itself || random.bool();
        let down_us = if crashes { spread(random, (2_000, 5_000_000)) } else { 0 };
        // From the last write to what an operating system may hold back.
        let last_us = spread(random, (100_000, 30_000_000));
        Self { nodes, damage: DiskDamage { how, last_us, draw: random.u64(..) }, down_us }
    }

    pub(super) fn describe(&self, net: &Net) -> String {
        let DiskDamage { how, last_us, .. } = &self.damage;
        let last_ms = last_us / 1_000;
        let what = match how {
            DiskDamageKind::LostWrites => format!("loses what it wrote in the last {last_ms} ms"),
            DiskDamageKind::TornWrites => format!("tears what it wrote in the last {last_ms} ms"),
            DiskDamageKind::StaleCopies => format!("has again what it deleted in the last {last_ms} ms"),
            DiskDamageKind::MisdirectedWrites => {
                format!("holds other files under the names of the last {last_ms} ms")
            }
            DiskDamageKind::BitRot => "rots".to_owned(),
        };
        let names = names(net, &self.nodes);
        let crashed = if self.down_us > 0 { " in a crash: down" } else { "" };
        format!("the disk of {names} {what}{crashed}")
    }

    /// Whether any file was damaged: a crash that finds none is a crash like any other.
    pub(super) fn strike(&self, nodes: &Nodes) -> bool {
        let mut files = 0;
        for &node in &self.nodes {
            if self.down_us > 0 {
                nodes.crash(node);
            }
            files += nodes.damage_disk(node, &self.damage);
        }
        files > 0
    }

    pub(super) fn relent(&self, nodes: &Nodes) {
        if self.down_us > 0 {
            self.nodes.iter().for_each(|&node| restart(nodes, node));
        }
    }
}

/// The disks of one host, or of all: what befalls one often befalls its neighbours.
pub(super) fn draw_nodes(random: &mut Rng, hosts: &[Node]) -> Vec<Node> {
    if random.bool() { vec![pick(random, hosts)] } else { hosts.to_vec() }
}

/// Lets it befall the victim too, in the place of another.
pub(super) fn aim_at(nodes: &mut Vec<Node>, victim: Node) {
    if !nodes.contains(&victim) {
        nodes.pop();
        nodes.push(victim);
    }
}

pub(super) fn names(net: &Net, nodes: &[Node]) -> String {
    nodes.iter().map(|node| net.name(*node).to_string()).collect::<Vec<_>>().join(", ")
}
