//! That the assignment is right, by exhaustion.
//!
//! [`check`] looks at every subtask of one parallelism; `keygroups verify-assignment` calls it for
//! every parallelism of every max parallelism up to [`EXHAUSTIVE_UP_TO`] and of each of
//! [`LARGER`]. [`flink_digests`] folds the whole assignment into the numbers that Flink's own
//! classes gave. The argument that it holds for all others too is in `docs/key_groups.md`.

use super::{KeyGroup, KeyGroupRange, MaxParallelism, Parallelism, Subtask, assign};

/// Every max parallelism up to this one is checked at every parallelism.
pub const EXHAUSTIVE_UP_TO: u16 = 2048;

/// Larger max parallelisms that are checked at every parallelism: powers of two, primes, and the
/// neighbours of both.
pub const LARGER: [u16; 64] = [
    2049, 2053, 2054, 2110, 2111, 2112, 2356, 2357, 2358, 2802, 2803, 2804, 3299, 3300, 3301, 3498, 3499,
    3500, 4092, 4093, 4094, 4095, 4096, 4097, 5002, 5003, 5004, 6210, 6211, 6212, 7918, 7919, 7920, 8190,
    8191, 8192, 8193, 10_006, 10_007, 10_008, 12_288, 12_289, 12_290, 14_280, 14_281, 14_282, 16_380, 16_381,
    16_382, 16_383, 16_384, 16_385, 20_010, 20_011, 20_012, 24_570, 24_571, 24_572, 30_010, 30_011, 32_748,
    32_749, 32_767, 32_768,
];

/// What Flink 2.3.0 gives: (M, digest of all ranges, digest of all owners) over every parallelism
/// of every max parallelism from 1 to M.
pub const FLINK_DIGESTS: [(u16, u64, u64); 6] = [
    (16, 0xec1e_c548_4cd1_7d05, 0x780a_f5fc_49e6_e04b),
    (64, 0xa658_2dbf_241f_5611, 0xe82f_5dc5_a344_a3ed),
    (128, 0xc98f_27c3_9e86_e77d, 0x1667_2df2_24a9_0669),
    (256, 0x1c2e_de2b_27bf_270d, 0x1949_ba44_0ce9_b597),
    (1024, 0x532c_6097_5513_b2bd, 0xe92c_288f_7e6c_8e3d),
    (2048, 0xd223_c2bc_43ad_2339, 0x9b5b_f97b_e035_6079),
];

