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
mod store_errors;
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
pub use store_errors::StoreErrors;

use crate::nodes::Nodes;
use crate::storage::StoreFaults;
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
}

impl Fault {
    /// Every node that it names.
    pub(super) fn nodes(&self) -> Vec<Node> {
        match self {
            Self::Crash(fault) => vec![fault.node],
            Self::Pause(fault) => vec![fault.node],
            Self::Partition(fault) => fault.from.iter().chain(&fault.to).copied().collect(),
            Self::RoughLinks(_) | Self::StoreErrors(_) | Self::StoreOutage(_) => Vec::new(),
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
            Self::RoughLinks(_) | Self::StoreErrors(_) | Self::StoreOutage(_) => true,
        }
    }

    /// How long it lasts, in virtual microseconds.
    #[must_use]
    pub fn lasts_us(&self) -> u64 {
        match self {
            Self::Crash(fault) => fault.down_us,
            Self::Pause(fault) => fault.for_us,
            Self::Partition(fault) => fault.for_us,
            Self::RoughLinks(fault) => fault.for_us,
            Self::StoreErrors(fault) => fault.for_us,
            Self::StoreOutage(fault) => fault.for_us,
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
        };
        format!("{what} for {}.{:03} s", self.lasts_us() / 1_000_000, self.lasts_us() / 1_000 % 1_000)
    }

    /// What it does to a process at once.
    fn strike(&self, nodes: &Nodes) {
        match self {
            Self::Crash(fault) => nodes.crash(fault.node),
            Self::Pause(fault) => nodes.pause(fault.node),
            Self::Partition(_) | Self::RoughLinks(_) | Self::StoreErrors(_) | Self::StoreOutage(_) => {}
        }
    }

    /// Undoes [`strike`](Self::strike), unless another fault has taken over the process meanwhile.
    fn relent(&self, nodes: &Nodes) {
        match self {
            Self::Crash(fault) => fault.relent(nodes),
            Self::Pause(fault) => nodes.resume(fault.node),
            Self::Partition(_) | Self::RoughLinks(_) | Self::StoreErrors(_) | Self::StoreOutage(_) => {}
        }
    }

    /// What it makes of the surroundings for as long as it lasts.
    fn shape(&self, network: &mut NetworkFaults, store: &mut StoreFaults) {
        match self {
            Self::Crash(_) | Self::Pause(_) => {}
            Self::Partition(fault) => fault.shape(network),
            Self::RoughLinks(fault) => fault.shape(network),
            Self::StoreErrors(fault) => fault.shape(store),
            Self::StoreOutage(fault) => fault.shape(store),
        }
    }
}
