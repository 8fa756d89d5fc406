//! A part of many seeds, so that many machines can run them.
//!
//! The seeds are cut into blocks of equal size, and shard K of N runs the blocks K, K+N, K+2N and so on:
//! every shard has cheap and expensive seeds alike, and the blocks are the same for every N, so results of
//! different machines can be compared block by block. A block is what is written at once: its results are
//! there or they are not, and whoever is killed goes on with the first block that is not.
//!
//! Results hold nothing of the machine or the time. So a shard that was killed and resumed any number of
//! times leaves the bytes of an uninterrupted run, and it is harmless if two processes run the same shard.

mod environment;
mod file;
mod line;
mod objects;
mod results;
mod run;
mod store;

pub(crate) use environment::Which;
#[cfg(test)]
pub(crate) use line::Block;
pub(crate) use line::{Found, Header, Piece, pieces};
pub(crate) use objects::{BLOCK, END, HEADER};
pub(crate) use run::{Part, run};
pub(crate) use store::{Store, is_url};

use std::fmt;
use std::ops::Range;

/// Shard `index` of `count`; `index` counts from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    index: u32,
    count: u32,
}

impl Shard {
    /// Everything.
    pub(crate) const WHOLE: Self = Self { index: 0, count: 1 };

    /// The shard, or what is wrong with it.
    pub(crate) fn new(index: u32, count: u32) -> Result<Self, String> {
        match count {
            0 => Err(format!("{index}/0: at least one shard is needed")),
            _ if index >= count => {
                Err(format!("{index}/{count}: shards count from 0, the last of {count} is {}", count - 1))
            }
            _ => Ok(Self { index, count }),
        }
    }

    /// How its results are called, where several shards lie together.
    pub(crate) fn name(self) -> String {
        format!("shard-{:05}-of-{:05}", self.index, self.count)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// The seeds of all shards together, in blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blocks {
    first_seed: u64,
    seeds: u64,
    block_seeds: u64,
}

impl Blocks {
    /// None where nothing is to be run, or more than there are numbers.
    pub(crate) fn new(first_seed: u64, seeds: u64, block_seeds: u64) -> Option<Self> {
        first_seed.checked_add(seeds)?;
        (seeds > 0 && block_seeds > 0).then_some(Self { first_seed, seeds, block_seeds })
    }

    pub(crate) fn count(self) -> u64 {
        self.seeds.div_ceil(self.block_seeds)
    }

    /// The seeds of a block below [`count`](Self::count).
    pub(crate) fn seeds_of(self, block: u64) -> Range<u64> {
        let from = block * self.block_seeds;
        let to = from.saturating_add(self.block_seeds).min(self.seeds);
        self.first_seed + from..self.first_seed + to
    }

    /// The blocks of a shard, ascending.
    pub(crate) fn of_shard(self, shard: Shard) -> impl Iterator<Item = u64> + Send + Clone {
        (u64::from(shard.index)..self.count()).step_by(shard.count as usize)
    }

    /// Which of `count` shards runs `block`.
    pub(crate) fn shard_of(block: u64, count: u32) -> Shard {
        let count = count.max(1);
        Shard { index: (block % u64::from(count)) as u32, count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_run_every_seed_once_whatever_their_number() {
        for (seeds, block_seeds) in [(1, 1), (10, 3), (1_000, 7), (999, 1_000)] {
            let blocks = Blocks::new(5, seeds, block_seeds).unwrap();
            for count in [1, 2, 3, 16, 1_000] {
                let shards = (0..count).map(|index| Shard::new(index, count).unwrap());
                let mut all: Vec<u64> = shards
                    .flat_map(|shard| blocks.of_shard(shard).map(move |block| (shard, block)))
                    .inspect(|(shard, block)| assert_eq!(Blocks::shard_of(*block, count), *shard))
                    .flat_map(|(_, block)| blocks.seeds_of(block))
                    .collect();
                all.sort_unstable();
                assert!(all.into_iter().eq(5..5 + seeds), "{seeds} in blocks of {block_seeds}, {count}");
            }
        }
    }

    #[test]
    fn impossible_shards_say_what_is_possible() {
        assert_eq!(Shard::new(4, 4).unwrap_err(), "4/4: shards count from 0, the last of 4 is 3");
        assert_eq!(Shard::new(0, 0).unwrap_err(), "0/0: at least one shard is needed");
    }
}
