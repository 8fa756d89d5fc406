//! Files on a host's disk are lost, torn, stale, exchanged or rotten, by themselves or by a crash.
//!
//! Local copies are nobody's last good copy, so anything may befall any of them at any time.

use super::crash::restart;
use crate::disk::{DiskDamage, DiskDamageKind};
use crate::nodes::Nodes;
use crate::random::spread;
use crate::wire::{Net, Node};
use fastrand::Rng;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DamagedDisk {
    /// Whose disk.
    pub node: Node,
    /// What becomes of it.
    pub damage: DiskDamage,
    /// Virtual microseconds until the process starts again that is crashed by it; 0 if none is.
    pub down_us: u64,
}

impl DamagedDisk {
    pub(super) fn draw(random: &mut Rng, node: Node, how: DiskDamageKind) -> Self {
        // The rest is what a crash leaves behind. These happen while nobody looks, too.
        let by_itself = matches!(how, DiskDamageKind::MisdirectedWrites | DiskDamageKind::BitRot);
        let crashes = !by_itself || random.bool();
        let down_us = if crashes { spread(random, (2_000, 5_000_000)) } else { 0 };
        // From the last write to what an operating system may hold back.
        let last_us = spread(random, (100_000, 30_000_000));
        Self { node, damage: DiskDamage { how, last_us, draw: random.u64(..) }, down_us }
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
        let name = net.name(self.node);
        let crashed = if self.down_us > 0 { format!(": {name} is crashed") } else { String::new() };
        format!("the disk of {name} {what}{crashed}")
    }

    pub(super) fn strike(&self, nodes: &Nodes) {
        if self.down_us > 0 {
            nodes.crash(self.node);
        }
        nodes.damage_disk(self.node, &self.damage);
    }

    pub(super) fn relent(&self, nodes: &Nodes) {
        if self.down_us > 0 {
            restart(nodes, self.node);
        }
    }
}
