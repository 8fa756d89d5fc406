//! Damaged and foreign parts: refused, or the same table.

use bytes::Bytes;
use keygroups::table::{ChunkImage, FrozenTable, ImageError, PageImage, Table, Xxh3};

use crate::support::{Map, filled};

struct Parts {
    pages: Vec<PageImage>,
    chunks: Vec<ChunkImage>,
    entries: usize,
}

impl Parts {
    fn of(frozen: &FrozenTable) -> Self {
        Self { pages: frozen.pages().to_vec(), chunks: frozen.chunks().collect(), entries: frozen.len() }
    }

    /// The entries that were shown and the table, which has the same.
    fn restored(&self) -> Result<(Table, Map), ImageError> {
        let (mut seen, mut shown) = (Map::new(), 0);
        let table =
            Table::from_parts(self.pages.clone(), self.chunks.clone(), self.entries, |key, value| {
                seen.insert(key.to_vec(), value.to_vec());
                shown += 1;
            })?;
        assert_eq!(shown, seen.len(), "no key of a table is shown twice");
        crate::support::assert_same(&table, &seen);
        Ok((table, seen))
    }
}

fn flipped(bytes: &Bytes, bit: usize) -> Bytes {
    let mut bytes = bytes.to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes.into()
}

/// A table with dead records, pages of one or several, and its parts.
fn sample(entries: u64) -> (Parts, Map) {
    let (mut table, mut map) = filled::<Xxh3>(0..entries);
    for number in (0..entries).step_by(4) {
        let key = number.to_le_bytes();
        table.put(&key, b"another length").unwrap();
        map.insert(key.to_vec(), b"another length".to_vec());
    }
    (Parts::of(&table.freeze()), map)
}

/// Every bit of a small table. What the structure cannot see is a value with another byte, or one
/// that took its length from a record that is dead: the digest over what was shown sees it.
#[test]
fn a_flipped_bit_is_refused_or_shows_in_the_entries() {
    let (sound, map) = sample(12);
    let mut harmless = 0;
    let mut check = |parts: Parts| {
        if let Ok((mut table, seen)) = parts.restored() {
            harmless += usize::from(seen == map);
            // Whatever it is, it is a table.
            table.put(b"key", b"value").unwrap();
            for key in seen.keys() {
                assert!(table.remove(key));
            }
            assert_eq!(table.len(), 1);
        }
    };
    for page in 0..sound.pages.len() {
        for bit in 0..sound.pages[page].slots.len() * 8 {
            let mut pages = sound.pages.clone();
            pages[page].slots = flipped(&pages[page].slots, bit);
            check(Parts { pages, chunks: sound.chunks.clone(), ..sound });
        }
    }
    for chunk in 0..sound.chunks.len() {
        for bit in 0..sound.chunks[chunk].bytes.len() * 8 {
            let mut chunks = sound.chunks.clone();
            chunks[chunk].bytes = flipped(&chunks[chunk].bytes, bit);
            check(Parts { chunks, pages: sound.pages.clone(), ..sound });
        }
    }
    assert!(harmless > 0, "padding and dead records mean nothing");
}

#[test]
fn a_flipped_bit_of_a_page_is_always_refused() {
    let (sound, _) = sample(9_000);
    assert!(sound.pages.len() > 2, "more than one page");
    for page in 0..sound.pages.len() {
        for bit in (0..sound.pages[page].slots.len() * 8).step_by(997) {
            let mut pages = sound.pages.clone();
            pages[page].slots = flipped(&pages[page].slots, bit);
            let parts = Parts { pages, chunks: sound.chunks.clone(), ..sound };
            assert!(parts.restored().is_err(), "page {page}, bit {bit}");
        }
    }
}

#[test]
fn every_depth_and_number_of_homes_but_the_right_one_is_refused() {
    for entries in [12, 9_000] {
        let (sound, _) = sample(entries);
        for depth in 0..=u8::MAX {
            for home_bits in [0, 1, 2, 3, 4, 5, 6, 11, 12, 13, 63, 64, 255] {
                let mut pages = sound.pages.clone();
                if (pages[0].depth, pages[0].home_bits) == (depth, home_bits) {
                    continue;
                }
                (pages[0].depth, pages[0].home_bits) = (depth, home_bits);
                let parts = Parts { pages, chunks: sound.chunks.clone(), ..sound };
                assert!(matches!(parts.restored(), Err(ImageError::Page { .. })), "{depth} {home_bits}");
            }
        }
    }
}

