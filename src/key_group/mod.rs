//! Key groups: the smallest keyed state that moves.
//!
//! A key belongs to one of `max_parallelism` key groups for the life of a job; a rescale moves
//! whole key groups between subtasks and never splits one. This module holds the types and their
//! bounds; [`assign`] says which subtask owns which group, [`hash`] which group a key belongs to,
//! [`java`] how a typed key hashes; [`proof`] checks the assignment by exhaustion.
//!
//! Source: Apache Flink 2.3.0, `KeyGroupRangeAssignment` and `KeyGroupRange`.

pub mod assign;
pub mod hash;
pub mod java;
pub mod proof;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use hash::{of, of_bytes, of_hash};
pub use java::{JavaField, JavaHash};

/// The largest max parallelism, and so the largest parallelism.
///
/// Source: Flink, `KeyGroupRangeAssignment.UPPER_BOUND_MAX_PARALLELISM`.
pub const UPPER_BOUND_MAX_PARALLELISM: u16 = 1 << 15;

/// A number that is not a legal max parallelism, parallelism, key group or range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum BoundsError {
    /// A max parallelism outside `1..=32768`.
    #[error("max parallelism {found} is out of bounds: it must be from 1 to {UPPER_BOUND_MAX_PARALLELISM}")]
    MaxParallelism {
        /// What was asked for.
        found: u64,
    },
    /// A parallelism outside `1..=32768`.
    #[error("parallelism {found} is out of bounds: it must be from 1 to {UPPER_BOUND_MAX_PARALLELISM}")]
    Parallelism {
        /// What was asked for.
        found: u64,
    },
    /// A parallelism above the max parallelism of its job.
    #[error(
        "parallelism {parallelism} is above max parallelism {max_parallelism}: \
         a subtask without a key group could own no state"
    )]
    ParallelismAboveMax {
        /// What was asked for.
        parallelism: u16,
        /// The bound.
        max_parallelism: u16,
    },
    /// A key group at or above the max parallelism.
    #[error("key group {found} is out of bounds: max parallelism {max_parallelism} has key groups 0 to {}", max_parallelism - 1)]
    KeyGroup {
        /// What was asked for.
        found: u64,
        /// The bound.
        max_parallelism: u16,
    },
    /// A range whose first key group is above its last.
    #[error("key group range {first}-{last} is empty: its first key group is above its last")]
    EmptyRange {
        /// First key group asked for.
        first: u16,
        /// Last key group asked for.
        last: u16,
    },
    /// A subtask at or above the parallelism.
    #[error("subtask {found} is out of bounds: parallelism {parallelism} has subtasks 0 to {}", parallelism - 1)]
    Subtask {
        /// What was asked for.
        found: u64,
        /// The bound.
        parallelism: u16,
    },
}

