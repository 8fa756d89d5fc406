//! Whom a fault hits, and how it comes to hit another.

use super::{Fault, disk_damage};
use crate::wire::Node;

impl Fault {
    /// Every node that it names.
    pub(super) fn nodes(&self) -> Vec<Node> {
        let mut named = Vec::new();
        self.clone().move_nodes(&mut |node| {
            named.push(node);
            Some(node)
        });
        named
    }

    /// Lets it strike another: an aimed fault finds its victim when the step is taken.
    pub(super) fn aim_at(&mut self, victim: Node) {
        match self {
            Self::Crash(fault) => fault.node = victim,
            Self::CrashDuringStart(fault) => fault.node = victim,
            Self::Pause(fault) => fault.node = victim,
            Self::Slow(fault) => fault.node = victim,
            Self::FailingTasks(fault) => fault.node = victim,
            Self::Rack(fault) => fault.aim_at(victim),
            Self::NewAddress(fault) => fault.node = victim,
            Self::ClockDrift(fault) => fault.node = victim,
            Self::ClockJump(fault) => fault.node = victim,
            Self::Partition(fault) => fault.aim_at(victim),
            Self::HalfOpen(fault) => fault.aim_at(victim),
            Self::DamagedDisk(fault) => disk_damage::aim_at(&mut fault.nodes, victim),
            Self::DiskTrouble(fault) => disk_damage::aim_at(&mut fault.nodes, victim),
            // Who comes and goes is counted when the plan is made.
            Self::Join(_)
            | Self::Leave(_)
            | Self::Isolation(_)
            | Self::RoughLinks(_)
            | Self::StoreErrors(_)
            | Self::StoreOutage(_)
            | Self::StoreTrouble(_)
            | Self::StoreDamage(_) => {}
        }
    }

    /// Moves it to another cluster, in which `place` says who a node is now. Whether there is still somebody
    /// to hit.
    pub(crate) fn move_nodes(&mut self, place: &mut impl FnMut(Node) -> Option<Node>) -> bool {
        let mut moved = |node: &mut Node| {
            let now = place(*node);
            *node = now.unwrap_or(*node);
            now.is_some()
        };
        match self {
            Self::Crash(fault) => moved(&mut fault.node),
            Self::CrashDuringStart(fault) => moved(&mut fault.node),
            Self::Pause(fault) => moved(&mut fault.node),
            Self::Slow(fault) => moved(&mut fault.node),
            Self::FailingTasks(fault) => moved(&mut fault.node),
            Self::Rack(fault) => {
                fault.nodes.retain_mut(&mut moved);
                !fault.nodes.is_empty()
            }
            Self::NewAddress(fault) => moved(&mut fault.node),
            Self::Join(fault) => moved(&mut fault.node),
            Self::Leave(fault) => moved(&mut fault.node),
            Self::ClockDrift(fault) => moved(&mut fault.node),
            Self::ClockJump(fault) => moved(&mut fault.node),
            Self::Partition(fault) => {
                for side in [&mut fault.from, &mut fault.to] {
                    side.retain_mut(&mut moved);
                }
                !fault.from.is_empty() && !fault.to.is_empty()
            }
            Self::Isolation(fault) => {
                fault.others.retain_mut(&mut moved);
                !fault.others.is_empty()
            }
            Self::HalfOpen(fault) => moved(&mut fault.from) && moved(&mut fault.to),
            Self::DamagedDisk(fault) => {
                fault.nodes.retain_mut(&mut moved);
                !fault.nodes.is_empty()
            }
            Self::DiskTrouble(fault) => {
                fault.nodes.retain_mut(&mut moved);
                !fault.nodes.is_empty()
            }
            Self::RoughLinks(_)
            | Self::StoreErrors(_)
            | Self::StoreOutage(_)
            | Self::StoreTrouble(_)
            | Self::StoreDamage(_) => true,
        }
    }
}
