//! What a process has from the machine it runs on: a clock of its own, a processor that may be slow, and a
//! disk.

mod clock;
mod pace;
mod tasks;

pub use clock::Clock;
pub(crate) use pace::Paced;
pub(crate) use tasks::Tasks;

use crate::disk::{Disk, DiskManners};
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How the machine under a process misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Manners {
    /// Virtual microseconds that pass each time before the process does what it was woken for.
    pub step_us: u64,
    /// Local milliseconds that its clock counts in a second; 1,000 is right.
    pub rate_per_mille: u32,
    /// How its disk behaves.
    pub disk: DiskManners,
    /// Whether every task fails that processes anything.
    pub tasks_fail: bool,
}

impl Manners {
    /// A machine without load, with a good clock and a good disk.
    pub const GOOD: Self = Self {
        step_us: 0,
        rate_per_mille: 1_000,
        disk: DiskManners { full: false, unreadable: false, slow_us: 0 },
        tasks_fail: false,
    };
}

impl Default for Manners {
    fn default() -> Self {
        Self::GOOD
    }
}

/// The machine under one process, the same for all its lives. Clones are the same machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Machine {
    pub(crate) clock: Clock,
    pub(crate) disk: Disk,
    pub(crate) tasks: Tasks,
    step_us: Arc<AtomicU64>,
    // The present life has done something.
    began: Arc<AtomicBool>,
}

impl Machine {
    pub(crate) fn behave(&self, manners: Manners) {
        self.step_us.store(manners.step_us, Ordering::Relaxed);
        self.clock.set_rate(manners.rate_per_mille);
        self.disk.behave(manners.disk);
        self.tasks.behave(manners.tasks_fail);
    }

    /// A life ends; whether it had done anything.
    pub(crate) fn end_life(&self) -> bool {
        self.tasks.count(0);
        self.began.swap(false, Ordering::Relaxed)
    }

    fn begin_life(&self) {
        self.began.store(true, Ordering::Relaxed);
    }

    fn step_us(&self) -> u64 {
        self.step_us.load(Ordering::Relaxed)
    }
}
