//! Faults: what goes wrong, when, and how it ends.
//!
//! A [`FaultPlan`] is drawn from the seed before the simulation begins. Its faults strike at drawn times,
//! or are aimed at protocol steps ([`Aim`]); the [`Injector`] carries them out, notes each in the trace,
//! and ends the disorder at the plan's horizon: then every process runs, every link is calm and the store
//! answers, so that from there on the cluster owes progress.

mod clocks;
mod comings;
mod crash;
mod crash_during_start;
mod disk_damage;
mod disk_trouble;
mod half_open;
mod injector;
mod isolation;
mod kinds;
mod links;
mod mix;
mod new_address;
mod outage;
mod partition;
mod pause;
mod plan;
mod rack;
mod slow;
mod store_damage;
mod store_errors;
mod store_trouble;
#[cfg(test)]
mod tests;

pub use clocks::{ClockDrift, ClockJump};
pub use comings::{Join, Leave};
pub use crash::Crash;
pub use crash_during_start::CrashDuringStart;
pub use disk_damage::DamagedDisk;
pub use disk_trouble::{DiskTrouble, DiskTroubleKind};
pub use half_open::HalfOpen;
pub use injector::Injector;
pub(crate) use injector::WeakInjector;
pub use isolation::{Isolated, Isolation, Lost};
pub use kinds::{KINDS, Kind};
pub use links::RoughLinks;
pub use new_address::NewAddress;
pub use outage::StoreOutage;
pub use partition::Partition;
pub use pause::Pause;
pub use plan::{Aim, FaultPlan, PlanError, Profile, Targets, UnknownProfile, Victim, When};
pub use rack::{Rack, RackFate};
pub use slow::Slow;
pub use store_damage::StoreDamage;
pub use store_errors::StoreErrors;
pub use store_trouble::StoreTrouble;

use crate::nodes::Nodes;
use crate::process::Manners;
use crate::storage::{StoreFaults, StoreNode};
use crate::wire::{Net, NetworkFaults, Node};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// A process dies and starts again later.
    Crash(Crash),
    /// A process dies again and again, soon after it has started.
    CrashDuringStart(CrashDuringStart),
    /// A process freezes and goes on later, not knowing that time has passed.
    Pause(Pause),
    /// A process is late for everything.
    Slow(Slow),
    /// Several processes crash or freeze together.
    Rack(Rack),
    /// A process dies and comes back under another address.
    NewAddress(NewAddress),
    /// A spare host joins.
    Join(Join),
    /// A process goes for good.
    Leave(Leave),
    /// A clock runs too fast or too slowly.
    ClockDrift(ClockDrift),
    /// A clock jumps.
    ClockJump(ClockJump),
    /// Links are cut.
    Partition(Partition),
    /// The leader or the store is cut off.
    Isolation(Isolation),
    /// Data channels die in one direction.
    HalfOpen(HalfOpen),
    /// Links lose, repeat, delay or reorder.
    RoughLinks(RoughLinks),
    /// The store refuses, swallows, answers late or not at all.
    StoreErrors(StoreErrors),
    /// The store serves nobody.
    StoreOutage(StoreOutage),
    /// The store misbehaves in one way and scope.
    StoreTrouble(StoreTrouble),
    /// A stored object is damaged for ever.
    StoreDamage(StoreDamage),
    /// Files on a host's disk are damaged.
    DamagedDisk(DamagedDisk),
    /// A host's disk misbehaves.
    DiskTrouble(DiskTrouble),
}

