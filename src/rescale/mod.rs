//! Who restores which key groups from whom when the parallelism changes.
//!
//! A [`RescalePlan`] is computed from key-group ranges alone: the ranges the old subtasks had, and
//! the ranges [`assign::range`] gives the new ones. For each new subtask it lists the runs of key
//! groups to read from each old snapshot. It can be trusted because it is an intersection of two
//! partitions of the same key groups: [`RescalePlan::new`] refuses an old layout in which some key
//! group has no owner or two, so every key group is read by exactly one new subtask, from exactly
//! one old one.
//!
//! From 2 to 4 subtasks with 128 key groups, the old tasks halve:
//!
//! ```
//! use keygroups::key_group::{MaxParallelism, Parallelism};
//! use keygroups::rescale::RescalePlan;
//!
//! let plan = RescalePlan::between(
//!     MaxParallelism::new(128)?,
//!     Parallelism::new(2)?,
//!     Parallelism::new(4)?,
//! )?;
//! let reads: Vec<String> = plan.subtasks().iter().map(|subtask| subtask.to_string()).collect();
//! assert_eq!(reads, [
//!     "task 0 owns 0–31: keeps 0–31",
//!     "task 1 owns 32–63: reads 32–63 of task 0",
//!     "task 2 owns 64–95: reads 64–95 of task 1",
//!     "task 3 owns 96–127: reads 96–127 of task 1",
//! ]);
//! assert_eq!(plan.moved_key_groups(), 96);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod amplification;
mod volume;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use amplification::Amplification;
pub use volume::{Sizes, Volume, VolumeError};

use crate::key_group::{BoundsError, KeyGroup, KeyGroupRange, MaxParallelism, Parallelism, Subtask, assign};

/// What a plan is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RescaleRequest<'a> {
    /// The max parallelism the old state was written under.
    pub recorded_max_parallelism: MaxParallelism,
    /// The max parallelism the new subtasks run under: it must be the same.
    pub max_parallelism: MaxParallelism,
    /// The key groups of each old subtask's snapshot; the index is the old subtask. The order need
    /// not ascend by key group.
    pub old: &'a [KeyGroupRange],
    /// How many subtasks there will be.
    pub parallelism: Parallelism,
}

/// A rescale that cannot be planned without losing, doubling or misplacing keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum RescaleError {
    /// Max parallelism differs from the one the state was written under.
    #[error(
        "max parallelism changed from {recorded} to {found}: keys would fall into other key groups \
         than those their state was written to"
    )]
    MaxParallelismChanged {
        /// The one the state was written under.
        recorded: MaxParallelism,
        /// The one asked for.
        found: MaxParallelism,
    },
    /// The new parallelism is above the max parallelism.
    #[error(transparent)]
    Bounds(#[from] BoundsError),
    /// More old subtasks than key groups: each owns at least one.
    #[error("the old layout has {found} subtasks for only {max_parallelism} key groups")]
    TooManyOldSubtasks {
        /// How many old subtasks there are.
        found: usize,
        /// The bound.
        max_parallelism: MaxParallelism,
    },
    /// An old subtask has a key group at or above the max parallelism.
    #[error(
        "old subtask {subtask} has key groups {key_groups}: max parallelism {max_parallelism} ends at {}",
        max_parallelism.get() - 1
    )]
    OutOfBounds {
        /// The old subtask.
        subtask: Subtask,
        /// Its range.
        key_groups: KeyGroupRange,
        /// The bound.
        max_parallelism: MaxParallelism,
    },
    /// A key group that no old subtask has: its state would be lost.
    #[error("key group {key_group} is in no old subtask: its state would be lost")]
    Gap {
        /// The lowest such key group.
        key_group: KeyGroup,
    },
    /// A key group that two old subtasks have: its state would be doubled.
    #[error("key group {key_group} is in old subtasks {first} and {second}: its state would be doubled")]
    Overlap {
        /// The lowest such key group.
        key_group: KeyGroup,
        /// One owner.
        first: Subtask,
        /// Another owner.
        second: Subtask,
    },
}

/// One contiguous run of key groups to read from one old subtask's snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Read {
    /// The old subtask whose snapshot holds them; its index in [`RescaleRequest::old`].
    pub from: Subtask,
    /// The key groups to read, all owned by the reader.
    pub key_groups: KeyGroupRange,
}

/// What one new subtask owns, and where its state lies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SubtaskPlan {
    /// The new subtask.
    pub subtask: Subtask,
    /// The key groups it will own.
    pub key_groups: KeyGroupRange,
    /// The runs that make up `key_groups`, ascending by key group, without gap or overlap.
    pub reads: Vec<Read>,
}

/// Who restores which key groups from whom. See the [module](self).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RescalePlan {
    max_parallelism: MaxParallelism,
    from: Parallelism,
    subtasks: Vec<SubtaskPlan>,
}

