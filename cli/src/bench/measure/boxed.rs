//! What one would take instead: a hash table for each key group, with boxed keys and values.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use keygroups::key_group::{KeyGroupRange, MaxParallelism};
use xxhash_rust::xxh3::xxh3_64;

use super::state::{Key, changed, key_group_of, max_parallelism};

type BoxedEntry = (Box<[u8]>, Box<[u8]>);

/// The entries of one key group.
#[derive(Default)]
pub struct Group(HashTable<BoxedEntry>);

impl Group {
    pub fn put(&mut self, key: &[u8], value: &[u8]) {
        let hash = |entry: &BoxedEntry| xxh3_64(&entry.0);
        match self.0.entry(xxh3_64(key), |entry| *entry.0 == *key, hash) {
            Entry::Occupied(mut entry) => entry.get_mut().1 = value.into(),
            Entry::Vacant(entry) => drop(entry.insert((key.into(), value.into()))),
        }
    }

    /// The entries one by one, each with the lengths of key and value in front.
    pub fn write(&self, out: &mut Vec<u8>) {
        for (key, value) in &self.0 {
            out.extend_from_slice(&(key.len() as u32).to_le_bytes());
            out.extend_from_slice(&(value.len() as u32).to_le_bytes());
            out.extend_from_slice(key);
            out.extend_from_slice(value);
        }
    }

    /// What was [written](Self::write), inserted entry by entry.
    pub fn read(mut bytes: &[u8]) -> Self {
        let mut group = Self::default();
        while let Some((key, rest)) = bytes.split_first_chunk::<4>() {
            let (value, rest) = rest.split_first_chunk::<4>().expect("an entry is written whole");
            let (key, rest) = rest.split_at(u32::from_le_bytes(*key) as usize);
            let (value, rest) = rest.split_at(u32::from_le_bytes(*value) as usize);
            group.put(key, value);
            bytes = rest;
        }
        group
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// What glibc takes for the table and for all boxes: 8 bytes more than was asked for, in multiples of
    /// 16 and at least 32.
    pub fn memory_bytes(&self) -> usize {
        let taken = |bytes: usize| (bytes + 8).next_multiple_of(16).max(32);
        let boxes = |(key, value): &BoxedEntry| taken(key.len()) + taken(value.len());
        self.0.allocation_size() + self.0.iter().map(boxes).sum::<usize>()
    }
}

/// The key groups of one task.
pub struct BoxedTask {
    max_parallelism: MaxParallelism,
    first: usize,
    groups: Vec<Group>,
}

impl BoxedTask {
    pub fn empty(owned: KeyGroupRange) -> Self {
        let groups = owned.iter().map(|_| Group::default()).collect();
        Self { max_parallelism: max_parallelism(), first: owned.first().index(), groups }
    }

    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    #[inline(always)]
    fn group(&self, key: Key) -> usize {
        key_group_of(key, self.max_parallelism).index() - self.first
    }

    #[inline]
    pub fn put(&mut self, key: Key, value: &[u8]) {
        let group = self.group(key);
        self.groups[group].put(&key, value);
    }

    #[inline(always)]
    pub fn get(&self, key: Key) -> Option<&[u8]> {
        let found = self.groups[self.group(key)].0.find(xxh3_64(&key), |entry| *entry.0 == key);
        found.map(|entry| &*entry.1)
    }

    /// One search: the value is changed where it is.
    #[inline(always)]
    pub fn update(&mut self, key: Key) {
        let group = self.group(key);
        let found = self.groups[group].0.find_mut(xxh3_64(&key), |entry| *entry.0 == key);
        let (_, value) = found.expect("the key is there");
        value.copy_from_slice(&changed(value));
    }

    /// As [`Group::memory_bytes`].
    pub fn memory_bytes(&self) -> usize {
        self.groups.iter().map(Group::memory_bytes).sum()
    }
}