/// An assignment that loses, doubles or misroutes a key group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("max parallelism {max_parallelism}, parallelism {parallelism}, subtask {subtask}: {fault}")]
pub struct Violation {
    /// The number of key groups.
    pub max_parallelism: MaxParallelism,
    /// The number of subtasks.
    pub parallelism: Parallelism,
    /// The subtask whose range is wrong.
    pub subtask: Subtask,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Fault {
    /// There is no range at all.
    #[error("it has no key group")]
    Missing,
    /// It does not begin where the range before ends.
    #[error("its key groups {found} begin at another key group than {expected}")]
    Begins {
        /// Its range.
        found: KeyGroupRange,
        /// Where it must begin.
        expected: KeyGroup,
    },
    /// The last range does not end at the last key group.
    #[error("its key groups {found} are the last, and do not end at the last key group")]
    Ends {
        /// Its range.
        found: KeyGroupRange,
    },
    /// Its size is neither the rounded-down nor the rounded-up average.
    #[error("its key groups {found} are too many or too few")]
    Size {
        /// Its range.
        found: KeyGroupRange,
    },
    /// A key group of its range is routed to another subtask.
    #[error("its key group {key_group} is routed to subtask {owner}")]
    Owner {
        /// The key group.
        key_group: KeyGroup,
        /// Where it is routed.
        owner: Subtask,
    },
}

/// Whether, at this parallelism, the ranges of all subtasks partition the key groups, sizes differ
/// by at most one, and [`assign::owner`] agrees with [`assign::range`] at both ends of each range.
/// (It then agrees in between, since the owner never falls as the key group rises.) Returns the
/// number of ranges.
///
/// # Errors
///
/// The first [`Violation`].
pub fn check(max_parallelism: MaxParallelism, parallelism: Parallelism) -> Result<u64, Violation> {
    let (max, p) = (max_parallelism.get(), parallelism.get());
    let (small, large) = (max / p, max.div_ceil(p));
    let mut expected = KeyGroup(0);
    for subtask in parallelism.subtasks() {
        let violation = |fault| Violation { max_parallelism, parallelism, subtask, fault };
        let Ok(found) = assign::range(max_parallelism, parallelism, subtask) else {
            return Err(violation(Fault::Missing));
        };
        if found.first() != expected {
            return Err(violation(Fault::Begins { found, expected }));
        }
        if !(small..=large).contains(&(found.len() as u16)) {
            return Err(violation(Fault::Size { found }));
        }
        for key_group in [found.first(), found.last()] {
            let owner = assign::owner(key_group, max_parallelism, parallelism);
            if owner != subtask {
                return Err(violation(Fault::Owner { key_group, owner }));
            }
        }
        if subtask.0 == p - 1 && found.last().0 != max - 1 {
            return Err(violation(Fault::Ends { found }));
        }
        expected = KeyGroup(found.last().0 + 1);
    }
    Ok(u64::from(p))
}

/// The digests of [`FLINK_DIGESTS`] up to `up_to`, computed anew.
pub fn flink_digests(up_to: u16) -> Vec<(u16, u64, u64)> {
    let (mut ranges, mut owners) = (Digest::default(), Digest::default());
    let mut digests = Vec::new();
    for max in (1..=up_to).filter_map(|max| MaxParallelism::new(u32::from(max)).ok()) {
        for p in (1..=max.get()).filter_map(|p| Parallelism::new(u32::from(p)).ok()) {
            ranges.feed_ranges(max, p);
            owners.feed_owners(max, p);
        }
        if FLINK_DIGESTS.iter().any(|(m, ..)| *m == max.get()) {
            digests.push((max.get(), ranges.get(), owners.get()));
        }
    }
    digests
}

/// FNV-1a over words of 32 bits, as the digests of Flink's assignment are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    /// Takes one word in.
    #[inline]
    pub const fn feed(&mut self, word: u32) {
        self.0 = (self.0 ^ word as u64).wrapping_mul(0x0000_0100_0000_01b3);
    }

    /// Takes in first and last key group of every subtask.
    pub fn feed_ranges(&mut self, max_parallelism: MaxParallelism, parallelism: Parallelism) {
        for subtask in parallelism.subtasks() {
            if let Ok(range) = assign::range(max_parallelism, parallelism, subtask) {
                self.feed(u32::from(range.first().0));
                self.feed(u32::from(range.last().0));
            }
        }
    }

    /// Takes in the owner of every key group.
    pub fn feed_owners(&mut self, max_parallelism: MaxParallelism, parallelism: Parallelism) {
        for key_group in max_parallelism.key_groups() {
            self.feed(u32::from(assign::owner(key_group, max_parallelism, parallelism).0));
        }
    }

    /// The digest of all words so far.
    pub const fn get(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn is_prime(n: u32) -> bool {
        n > 1 && (2..).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d))
    }

    #[test]
    fn the_larger_ones_are_64_powers_of_two_primes_and_neighbours_of_both() {
        let special = |n: u32| n.is_power_of_two() || is_prime(n);
        for max in LARGER.map(u32::from) {
            assert!(MaxParallelism::new(max).is_ok() && max > u32::from(EXHAUSTIVE_UP_TO), "{max}");
            assert!(special(max - 1) || special(max) || special(max + 1), "{max}");
        }
        assert_eq!(BTreeSet::from(LARGER).len(), LARGER.len());
        for power in [4096, 8192, 16_384, 32_768] {
            assert!(LARGER.contains(&power) && LARGER.contains(&(power - 1)));
        }
    }

    #[test]
    fn every_assignment_up_to_max_parallelism_200_is_right() {
        for max in 1..=200 {
            for parallelism in 1..=max {
                let (max, p) = (MaxParallelism::new(max).unwrap(), Parallelism::new(parallelism).unwrap());
                assert_eq!(check(max, p), Ok(u64::from(parallelism)));
            }
        }
    }

    #[test]
    fn a_few_large_assignments_are_right() {
        for max in LARGER {
            let max_parallelism = MaxParallelism::new(u32::from(max)).unwrap();
            for parallelism in [1, 2, 3, max / 3, max / 2, max / 2 + 1, max - 1, max] {
                let parallelism = Parallelism::new(u32::from(parallelism)).unwrap();
                assert_eq!(check(max_parallelism, parallelism), Ok(u64::from(parallelism.get())));
            }
        }
    }
}
