//! Faults: what goes wrong, when, and how it ends.
//!
//! A [`FaultPlan`] is drawn from the seed before the simulation begins. Its faults strike at drawn times,
//! or are aimed at protocol steps ([`Aim`]); the [`Injector`] carries them out, notes each in the trace,
//! and ends the disorder at the plan's horizon: then every process runs, every link is calm and the store
//! answers, so that from there on the cluster owes progress.

mod crash;
mod injector;
mod links;
mod outage;
mod partition;
mod pause;
mod plan;
mod store;
mod store_damage;
mod store_errors;
mod store_trouble;
#[cfg(test)]
mod tests;

pub use crash::Crash;
pub use injector::Injector;
pub(crate) use injector::WeakInjector;
pub use links::RoughLinks;
pub use outage::StoreOutage;
pub use partition::Partition;
pub use pause::Pause;
pub use plan::{Aim, FaultPlan, PlanError, Profile, Targets, UnknownProfile, Victim};
pub use store_damage::StoreDamage;
pub use store_errors::StoreErrors;
pub use store_trouble::StoreTrouble;

use crate::nodes::Nodes;
use crate::storage::{StoreFaults, StoreNode};
use crate::wire::{Net, NetworkFaults, Node};
use serde::{Deserialize, Serialize};

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// A process dies and starts again later.
    Crash(Crash),
    /// A process freezes and goes on later, not knowing that time has passed.
    Pause(Pause),
    /// Links are cut.
    Partition(Partition),
    /// Links lose, repeat, delay and reorder.
    RoughLinks(RoughLinks),
    /// The store refuses, swallows, answers late or not at all.
    StoreErrors(StoreErrors),
    /// The store serves nobody.
    StoreOutage(StoreOutage),
    /// The store misbehaves in one way and scope.
    StoreTrouble(StoreTrouble),
    /// A stored object is damaged for ever.
    StoreDamage(StoreDamage),
}

impl Fault {
    /// What kind of fault it is, in kebab case.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Crash(_) => "crash",
            Self::Pause(_) => "pause",
            Self::Partition(_) => "partition",
            Self::RoughLinks(_) => "rough-links",
            Self::StoreErrors(_) => "store-errors",
            Self::StoreOutage(_) => "store-outage",
            Self::StoreTrouble(fault) => fault.kind(),
            Self::StoreDamage(fault) => fault.damage.how.name(),
        }
    }

    /// Every node that it names.
    pub(super) fn nodes(&self) -> Vec<Node> {
        match self {
            Self::Crash(fault) => vec![fault.node],
            Self::Pause(fault) => vec![fault.node],
            Self::Partition(fault) => fault.from.iter().chain(&fault.to).copied().collect(),
            Self::RoughLinks(_)
            | Self::StoreErrors(_)
            | Self::StoreOutage(_)
            | Self::StoreTrouble(_)
            | Self::StoreDamage(_) => Vec::new(),
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
            Self::Pause(fault) => moved(&mut fault.node),
            Self::Partition(fault) => {
                for side in [&mut fault.from, &mut fault.to] {
                    side.retain_mut(moved);
                }
                !fault.from.is_empty() && !fault.to.is_empty()
            }
            Self::RoughLinks(_)
            | Self::StoreErrors(_)
            | Self::StoreTrouble(_)
            | Self::StoreDamage(_)
            | Self::StoreOutage(_) => true,
        }
    }

    /// How long it lasts, in virtual microseconds. 0 for what happens in a moment and is never undone.
    #[must_use]
    pub fn lasts_us(&self) -> u64 {
        match self {
            Self::Crash(fault) => fault.down_us,
            Self::Pause(fault) => fault.for_us,
            Self::Partition(fault) => fault.for_us,
            Self::RoughLinks(fault) => fault.for_us,
            Self::StoreErrors(fault) => fault.for_us,
            Self::StoreOutage(fault) => fault.for_us,
            Self::StoreTrouble(fault) => fault.for_us,
            Self::StoreDamage(_) => 0,
        }
    }

    /// What a reader of the timeline wants to know.
    #[must_use]
    pub fn describe(&self, net: &Net) -> String {
        let what = match self {
            Self::Crash(fault) => fault.describe(net),
            Self::Pause(fault) => fault.describe(net),
            Self::Partition(fault) => fault.describe(net),
            Self::RoughLinks(fault) => fault.describe(),
            Self::StoreErrors(fault) => fault.describe(),
            Self::StoreOutage(fault) => fault.describe(),
            Self::StoreTrouble(fault) => fault.describe(),
            Self::StoreDamage(fault) => fault.describe(),
        };
        match self.lasts_us() {
            0 => what,
            lasts_us => format!("{what} for {}.{:03} s", lasts_us / 1_000_000, lasts_us / 1_000 % 1_000),
        }
    }

    /// What it does at once: to a process, to stored bytes.
    fn strike(&self, nodes: &Nodes, store: &StoreNode) {
        match self {
            Self::Crash(fault) => nodes.crash(fault.node),
            Self::Pause(fault) => nodes.pause(fault.node),
            Self::StoreDamage(fault) => fault.strike(store),
            Self::Partition(_)
            | Self::RoughLinks(_)
            | Self::StoreErrors(_)
            | Self::StoreOutage(_)
            | Self::StoreTrouble(_) => {}
        }
    }

    /// Undoes [`strike`](Self::strike), unless another fault has taken over the process meanwhile.
    fn relent(&self, nodes: &Nodes) {
        match self {
            Self::Crash(fault) => fault.relent(nodes),
            Self::Pause(fault) => nodes.resume(fault.node),
            Self::Partition(_)
            | Self::RoughLinks(_)
            | Self::StoreErrors(_)
            | Self::StoreOutage(_)
            | Self::StoreTrouble(_)
            | Self::StoreDamage(_) => {}
        }
    }

    /// What it makes of the surroundings for as long as it lasts.
    fn shape(&self, network: &mut NetworkFaults, store: &mut StoreFaults) {
        match self {
            Self::Crash(_) | Self::Pause(_) | Self::StoreDamage(_) => {}
            Self::Partition(fault) => fault.shape(network),
            Self::RoughLinks(fault) => fault.shape(network),
            Self::StoreErrors(fault) => fault.shape(store),
            Self::StoreOutage(fault) => fault.shape(store),
            Self::StoreTrouble(fault) => fault.shape(store),
        }
    }
}
