//! The entries of a table in the order of memory.
//!
//! A table's own order is that of hashes, in which nearly every entry is a miss of the cache; digests are sums,
//! for which any order will do. What the index says of records takes a bit for every four bytes, so the bits of
//! a key group stay in the cache while its chunks are walked. Layout of slots, chunks and records:
//! `docs/table.md`.

use crate::table::FrozenTable;

const ALIGN: usize = 4;
const OFFSET_BITS: u32 = 18;
const CHUNK_BITS: u32 = 18;
const KEY_BITS: u32 = 12;
const ESCAPE: u32 = u32::MAX;

/// Shows every entry once, in the order of chunk numbers and in each chunk in that of memory.
///
/// # Panics
///
/// If the table's index or chunks are not those of a table.
pub(super) fn for_each(table: &FrozenTable, mut visit: impl FnMut(&[u8], &[u8])) {
    let named = Named::of(table);
    for chunk in table.chunks() {
        let first = named.first_of(chunk.number as usize).expect("every chunk was counted");
        let mut rest = &chunk.bytes[..];
        while !rest.is_empty() {
            let unit = (chunk.bytes.len() - rest.len()) / ALIGN;
            let (key, value, after) = record(rest).expect("a chunk of a table has whole records");
            if named.contains(first + unit) {
                visit(key, value);
            }
            rest = after;
        }
    }
}

/// Which records the index names. Units of four bytes are counted through all chunks.
struct Named {
    // Of each chunk number the first unit, `None` if there is no such chunk.
    first: Vec<Option<usize>>,
    bits: Vec<u64>,
}

impl Named {
    fn of(table: &FrozenTable) -> Self {
        let (mut first, mut units) = (Vec::new(), 0);
        for chunk in table.chunks() {
            // Numbers ascend.
            first.resize(chunk.number as usize, None);
            first.push(Some(units));
            units += chunk.bytes.len() / ALIGN;
        }
        let mut named = Self { first, bits: vec![0; units.div_ceil(u64::BITS as usize)] };
        let slots = table.pages().iter().flat_map(|page| page.slots.as_chunks::<8>().0);
        for slot in slots.map(|slot| u64::from_le_bytes(*slot)).filter(|slot| *slot != 0) {
            let position = !slot;
            let chunk = (position >> OFFSET_BITS) as usize & ((1 << CHUNK_BITS) - 1);
            let offset = position as usize & ((1 << OFFSET_BITS) - 1);
            let unit = named.first_of(chunk).expect("the index names only chunks that there are") + offset;
            let word = named.bits.get_mut(unit / u64::BITS as usize);
            *word.expect("the index names only what lies in chunks") |= 1 << (unit % u64::BITS as usize);
        }
        named
    }

    fn first_of(&self, chunk: usize) -> Option<usize> {
        self.first.get(chunk).copied().flatten()
    }

    fn contains(&self, unit: usize) -> bool {
        let word = self.bits.get(unit / u64::BITS as usize);
        word.is_some_and(|word| word >> (unit % u64::BITS as usize) & 1 == 1)
    }
}

/// Key and value of the record at the beginning of `bytes`, and what follows it.
#[inline]
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<4>()?;
    let header = u32::from_le_bytes(*header);
    let (key, value, rest) = if header == ESCAPE {
        let (key, rest) = rest.split_first_chunk::<4>()?;
        let (value, rest) = rest.split_first_chunk::<4>()?;
        (u32::from_le_bytes(*key) as usize, u32::from_le_bytes(*value) as usize, rest)
    } else {
        ((header & ((1 << KEY_BITS) - 1)) as usize, (header >> KEY_BITS) as usize, rest)
    };
    let padding = (key + value).wrapping_neg() % ALIGN;
    let (key, rest) = rest.split_at_checked(key)?;
    let (value, rest) = rest.split_at_checked(value)?;
    Some((key, value, rest.get(padding..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Table;

    fn assert_same_entries(frozen: &FrozenTable) {
        let mut scanned = Vec::new();
        for_each(frozen, |key, value| scanned.push((key.to_vec(), value.to_vec())));
        let mut expected: Vec<_> = frozen.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
        scanned.sort_unstable();
        expected.sort_unstable();
        assert!(scanned == expected, "{} entries instead of {}", scanned.len(), expected.len());
    }

    #[test]
    fn entries_are_those_of_the_index() {
        let mut table: Table = Table::new();
        let key = |number: u32| number.wrapping_mul(0x9E37_79B9).to_le_bytes();
        let mut held = vec![table.freeze()];
        for number in 0..20_000_u32 {
            table.put(&key(number), &vec![7; number as usize % 50]).unwrap();
            if number % 3 == 0 {
                table.put(&key(number / 2), b"changed").unwrap();
            }
            if number % 5 == 0 {
                table.remove(&key(number / 3));
            }
            if number % 4_000 == 0 {
                // What is held lets dead records pile up.
                held.push(table.freeze());
            }
        }
        table.put(&[1; 5_000], &vec![2; 2 << 20]).unwrap();
        held.push(table.freeze());
        held.iter().for_each(assert_same_entries);
    }
}
