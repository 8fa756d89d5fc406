//! The hash that decides where in the index a key is.

use std::fmt;

use xxhash_rust::xxh3::xxh3_64;

/// A hash of keys, the same in every process: an index that was read is used as it is.
pub trait KeyHash: fmt::Debug {
    /// The hash of `key`.
    fn hash(key: &[u8]) -> u64;
}

/// XXH3 of 64 bits with seed 0. Part of the layout: another hash is another format.
#[derive(Clone, Copy, Debug)]
pub enum Xxh3 {}

impl KeyHash for Xxh3 {
    /// Where the length is known, a dozen instructions are left of it; most keys are numbers.
    #[inline(always)]
    fn hash(key: &[u8]) -> u64 {
        if let Ok(key) = <&[u8; 8]>::try_from(key) {
            return xxh3_64(key);
        }
        if let Ok(key) = <&[u8; 16]>::try_from(key) {
            return xxh3_64(key);
        }
        hash_of_any_length(key)
    }
}

#[inline(never)]
fn hash_of_any_length(key: &[u8]) -> u64 {
    xxh3_64(key)
}