impl Fault {
    /// The name of its kind, one of [`KINDS`].
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Crash(_) => "crash",
            Self::CrashDuringStart(_) => "crash-during-start",
            Self::Pause(_) => "pause",
            Self::Slow(_) => "slow",
            Self::Rack(_) => "rack",
            Self::NewAddress(_) => "new-address",
            Self::Join(_) => "join",
            Self::Leave(_) => "leave",
            Self::ClockDrift(_) => "clock-drift",
            Self::ClockJump(_) => "clock-jump",
            Self::Partition(fault) if fault.both_ways => "partition",
            Self::Partition(_) => "one-way-partition",
            Self::Isolation(fault) => match fault.whom {
                Isolated::Leader => "isolated-leader",
                Isolated::Store => "isolated-store",
            },
            Self::HalfOpen(_) => "half-open-connection",
            Self::RoughLinks(fault) => fault.kind(),
            Self::StoreErrors(_) => "store-errors",
            Self::StoreOutage(_) => "store-outage",
            Self::StoreTrouble(fault) => fault.kind(),
            Self::StoreDamage(fault) => fault.damage.how.name(),
            Self::DamagedDisk(fault) => fault.damage.how.name(),
            Self::DiskTrouble(fault) => fault.kind(),
        }
    }

    /// Every node that it names.
    pub(super) fn nodes(&self) -> Vec<Node> {
        match self {
            Self::Crash(fault) => vec![fault.node],
            Self::CrashDuringStart(fault) => vec![fault.node],
            Self::Pause(fault) => vec![fault.node],
            Self::Slow(fault) => vec![fault.node],
            Self::Rack(fault) => fault.nodes.clone(),
            Self::NewAddress(fault) => vec![fault.node],
            Self::Join(fault) => vec![fault.node],
            Self::Leave(fault) => vec![fault.node],
            Self::ClockDrift(fault) => vec![fault.node],
            Self::ClockJump(fault) => vec![fault.node],
            Self::Partition(fault) => fault.from.iter().chain(&fault.to).copied().collect(),
            Self::Isolation(fault) => fault.others.clone(),
            Self::HalfOpen(fault) => vec![fault.from, fault.to],
            Self::DamagedDisk(fault) => fault.nodes.clone(),
            Self::DiskTrouble(fault) => fault.nodes.clone(),
            Self::RoughLinks(_)
            | Self::StoreErrors(_)
            | Self::StoreOutage(_)
            | Self::StoreTrouble(_)
            | Self::StoreDamage(_) => Vec::new(),
        }
    }

    /// Whether its numbers make sense.
    fn check(&self) -> Result<(), PlanError> {
        let senseless = |what| Err(PlanError::Senseless { kind: self.kind(), what });
        match self {
            Self::ClockDrift(fault) if fault.rate_per_mille == 0 => senseless("a clock that stands still"),
            Self::Rack(fault) if fault.nodes.is_empty() => senseless("nothing stands in it"),
            Self::DamagedDisk(DamagedDisk { nodes, .. }) | Self::DiskTrouble(DiskTrouble { nodes, .. })
                if nodes.is_empty() =>
            {
                senseless("it befalls nobody")
            }
            Self::Partition(fault) if fault.from.is_empty() => senseless("nobody is cut off"),
            _ => Ok(()),
        }
    }

    /// Lets it strike another: an aimed fault finds its victim when the step is taken.
    fn aim_at(&mut self, victim: Node) {
        match self {
            Self::Crash(fault) => fault.node = victim,
            Self::CrashDuringStart(fault) => fault.node = victim,
            Self::Pause(fault) => fault.node = victim,
            Self::Slow(fault) => fault.node = victim,
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
    pub(crate) fn move_nodes(&mut self, place: &impl Fn(Node) -> Option<Node>) -> bool {
        let moved = |node: &mut Node| {
            let now = place(*node);
            *node = now.unwrap_or(*node);
            now.is_some()
        };
        match self {
            Self::Crash(fault) => moved(&mut fault.node),
            Self::CrashDuringStart(fault) => moved(&mut fault.node),
            Self::Pause(fault) => moved(&mut fault.node),
            Self::Slow(fault) => moved(&mut fault.node),
            Self::Rack(fault) => {
                fault.nodes.retain_mut(moved);
                !fault.nodes.is_empty()
            }
            Self::NewAddress(fault) => moved(&mut fault.node),
            Self::Join(fault) => moved(&mut fault.node),
            Self::Leave(fault) => moved(&mut fault.node),
            Self::ClockDrift(fault) => moved(&mut fault.node),
            Self::ClockJump(fault) => moved(&mut fault.node),
            Self::Partition(fault) => {
                for side in [&mut fault.from, &mut fault.to] {
                    side.retain_mut(moved);
                }
                !fault.from.is_empty() && !fault.to.is_empty()
            }
            Self::Isolation(fault) => {
                fault.others.retain_mut(moved);
                !fault.others.is_empty()
            }
            Self::HalfOpen(fault) => moved(&mut fault.from) && moved(&mut fault.to),
            Self::DamagedDisk(fault) => {
                fault.nodes.retain_mut(moved);
                !fault.nodes.is_empty()
            }
            Self::DiskTrouble(fault) => {
                fault.nodes.retain_mut(moved);
                !fault.nodes.is_empty()
            }
            Self::RoughLinks(_)
            | Self::StoreErrors(_)
            | Self::StoreOutage(_)
            | Self::StoreTrouble(_)
            | Self::StoreDamage(_) => true,
        }
    }

    /// How long it lasts, in virtual microseconds; 0 if there is nothing to end.
    #[must_use]
    pub fn lasts_us(&self) -> u64 {
        match self {
            Self::Crash(fault) => fault.down_us,
            Self::CrashDuringStart(fault) => fault.down_us,
            Self::Pause(fault) => fault.for_us,
            Self::Slow(fault) => fault.for_us,
            Self::Rack(fault) => fault.for_us,
            Self::NewAddress(fault) => fault.down_us,
            Self::Join(_) | Self::Leave(_) | Self::ClockJump(_) | Self::HalfOpen(_) => 0,
            Self::ClockDrift(fault) => fault.for_us,
            Self::Partition(fault) => fault.for_us,
            Self::Isolation(fault) => fault.for_us,
            Self::RoughLinks(fault) => fault.for_us,
            Self::StoreErrors(fault) => fault.for_us,
            Self::StoreOutage(fault) => fault.for_us,
            Self::StoreTrouble(fault) => fault.for_us,
            Self::StoreDamage(_) => 0,
            Self::DamagedDisk(fault) => fault.down_us,
            Self::DiskTrouble(fault) => fault.for_us,
        }
    }

    /// What a reader of the timeline wants to know.
    #[must_use]
    pub fn describe(&self, net: &Net) -> String {
        let what = match self {
            Self::Crash(fault) => fault.describe(net),
            Self::CrashDuringStart(fault) => fault.describe(net),
            Self::Pause(fault) => fault.describe(net),
            Self::Slow(fault) => fault.describe(net),
            Self::Rack(fault) => fault.describe(net),
            Self::NewAddress(fault) => fault.describe(net),
            Self::Join(fault) => fault.describe(net),
            Self::Leave(fault) => fault.describe(net),
            Self::ClockDrift(fault) => fault.describe(net),
            Self::ClockJump(fault) => fault.describe(net),
            Self::Partition(fault) => fault.describe(net),
            Self::Isolation(fault) => fault.describe(),
            Self::HalfOpen(fault) => fault.describe(net),
            Self::RoughLinks(fault) => fault.describe(),
            Self::StoreErrors(fault) => fault.describe(),
            Self::StoreOutage(fault) => fault.describe(),
            Self::StoreTrouble(fault) => fault.describe(),
            Self::StoreDamage(fault) => fault.describe(),
            Self::DamagedDisk(fault) => fault.describe(net),
            Self::DiskTrouble(fault) => fault.describe(net),
        };
        match self.lasts_us() {
            0 => what,
            lasts_us => format!("{what} for {}.{:03} s", lasts_us / 1_000_000, lasts_us / 1_000 % 1_000),
        }
    }

    /// What it does at once: to processes, to stored bytes.
    fn strike(&self, nodes: &Nodes, store: &StoreNode) {
        match self {
            Self::Crash(fault) => nodes.crash(fault.node),
            Self::CrashDuringStart(fault) => nodes.crash(fault.node),
            Self::Pause(fault) => nodes.pause(fault.node),
            Self::StoreDamage(fault) => fault.strike(store),
            Self::DamagedDisk(fault) => fault.strike(nodes),
            Self::Rack(fault) => fault.strike(nodes),
            Self::NewAddress(fault) => fault.strike(nodes),
            Self::Join(fault) => nodes.join(fault.node),
            Self::Leave(fault) => nodes.leave(fault.node),
            Self::ClockJump(fault) => nodes.jump(fault.node, fault.by_us),
            Self::HalfOpen(fault) => nodes.sever(fault.from, fault.to, fault.data),
            Self::Slow(_)
            | Self::ClockDrift(_)
            | Self::Partition(_)
            | Self::Isolation(_)
            | Self::RoughLinks(_)
            | Self::StoreErrors(_)
            | Self::StoreOutage(_)
            | Self::StoreTrouble(_)
            | Self::DiskTrouble(_) => {}
        }
    }

    /// Undoes [`strike`](Self::strike), unless another fault has taken over the process meanwhile.
    fn relent(&self, nodes: &Nodes) {
        match self {
            Self::Crash(fault) => crash::restart(nodes, fault.node),
            Self::CrashDuringStart(fault) => crash::restart(nodes, fault.node),
            Self::Pause(fault) => nodes.resume(fault.node),
            Self::Rack(fault) => fault.relent(nodes),
            Self::NewAddress(fault) => crash::restart(nodes, fault.node),
            Self::DamagedDisk(fault) => fault.relent(nodes),
            Self::Slow(_)
            | Self::Join(_)
            | Self::Leave(_)
            | Self::ClockDrift(_)
            | Self::ClockJump(_)
            | Self::Partition(_)
            | Self::Isolation(_)
            | Self::HalfOpen(_)
            | Self::RoughLinks(_)
            | Self::StoreErrors(_)
            | Self::StoreOutage(_)
            | Self::StoreTrouble(_)
            | Self::StoreDamage(_)
            | Self::DiskTrouble(_) => {}
        }
    }

    /// What follows when it is over, and after how many virtual microseconds.
    fn next(&self) -> Option<(u64, Self)> {
        match self {
            Self::CrashDuringStart(fault) => {
                fault.next().map(|(at_us, next)| (at_us, Self::CrashDuringStart(next)))
            }
            _ => None,
        }
    }

    /// What it makes of links and store for as long as it lasts.
    fn shape(&self, network: &mut NetworkFaults, store: &mut StoreFaults) {
        match self {
            Self::Partition(fault) => fault.shape(network),
            Self::RoughLinks(fault) => fault.shape(network),
            Self::StoreErrors(fault) => fault.shape(store),
            Self::StoreOutage(fault) => fault.shape(store),
            Self::StoreTrouble(fault) => fault.shape(store),
            // Which partition an isolation is depends on who leads.
            Self::Isolation(_)
            | Self::Crash(_)
            | Self::CrashDuringStart(_)
            | Self::Pause(_)
            | Self::Slow(_)
            | Self::Rack(_)
            | Self::NewAddress(_)
            | Self::Join(_)
            | Self::Leave(_)
            | Self::ClockDrift(_)
            | Self::ClockJump(_)
            | Self::StoreDamage(_)
            | Self::DamagedDisk(_)
            | Self::DiskTrouble(_)
            | Self::HalfOpen(_) => {}
        }
    }

    /// Whether links, store and machines are what they were: all that it does, it does to processes at once.
    fn leaves_surroundings(&self) -> bool {
        matches!(
            self,
            Self::Crash(_)
                | Self::CrashDuringStart(_)
                | Self::Pause(_)
                | Self::Rack(_)
                | Self::NewAddress(_)
                | Self::Join(_)
                | Self::Leave(_)
                | Self::ClockJump(_)
                | Self::StoreDamage(_)
                | Self::DamagedDisk(_)
                | Self::HalfOpen(_)
        )
    }

    /// What it makes of the machines under processes for as long as it lasts.
    fn slow_down(&self, manners: &mut BTreeMap<Node, Manners>) {
        match self {
            Self::Slow(fault) => fault.shape(manners),
            Self::ClockDrift(fault) => fault.shape(manners),
            Self::DiskTrouble(fault) => fault.shape(manners),
            _ => {}
        }
    }
}
