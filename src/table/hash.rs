//! The hash that decides where in the index a key is.

use std::fmt;

/// A hash of keys, the same in every process: an index that was read is used as it is.
pub trait KeyHash: fmt::Debug {
    /// The hash of `key`.
    fn hash(key: &[u8]) -> u64;
}

/// XXH3 of 64 bits with seed 0. Part of the layout: another hash is another format.
#[derive(Clone, Copy, Debug)]
pub enum Xxh3 {}

impl KeyHash for Xxh3 {
    #[inline]
    fn hash(key: &[u8]) -> u64 {
        xxhash_rust::xxh3::xxh3_64(key)
    }
}