impl RescalePlan {
    /// The plan for `request`, in time linear in old plus new subtasks (and n·log n in the old
    /// ones where these do not ascend by key group).
    ///
    /// Where the parallelism stays, Flink hands every subtask its old handles unseen; this plan
    /// intersects nevertheless, which is the same for every layout that [`assign::range`] gives
    /// and also right for any other.
    ///
    /// Source: Flink, `StateAssignmentOperation.reAssignSubKeyedStates`.
    ///
    /// # Errors
    ///
    /// [`RescaleError`] names the bound or the key group that stands against it.
    pub fn new(request: &RescaleRequest<'_>) -> Result<Self, RescaleError> {
        let max = request.max_parallelism;
        if request.recorded_max_parallelism != max {
            return Err(RescaleError::MaxParallelismChanged {
                recorded: request.recorded_max_parallelism,
                found: max,
            });
        }
        request.parallelism.within(max)?;
        let old = partition(request.old, max)?;
        let from = Parallelism::new(old.len() as u32)
            .expect("a partition of 1 to 32768 key groups into ranges has as many ranges at most");

        // Both sides ascend, so one pass meets every intersection: `next` is the old range that
        // holds the first key group of the coming new range, or lies directly before it.
        let mut next = 0;
        let subtasks = request.parallelism.subtasks().map(|subtask| {
            let key_groups = assign::range(max, request.parallelism, subtask)?;
            let mut reads = Vec::new();
            while let Some(source) = old.get(next) {
                if let Some(key_groups) = source.key_groups.intersection(key_groups) {
                    reads.push(Read { from: source.from, key_groups });
                }
                if source.key_groups.last() > key_groups.last() {
                    break;
                }
                next += 1;
            }
            Ok(SubtaskPlan { subtask, key_groups, reads })
        });
        let subtasks = subtasks.collect::<Result<_, BoundsError>>()?;
        Ok(Self { max_parallelism: max, from, subtasks })
    }

    /// The plan between two parallelisms of one job, both laid out by [`assign::range`].
    ///
    /// # Errors
    ///
    /// [`BoundsError::ParallelismAboveMax`] for the first parallelism that is too large.
    pub fn between(
        max_parallelism: MaxParallelism,
        from: Parallelism,
        to: Parallelism,
    ) -> Result<Self, RescaleError> {
        let old = from
            .subtasks()
            .map(|subtask| assign::range(max_parallelism, from, subtask))
            .collect::<Result<Vec<_>, _>>()?;
        Self::new(&RescaleRequest {
            recorded_max_parallelism: max_parallelism,
            max_parallelism,
            old: &old,
            parallelism: to,
        })
    }

    /// The number of key groups.
    pub const fn max_parallelism(&self) -> MaxParallelism {
        self.max_parallelism
    }

    /// How many subtasks there were.
    pub const fn from(&self) -> Parallelism {
        self.from
    }

    /// How many subtasks there will be.
    pub fn to(&self) -> Parallelism {
        Parallelism::new(self.subtasks.len() as u32)
            .expect("a plan has one entry for each subtask of a parallelism")
    }

    /// What each new subtask owns and reads, ascending by subtask.
    pub fn subtasks(&self) -> &[SubtaskPlan] {
        &self.subtasks
    }

    /// How many key groups stay with the subtask of the same index.
    pub fn kept_key_groups(&self) -> usize {
        self.subtasks.iter().map(SubtaskPlan::kept_key_groups).sum()
    }

    /// How many key groups go to a subtask of another index. Together with the kept ones these are
    /// all key groups, and all are read: a plan reads nothing that the reader does not own.
    pub fn moved_key_groups(&self) -> usize {
        self.subtasks.iter().map(SubtaskPlan::moved_key_groups).sum()
    }
}

impl SubtaskPlan {
    /// The reads from the old subtask of the same index: what a local copy could serve.
    pub fn kept(&self) -> impl Iterator<Item = Read> {
        self.reads.iter().copied().filter(|read| read.from == self.subtask)
    }

    /// The reads from old subtasks of another index.
    pub fn moved(&self) -> impl Iterator<Item = Read> {
        self.reads.iter().copied().filter(|read| read.from != self.subtask)
    }

    /// How many key groups it had before under the same index.
    pub fn kept_key_groups(&self) -> usize {
        self.kept().map(|read| read.key_groups.len()).sum()
    }

    /// How many key groups it gets from others.
    pub fn moved_key_groups(&self) -> usize {
        self.moved().map(|read| read.key_groups.len()).sum()
    }
}

/// `task 2 owns 64–95: reads 64–95 of task 1`.
impl fmt::Display for SubtaskPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {} owns {}:", self.subtask, self.key_groups)?;
        let mut separator = " ";
        for read in &self.reads {
            if read.from == self.subtask {
                write!(f, "{separator}keeps {}", read.key_groups)?;
            } else {
                write!(f, "{separator}reads {} of task {}", read.key_groups, read.from)?;
            }
            separator = ", ";
        }
        Ok(())
    }
}

/// The old ranges with their subtasks, ascending, once it is certain that each key group is in
/// exactly one of them.
fn partition(old: &[KeyGroupRange], max: MaxParallelism) -> Result<Vec<Read>, RescaleError> {
    if old.len() > usize::from(max.get()) {
        return Err(RescaleError::TooManyOldSubtasks { found: old.len(), max_parallelism: max });
    }
    let mut ascending: Vec<Read> =
        (0..).map(Subtask).zip(old).map(|(from, &key_groups)| Read { from, key_groups }).collect();
    ascending.sort_by_key(|source| source.key_groups.first());

    let mut before: Option<Read> = None;
    for source in &ascending {
        if source.key_groups.last() > max.all().last() {
            return Err(RescaleError::OutOfBounds {
                subtask: source.from,
                key_groups: source.key_groups,
                max_parallelism: max,
            });
        }
        let expected = before.map_or(KeyGroup(0), |before| KeyGroup(before.key_groups.last().0 + 1));
        if source.key_groups.first() > expected {
            return Err(RescaleError::Gap { key_group: expected });
        }
        if let Some(before) = before.filter(|_| source.key_groups.first() < expected) {
            return Err(RescaleError::Overlap {
                key_group: source.key_groups.first(),
                first: before.from,
                second: source.from,
            });
        }
        before = Some(*source);
    }
    match before.map(|last| last.key_groups.last()) {
        None => Err(RescaleError::Gap { key_group: KeyGroup(0) }),
        Some(last) if last < max.all().last() => Err(RescaleError::Gap { key_group: KeyGroup(last.0 + 1) }),
        Some(_) => Ok(ascending),
    }
}

#[cfg(test)]
mod tests;