#[test]
fn missing_repeated_and_swapped_parts_are_refused() {
    let (sound, _) = sample(9_000);
    let with_pages = |change: &dyn Fn(&mut Vec<PageImage>)| {
        let mut pages = sound.pages.clone();
        change(&mut pages);
        Parts { pages, chunks: sound.chunks.clone(), ..sound }.restored().map(|_| ()).unwrap_err()
    };
    let with_chunks = |change: &dyn Fn(&mut Vec<ChunkImage>)| {
        let mut chunks = sound.chunks.clone();
        change(&mut chunks);
        Parts { chunks, pages: sound.pages.clone(), ..sound }.restored().map(|_| ()).unwrap_err()
    };
    let is_page = |error| matches!(error, ImageError::Page { .. });
    assert!(is_page(with_pages(&|pages| drop(pages.pop()))));
    assert!(is_page(with_pages(&|pages| pages.push(pages[0].clone()))));
    assert!(is_page(with_pages(&|pages| pages.swap(0, 1))));
    assert!(is_page(with_pages(&|pages| drop(pages[1].slots.split_off(32_000)))));
    assert!(is_page(with_pages(&|pages| drop(pages[1].slots.split_off(33_001)))));
    assert_eq!(with_pages(&Vec::clear), ImageError::Entries { expected: 9_000, found: 0 });

    assert!(matches!(with_chunks(&|chunks| drop(chunks.pop())), ImageError::DanglingSlots { .. }));
    let number = sound.chunks[0].number;
    let again = with_chunks(&|chunks| chunks.push(chunks[0].clone()));
    assert_eq!(again, ImageError::ChunkNumber { chunk: number });
    let beyond = with_chunks(&|chunks| chunks[0].number = 262_143);
    assert_eq!(beyond, ImageError::ChunkNumber { chunk: 262_143 });
    let cut = with_chunks(&|chunks| drop(chunks[0].bytes.split_off(1_002)));
    assert_eq!(cut, ImageError::Record { chunk: number, offset: 1_000 });
    assert!(matches!(
        with_chunks(&|chunks| {
            let last = chunks.len() - 1;
            let (first, second) = (chunks[0].number, chunks[last].number);
            (chunks[0].number, chunks[last].number) = (second, first);
        }),
        ImageError::DanglingSlots { .. }
    ));
}

#[test]
fn two_entries_of_one_key_are_refused() {
    let mut table: Table = Table::new();
    table.put(b"key", b"first").unwrap();
    table.put(b"key", b"another").unwrap();
    let mut parts = Parts::of(&table.freeze());
    // The slot of the first record lies beside that of the second.
    let mut slots = parts.pages[0].slots.to_vec();
    let at = slots.iter().position(|&byte| byte != 0).unwrap() / 8 * 8;
    let second: [u8; 8] = slots[at..at + 8].try_into().unwrap();
    let first = u64::from_le_bytes(second) | u64::MAX >> 28;
    slots[at + 8..at + 16].copy_from_slice(&first.to_le_bytes());
    parts.pages[0].slots = slots.into();
    parts.entries = 2;
    assert_eq!(parts.restored().unwrap_err(), ImageError::DuplicateKey { chunk: 0, offset: 0 });
}

/// `parts` with the greatest number there is for its only chunk.
fn far(parts: &Parts) -> Parts {
    let mut far = Parts { pages: parts.pages.clone(), chunks: parts.chunks.clone(), ..*parts };
    assert_eq!((far.pages.len(), far.chunks.len(), far.chunks[0].number), (1, 1, 0));
    far.chunks[0].number = 262_142;
    let mut slots = far.pages[0].slots.to_vec();
    for slot in slots.as_chunks_mut::<8>().0.iter_mut().filter(|slot| **slot != [0; 8]) {
        *slot = (!(!u64::from_le_bytes(*slot) | 262_142 << 18)).to_le_bytes();
    }
    far.pages[0].slots = slots.into();
    far
}

/// A place for each number below it would be many MB.
#[test]
fn chunk_with_a_great_number_is_read_as_one_with_a_small_one() {
    let (sound, map) = sample(12);
    let (mut table, seen) = far(&sound).restored().unwrap();
    assert_eq!(seen, map);
    assert_eq!(table.freeze().chunks().map(|chunk| chunk.number).collect::<Vec<_>>(), [0]);
}

#[test]
fn damage_in_a_chunk_with_a_great_number_is_named_by_that_number() {
    let (sound, _) = sample(12);
    let mut cut = far(&sound);
    let end = cut.chunks[0].bytes.len() - 4;
    drop(cut.chunks[0].bytes.split_off(end));
    assert!(matches!(cut.restored(), Err(ImageError::Record { chunk: 262_142, .. })));
    // Its slots name a chunk that is not there.
    let mut elsewhere = far(&sound);
    elsewhere.chunks[0].number = 262_141;
    assert_eq!(elsewhere.restored().unwrap_err(), ImageError::ChunkNumber { chunk: 262_142 });
}
