//! What the tests of tables share.

use std::collections::BTreeMap;

use keygroups::table::{FrozenTable, KeyHash, Table};

pub type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// Every key has the same hash, and so the same tag and home.
#[derive(Debug)]
pub enum Same {}

impl KeyHash for Same {
    fn hash(_: &[u8]) -> u64 {
        u64::MAX
    }
}

/// A few hashes, far apart and close together; the smallest and the greatest tag among them.
#[derive(Debug)]
pub enum Few {}

impl KeyHash for Few {
    fn hash(key: &[u8]) -> u64 {
        let bits = key.iter().fold(0_u64, |bits, &byte| bits.wrapping_mul(31).wrapping_add(u64::from(byte)));
        [0, 1 << 36, 2 << 36, 1 << 63, u64::MAX - (1 << 36), u64::MAX][bits as usize % 6]
    }
}

pub fn map_of<'a>(entries: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Map {
    entries.map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

/// Both hold the same entries, each once, and every key is found.
pub fn assert_same<H: KeyHash>(table: &Table<H>, map: &Map) {
    assert_eq!(table.len(), map.len());
    assert_eq!(table.iter().len(), map.len());
    assert_eq!(table.iter().count(), map.len(), "no entry comes twice");
    assert_eq!(&map_of(table.iter()), map);
    for (key, value) in map {
        assert_eq!(table.get(key), Some(&value[..]));
    }
}

pub fn assert_same_frozen(frozen: &FrozenTable, map: &Map) {
    assert_eq!((frozen.len(), frozen.iter().count()), (map.len(), map.len()));
    assert_eq!(&map_of(frozen.iter()), map);
}

/// Key and value of a number; values of some keys are longer.
pub fn entry(number: u64) -> (Vec<u8>, Vec<u8>) {
    (number.to_le_bytes().to_vec(), vec![number as u8; 20 + number as usize % 7])
}

pub fn filled<H: KeyHash>(numbers: std::ops::Range<u64>) -> (Table<H>, Map) {
    let (mut table, mut map) = (Table::new(), Map::new());
    for (key, value) in numbers.map(entry) {
        table.put(&key, &value).unwrap();
        map.insert(key, value);
    }
    (table, map)
}

/// The table that `frozen` was taken of, as a reader of its bytes gets it.
pub fn from_its_parts<H: KeyHash>(frozen: &FrozenTable) -> Table<H> {
    Table::from_parts(frozen.pages().to_vec(), frozen.chunks(), frozen.len(), |_, _| ())
        .expect("a table's own parts are one")
}
