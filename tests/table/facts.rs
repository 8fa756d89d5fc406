//! Determinism, and what a frozen table keeps.

use keygroups::table::{ChunkImage, PageImage, Table, Xxh3};

use crate::support::{assert_same, assert_same_frozen, entry, filled};

type Parts = (Vec<PageImage>, Vec<ChunkImage>);

fn parts(table: &mut Table) -> Parts {
    let frozen = table.freeze();
    (frozen.pages().to_vec(), frozen.chunks().collect())
}

#[test]
fn equal_operations_give_equal_bytes() {
    let table = || {
        let (mut table, _) = filled(0..20_000);
        for number in 0..20_000_u64 {
            table.put(&(number % 7_000).to_le_bytes(), &vec![1; number as usize % 50]).unwrap();
            table.remove(&(number * 3).to_le_bytes());
        }
        table
    };
    assert_eq!(parts(&mut table()), parts(&mut table()));
}

/// The bytes of a table of three entries: what docs/table.md says.
#[test]
fn a_small_table_has_the_documented_bytes() {
    let mut table: Table = Table::new();
    for (key, value) in [("a", "1"), ("b", "22"), ("a", "3"), ("c", "")] {
        table.put(key.as_bytes(), value.as_bytes()).unwrap();
    }
    let (pages, chunks) = parts(&mut table);
    assert_eq!((chunks.len(), chunks[0].number), (1, 0));
    assert_eq!(chunks[0].bytes, &b"\x01\x10\0\0a3\0\0\x01\x20\0\0b22\0\x01\0\0\0c\0\0\0"[..]);
    assert_eq!((pages.len(), pages[0].depth, pages[0].home_bits), (1, 0, 3));
    let mut slots = [0_u64; 16];
    for (key, offset) in [("a", 0), ("b", 2), ("c", 4)] {
        let hash = xxhash_rust::xxh3::xxh3_64(key.as_bytes());
        slots[offset as usize / 2] = !(hash >> 36 << 36 | offset);
    }
    // Eight homes are one line; greater slots have smaller tags.
    slots.sort_by(|a, b| b.cmp(a));
    assert_eq!(pages[0].slots, slots.map(u64::to_le_bytes).concat());
}

#[test]
fn a_frozen_table_never_changes() {
    let (mut table, mut map) = filled::<Xxh3>(0..10_000);
    let mut frozen = Vec::new();
    for round in 0..5_u64 {
        frozen.push((table.freeze(), map.clone()));
        for number in (0..12_000).step_by(3) {
            let (key, mut value) = entry(number);
            value.push(round as u8);
            table.put(&key, &value).unwrap();
            map.insert(key, value);
            let (gone, _) = entry(number + 1 + round % 2);
            assert_eq!(table.remove(&gone), map.remove(&gone).is_some());
        }
    }
    assert_same(&table, &map);
    for (frozen, map) in &frozen {
        assert_same_frozen(frozen, map);
    }
}

/// A reader takes any number of slots.
#[test]
fn a_page_may_end_within_a_line() {
    let (mut table, mut map) = filled::<Xxh3>(0..9_000);
    let frozen = table.freeze();
    let mut pages = frozen.pages().to_vec();
    for page in &mut pages {
        let used = page.slots.chunks(8).rposition(|slot| slot != [0; 8]).unwrap() + 1;
        page.slots.truncate(8 * used.max((1 << page.home_bits) + 3));
        assert_ne!(page.slots.len() % 64, 0, "no page is filled to the end of a line");
    }
    let mut restored: Table = Table::from_parts(pages, frozen.chunks(), frozen.len(), |_, _| ()).unwrap();
    assert_same(&restored, &map);
    for (key, value) in (9_000..20_000).map(entry) {
        restored.put(&key, &value).unwrap();
        map.insert(key, value);
    }
    assert_same(&restored, &map);
}

#[test]
fn a_restored_table_uses_the_bytes_that_were_read() {
    let (mut table, map) = filled(0..20_000);
    let (pages, chunks) = parts(&mut table);
    let mut seen = crate::support::Map::new();
    let visit = |key: &[u8], value: &[u8]| assert!(seen.insert(key.to_vec(), value.to_vec()).is_none());
    let mut restored: Table = Table::from_parts(pages.clone(), chunks.clone(), map.len(), visit).unwrap();
    assert_eq!(seen, map);
    assert_same(&restored, &map);
    let (pages_again, chunks_again) = parts(&mut restored);
    let addresses = |pages: &[PageImage], chunks: &[ChunkImage]| -> Vec<_> {
        let pages = pages.iter().map(|page| page.slots.as_ptr());
        pages.chain(chunks.iter().map(|chunk| chunk.bytes.as_ptr())).collect()
    };
    assert_eq!(addresses(&pages, &chunks), addresses(&pages_again, &chunks_again));
}
