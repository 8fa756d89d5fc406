//! How many bytes a plan keeps, moves and reads.

use std::iter::Sum;
use std::ops::Add;

use super::{Read, RescalePlan, SubtaskPlan};
use crate::key_group::KeyGroupRange;

/// How large the old state is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sizes<'a> {
    /// Bytes of each key group; the index is the key group. Volumes are exact.
    PerKeyGroup(&'a [u64]),
    /// Bytes of each old subtask's state; the index is the old subtask. What part of them lies in
    /// some of its key groups is taken to be proportional to their number: volumes of a subtask
    /// whose state is divided are estimates, and marked so.
    PerOldSubtask(&'a [u64]),
}

/// Bytes of state that a new subtask, or all of them, restore.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Volume {
    /// Bytes of key groups that stay with the subtask of the same index.
    pub kept_bytes: u64,
    /// Bytes of key groups that come from a subtask of another index.
    pub moved_bytes: u64,
    /// Whether some of these bytes were divided in proportion to key groups.
    pub estimated: bool,
}

impl Volume {
    /// Bytes read when everything is read from the store, and nothing from a local copy.
    pub const fn read_bytes(self) -> u64 {
        self.kept_bytes.saturating_add(self.moved_bytes)
    }
}

impl Add for Volume {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            kept_bytes: self.kept_bytes.saturating_add(other.kept_bytes),
            moved_bytes: self.moved_bytes.saturating_add(other.moved_bytes),
            estimated: self.estimated || other.estimated,
        }
    }
}

impl Sum for Volume {
    fn sum<I: Iterator<Item = Self>>(volumes: I) -> Self {
        volumes.fold(Self::default(), Add::add)
    }
}

/// Sizes that belong to another plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("sizes of {found} {what} were given, and the plan has {expected}")]
pub struct VolumeError {
    /// `key groups` or `old subtasks`.
    pub what: &'static str,
    /// How many sizes were given.
    pub found: usize,
    /// How many the plan needs.
    pub expected: usize,
}

impl RescalePlan {
    /// The bytes each new subtask restores, ascending by subtask. The whole plan's volume is their
    /// sum.
    ///
    /// # Errors
    ///
    /// [`VolumeError`] unless there is one size for each key group or each old subtask.
    pub fn volumes(&self, sizes: Sizes<'_>) -> Result<Vec<Volume>, VolumeError> {
        let (what, found, expected) = match sizes {
            Sizes::PerKeyGroup(bytes) => {
                ("key groups", bytes.len(), usize::from(self.max_parallelism().get()))
            }
            Sizes::PerOldSubtask(bytes) => ("old subtasks", bytes.len(), usize::from(self.from().get())),
        };
        if found != expected {
            return Err(VolumeError { what, found, expected });
        }
        let old = match sizes {
            Sizes::PerKeyGroup(_) => Vec::new(),
            Sizes::PerOldSubtask(_) => self.old_lengths(),
        };
        Ok(self.subtasks().iter().map(|subtask| volume(subtask, sizes, &old)).collect())
    }
}

fn volume(subtask: &SubtaskPlan, sizes: Sizes<'_>, old_lengths: &[usize]) -> Volume {
    let read_volume = |read: &Read| {
        let (bytes, estimated) = match sizes {
            Sizes::PerKeyGroup(bytes) => (exact(bytes, read.key_groups), false),
            Sizes::PerOldSubtask(bytes) => {
                let (part, whole) = (read.key_groups.len(), old_lengths[read.from.index()]);
                (proportional(bytes[read.from.index()], part, whole), part < whole)
            }
        };
        if read.from == subtask.subtask {
            Volume { kept_bytes: bytes, moved_bytes: 0, estimated }
        } else {
            Volume { kept_bytes: 0, moved_bytes: bytes, estimated }
        }
    };
    subtask.reads.iter().map(read_volume).sum()
}

fn exact(bytes: &[u64], key_groups: KeyGroupRange) -> u64 {
    bytes[key_groups.first().index()..=key_groups.last().index()]
        .iter()
        .fold(0, |sum, &bytes| sum.saturating_add(bytes))
}

/// `⌊bytes · part / whole⌋`.
fn proportional(bytes: u64, part: usize, whole: usize) -> u64 {
    (u128::from(bytes) * part as u128 / whole as u128) as u64
}