macro_rules! bounded_count {
    ($name:ident, $error:ident, $what:literal) => {
        impl $name {
            #[doc = concat!("A ", $what, " of `count`.\n\n# Errors\n\n[`BoundsError::", stringify!($error), "`] unless `count` is in `1..=32768`.")]
            pub const fn new(count: u32) -> Result<Self, BoundsError> {
                if count == 0 || count > UPPER_BOUND_MAX_PARALLELISM as u32 {
                    return Err(BoundsError::$error { found: count as u64 });
                }
                Ok(Self(count as u16))
            }

            /// The number, `1..=32768`.
            pub const fn get(self) -> u16 {
                self.0
            }
        }

        impl TryFrom<u32> for $name {
            type Error = BoundsError;

            fn try_from(count: u32) -> Result<Self, BoundsError> {
                Self::new(count)
            }
        }

        impl From<$name> for u32 {
            fn from(count: $name) -> u32 {
                u32::from(count.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

/// The number of key groups of a job, `1..=32768`. It is fixed for the life of the job's state:
/// another value would put keys into other groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct MaxParallelism(u16);

bounded_count!(MaxParallelism, MaxParallelism, "max parallelism");

/// The number of subtasks of a vertex, `1..=32768`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Parallelism(u16);

bounded_count!(Parallelism, Parallelism, "parallelism");

impl Parallelism {
    /// The subtasks `0..parallelism`, in order.
    pub fn subtasks(self) -> impl DoubleEndedIterator<Item = Subtask> + ExactSizeIterator {
        (0..self.0).map(Subtask)
    }

    /// Itself, if a job of `max_parallelism` can run at it.
    ///
    /// # Errors
    ///
    /// [`BoundsError::ParallelismAboveMax`].
    pub const fn within(self, max_parallelism: MaxParallelism) -> Result<Self, BoundsError> {
        if self.0 > max_parallelism.0 {
            return Err(BoundsError::ParallelismAboveMax {
                parallelism: self.0,
                max_parallelism: max_parallelism.0,
            });
        }
        Ok(self)
    }
}

impl MaxParallelism {
    /// The max parallelism that Flink gives a job whose user sets none: one and a half times
    /// `parallelism`, rounded up to a power of two, from 128 to 32768. It leaves room to grow, and
    /// a job that starts small does not get stuck with a handful of key groups.
    ///
    /// Source: Flink, `KeyGroupRangeAssignment.computeDefaultMaxParallelism`.
    pub const fn default_for(parallelism: Parallelism) -> Self {
        let parallelism = parallelism.0 as u32;
        let wanted = (parallelism + parallelism / 2).next_power_of_two();
        Self(if wanted < 128 {
            128
        } else if wanted > UPPER_BOUND_MAX_PARALLELISM as u32 {
            UPPER_BOUND_MAX_PARALLELISM
        } else {
            wanted as u16
        })
    }

    /// The key groups `0..max_parallelism`, in order.
    pub fn key_groups(self) -> impl DoubleEndedIterator<Item = KeyGroup> + ExactSizeIterator {
        (0..self.0).map(KeyGroup)
    }

    /// The range of all key groups.
    pub const fn all(self) -> KeyGroupRange {
        KeyGroupRange { first: KeyGroup(0), last: KeyGroup(self.0 - 1) }
    }
}

/// A key group: an index below the max parallelism of its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyGroup(pub u16);

impl KeyGroup {
    /// The key group `index` of a job of `max_parallelism`.
    ///
    /// # Errors
    ///
    /// [`BoundsError::KeyGroup`] unless `index < max_parallelism`.
    pub const fn new(index: u32, max_parallelism: MaxParallelism) -> Result<Self, BoundsError> {
        if index >= max_parallelism.0 as u32 {
            return Err(BoundsError::KeyGroup { found: index as u64, max_parallelism: max_parallelism.0 });
        }
        Ok(Self(index as u16))
    }

    /// The index as a `usize`, for tables with one entry per key group.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for KeyGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A subtask: an index below the parallelism of its vertex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Subtask(pub u16);

impl Subtask {
    /// The subtask `index` of a vertex of `parallelism`.
    ///
    /// # Errors
    ///
    /// [`BoundsError::Subtask`] unless `index < parallelism`.
    pub const fn new(index: u32, parallelism: Parallelism) -> Result<Self, BoundsError> {
        if index >= parallelism.0 as u32 {
            return Err(BoundsError::Subtask { found: index as u64, parallelism: parallelism.0 });
        }
        Ok(Self(index as u16))
    }

    /// The index as a `usize`, for tables with one entry per subtask.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for Subtask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A run of key groups, first and last both inclusive; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "(u16, u16)", into = "(u16, u16)")]
pub struct KeyGroupRange {
    first: KeyGroup,
    last: KeyGroup,
}

impl KeyGroupRange {
    /// The key groups from `first` to `last`, both inclusive.
    ///
    /// # Errors
    ///
    /// [`BoundsError::EmptyRange`] if `first` is above `last`, [`BoundsError::KeyGroup`] if no job has `last`.
    pub const fn new(first: KeyGroup, last: KeyGroup) -> Result<Self, BoundsError> {
        if last.0 >= UPPER_BOUND_MAX_PARALLELISM {
            let (found, max_parallelism) = (last.0 as u64, UPPER_BOUND_MAX_PARALLELISM);
            return Err(BoundsError::KeyGroup { found, max_parallelism });
        }
        if first.0 > last.0 {
            return Err(BoundsError::EmptyRange { first: first.0, last: last.0 });
        }
        Ok(Self { first, last })
    }

    /// The first key group.
    pub const fn first(self) -> KeyGroup {
        self.first
    }

    /// The last key group, which is still inside.
    pub const fn last(self) -> KeyGroup {
        self.last
    }

    /// How many key groups, at least one.
    #[allow(clippy::len_without_is_empty, reason = "a range is never empty")]
    pub const fn len(self) -> usize {
        (self.last.0 - self.first.0) as usize + 1
    }

    /// Whether `key_group` is inside.
    pub const fn contains(self, key_group: KeyGroup) -> bool {
        self.first.0 <= key_group.0 && key_group.0 <= self.last.0
    }

    /// Whether every key group of `other` is inside.
    pub const fn contains_range(self, other: Self) -> bool {
        self.first.0 <= other.first.0 && other.last.0 <= self.last.0
    }

    /// What both have, if anything.
    pub fn intersection(self, other: Self) -> Option<Self> {
        Self::new(self.first.max(other.first), self.last.min(other.last)).ok()
    }

    /// The key groups inside, ascending.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = KeyGroup> + ExactSizeIterator {
        (self.first.0..self.last.0 + 1).map(KeyGroup)
    }
}

impl TryFrom<(u16, u16)> for KeyGroupRange {
    type Error = BoundsError;

    fn try_from((first, last): (u16, u16)) -> Result<Self, BoundsError> {
        Self::new(KeyGroup(first), KeyGroup(last))
    }
}

impl From<KeyGroupRange> for (u16, u16) {
    fn from(range: KeyGroupRange) -> (u16, u16) {
        (range.first.0, range.last.0)
    }
}

impl fmt::Display for KeyGroupRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last { self.first.fmt(f) } else { write!(f, "{}–{}", self.first, self.last) }
    }
}
