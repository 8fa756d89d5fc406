//! The job's input, and what its state must be after any prefix of it. Pure, so that process and judge
//! compute the same.

use keygroups::key_group::{KeyGroup, MaxParallelism};
use serde::{Deserialize, Serialize};

/// Few enough that each has many keys.
pub const MAX_PARALLELISM: u16 = 16;

/// With [`FILLER_BYTES`] about 3 MB of state in all.
const KEYS_PER_GROUP: u64 = 1_500;

const FILLER_BYTES: usize = 100;

/// The value of a key.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    pub count: u64,
    // Changes with every record, so that no byte of an old value can pass for the new one.
    filler: Vec<u8>,
}

pub fn max_parallelism() -> MaxParallelism {
    MaxParallelism::new(u32::from(MAX_PARALLELISM)).expect("in bounds")
}

/// The key of record `number` of the input of `key_group`.
pub fn word(key_group: KeyGroup, number: u64) -> u64 {
    mix(u64::from(key_group.0) << 48 | number) % KEYS_PER_GROUP
}

/// The value of the key `word` of which `count` records were read.
pub fn value(word: u64, count: u64) -> Count {
    Count { count, filler: vec![mix(word << 32 | count) as u8; FILLER_BYTES] }
}

/// How often each key is in the first `records` records of `key_group`.
pub fn counts(key_group: KeyGroup, records: u64) -> Vec<u64> {
    let mut counts = vec![0; KEYS_PER_GROUP as usize];
    for number in 0..records {
        counts[word(key_group, number) as usize] += 1;
    }
    counts
}

/// SplitMix64's finisher: also the dice of the killer.
pub fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
