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
mod effect;
mod failing_tasks;
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
mod whom;

pub use clocks::{ClockDrift, ClockJump};
pub use comings::{Join, Leave};
pub use crash::Crash;
pub use crash_during_start::CrashDuringStart;
pub use disk_damage::DamagedDisk;
pub use disk_trouble::{DiskTrouble, DiskTroubleKind};
pub use failing_tasks::FailingTasks;
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

use crate::wire::Net;
use serde::{Deserialize, Serialize};

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
    /// Tasks of a host fail.
    FailingTasks(FailingTasks),
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
            Self::FailingTasks(_) => "failing-tasks",
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

    /// How long it lasts, in virtual microseconds; 0 if there is nothing to end.
    #[must_use]
    pub fn lasts_us(&self) -> u64 {
        match self {
            Self::Crash(fault) => fault.down_us,
            Self::CrashDuringStart(fault) => fault.down_us,
            Self::Pause(fault) => fault.for_us,
            Self::Slow(fault) => fault.for_us,
            Self::FailingTasks(fault) => fault.for_us,
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
            Self::FailingTasks(fault) => fault.describe(net),
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
}
