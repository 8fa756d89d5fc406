//! Every value once, under a number.

use std::sync::{PoisonError, RwLock};

use hashbrown::HashTable;

/// Locks rarely meet if there are many more of them than threads.
const SHARDS: usize = 64;

/// A value with what is known about it.
pub(crate) struct Entry<T, A> {
    pub(crate) value: T,
    /// Equal for equal values, in every process.
    pub(crate) digest: u64,
    pub(crate) about: A,
}

/// Values that differ. A number stays valid as long as the arena.
pub(crate) struct Arena<T, A = ()> {
    entries: boxcar::Vec<Entry<T, A>>,
    shards: Box<[RwLock<HashTable<u32>>]>,
}

impl<T: Eq, A: Default> Arena<T, A> {
    pub(crate) fn new() -> Self {
        let shards = (0..SHARDS).map(|_| RwLock::default()).collect();
        Self { entries: boxcar::Vec::new(), shards }
    }

    /// The number of a value; `digest` is equal for equal values.
    pub(crate) fn intern(&self, digest: u64, value: T) -> u32 {
        let is = |id: &u32| {
            let known = &self.entries[*id as usize];
            known.digest == digest && known.value == value
        };
        let shard = &self.shards[digest as usize % SHARDS];
        if let Some(id) = shard.read().unwrap_or_else(PoisonError::into_inner).find(digest, is) {
            return *id;
        }
        let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = shard.find(digest, is) {
            return *id;
        }
        let id = self.entries.push(Entry { value, digest, about: A::default() });
        let id = u32::try_from(id).expect("a model has fewer than 2^32 values of a kind");
        shard.insert_unique(digest, id, |id| self.entries[*id as usize].digest);
        id
    }
}

impl<T, A> std::ops::Index<u32> for Arena<T, A> {
    type Output = Entry<T, A>;

    fn index(&self, id: u32) -> &Entry<T, A> {
        &self.entries[id as usize]
    }
}

/// Mixes all bits of a number into all others. Source: Steele, Lea and Flood, 2014, SplitMix64.
pub(crate) fn spread(value: u64) -> u64 {
    let mixed = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
