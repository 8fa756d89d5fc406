//! What holds the entries of a key group: the table, and what one would take instead.

#![expect(clippy::disallowed_types, reason = "the rival that everybody knows")]

use std::collections::HashMap;

use hashbrown::{HashTable, hash_table::Entry};
use keygroups::table::{FrozenTable, PutError, Table};
use xxhash_rust::xxh3::xxh3_64;

/// A map of one key group.
pub trait Entries: Default {
    const NAME: &str;

    fn put(&mut self, key: &[u8], value: &[u8]);
    fn get(&self, key: &[u8]) -> Option<&[u8]>;
    /// Reads the value and puts another one of the same length.
    fn update(&mut self, key: &[u8], change: impl FnOnce(&[u8], &mut [u8; VALUE]));
    fn for_each(&self, visit: impl FnMut(&[u8], &[u8]));
}

/// The length of all values.
pub const VALUE: usize = 100;

impl Entries for Table {
    const NAME: &str = "table";

    fn put(&mut self, key: &[u8], value: &[u8]) {
        Table::put(self, key, value).expect("entries are small");
    }

    fn get(&self, key: &[u8]) -> Option<&[u8]> {
        Table::get(self, key)
    }

    fn update(&mut self, key: &[u8], change: impl FnOnce(&[u8], &mut [u8; VALUE])) {
        let change = |before: Option<&[u8]>| {
            let mut new = [0; VALUE];
            change(before.expect("the key is there"), &mut new);
            Ok::<_, PutError>(Some(new))
        };
        Table::update(self, key, change).expect("entries are small");
    }

    fn for_each(&self, mut visit: impl FnMut(&[u8], &[u8])) {
        self.iter().for_each(|(key, value)| visit(key, value));
    }
}

/// A hash table of boxed keys and values, with the table's hash.
#[derive(Default)]
pub struct Boxed(HashTable<BoxedEntry>);

type BoxedEntry = (Box<[u8]>, Box<[u8]>);

impl Entries for Boxed {
    const NAME: &str = "boxed";

    fn put(&mut self, key: &[u8], value: &[u8]) {
        let hash = |entry: &BoxedEntry| xxh3_64(&entry.0);
        match self.0.entry(xxh3_64(key), |entry| *entry.0 == *key, hash) {
            Entry::Occupied(mut entry) => entry.get_mut().1 = value.into(),
            Entry::Vacant(entry) => drop(entry.insert((key.into(), value.into()))),
        }
    }

    fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.0.find(xxh3_64(key), |entry| *entry.0 == *key).map(|entry| &*entry.1)
    }

    fn update(&mut self, key: &[u8], change: impl FnOnce(&[u8], &mut [u8; VALUE])) {
        let found = self.0.find_mut(xxh3_64(key), |entry| *entry.0 == *key).expect("the key is there");
        let mut new = [0; VALUE];
        change(&found.1, &mut new);
        found.1.copy_from_slice(&new);
    }

    fn for_each(&self, mut visit: impl FnMut(&[u8], &[u8])) {
        self.0.iter().for_each(|(key, value)| visit(key, value));
    }
}

/// Keys of 8 bytes beside their boxed values: what only a store that knows the type of its keys can do.
#[derive(Default)]
pub struct Typed(HashTable<(u64, Box<[u8]>)>);

fn number(key: &[u8]) -> u64 {
    u64::from_le_bytes(key.try_into().expect("keys have 8 bytes"))
}

impl Entries for Typed {
    const NAME: &str = "boxed, u64 keys inline";

    fn put(&mut self, key: &[u8], value: &[u8]) {
        let number = number(key);
        let hash = |entry: &(u64, Box<[u8]>)| xxh3_64(&entry.0.to_le_bytes());
        match self.0.entry(xxh3_64(key), |entry| entry.0 == number, hash) {
            Entry::Occupied(mut entry) => entry.get_mut().1 = value.into(),
            Entry::Vacant(entry) => drop(entry.insert((number, value.into()))),
        }
    }

    fn get(&self, key: &[u8]) -> Option<&[u8]> {
        let number = number(key);
        self.0.find(xxh3_64(key), |entry| entry.0 == number).map(|entry| &*entry.1)
    }

    fn update(&mut self, key: &[u8], change: impl FnOnce(&[u8], &mut [u8; VALUE])) {
        let number = number(key);
        let found = self.0.find_mut(xxh3_64(key), |entry| entry.0 == number).expect("the key is there");
        let mut new = [0; VALUE];
        change(&found.1, &mut new);
        found.1.copy_from_slice(&new);
    }

    fn for_each(&self, mut visit: impl FnMut(&[u8], &[u8])) {
        self.0.iter().for_each(|(key, value)| visit(&key.to_le_bytes(), value));
    }
}

/// The standard library's map, with its own hash.
#[derive(Default)]
pub struct Std(HashMap<Box<[u8]>, Box<[u8]>>);

impl Entries for Std {
    const NAME: &str = "std HashMap";

    fn put(&mut self, key: &[u8], value: &[u8]) {
        self.0.insert(key.into(), value.into());
    }

    fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.0.get(key).map(|value| &**value)
    }

    fn update(&mut self, key: &[u8], change: impl FnOnce(&[u8], &mut [u8; VALUE])) {
        let found = self.0.get_mut(key).expect("the key is there");
        let mut new = [0; VALUE];
        change(found, &mut new);
        found.copy_from_slice(&new);
    }

    fn for_each(&self, mut visit: impl FnMut(&[u8], &[u8])) {
        self.0.iter().for_each(|(key, value)| visit(key, value));
    }
}

pub fn freeze_all(groups: &mut [Table]) -> Vec<FrozenTable> {
    groups.iter_mut().map(Table::freeze).collect()
}
