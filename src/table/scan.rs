//! The entries of a table in the order of memory.
//!
//! A table's own order is that of hashes, in which nearly every entry is a miss of the cache; digests are sums,
//! for which any order will do. What the index says of records takes a bit for every four bytes, so the bits of
//! a table stay in the cache while its chunks are walked.

use super::{
    FrozenTable, PageImage,
    record::{ALIGN, Record},
    slot::Position,
};

impl FrozenTable {
    /// Shows every entry once, in the order of chunk numbers and in each chunk in that of memory: much faster
    /// than [`iter`](Self::iter) where the table is larger than the cache.
    pub fn visit_in_memory_order(&self, mut visit: impl FnMut(&[u8], &[u8])) {
        let named = Named::of(self);
        for chunk in self.chunks() {
            let first = named.first_of(chunk.number as usize);
            let mut offset = 0;
            while offset < chunk.bytes.len() {
                let record =
                    Record::read(&chunk.bytes[offset..]).expect("a chunk of a table has whole records");
                if named.contains(first + offset / ALIGN) {
                    visit(record.key, record.value);
                }
                offset += record.size();
            }
        }
    }
}

/// Which records the index names. Units of [`ALIGN`] bytes are counted through all chunks.
struct Named {
    // Of each chunk number the first unit.
    first: Vec<usize>,
    bits: Vec<u64>,
}

impl Named {
    fn of(table: &FrozenTable) -> Self {
        let (mut first, mut units) = (Vec::new(), 0);
        for chunk in table.chunks() {
            // Numbers ascend; the index names none of those that are left out.
            first.resize(chunk.number as usize + 1, units);
            units += chunk.bytes.len() / ALIGN;
        }
        let mut named = Self { first, bits: vec![0; units.div_ceil(u64::BITS as usize)] };
        for slot in table.pages().iter().flat_map(PageImage::slots) {
            let unit = named.unit(slot.position());
            named.bits[unit / u64::BITS as usize] |= 1 << (unit % u64::BITS as usize);
        }
        named
    }

    fn first_of(&self, chunk: usize) -> usize {
        self.first[chunk]
    }

    fn unit(&self, position: Position) -> usize {
        self.first_of(position.chunk()) + position.offset() / ALIGN
    }

    fn contains(&self, unit: usize) -> bool {
        self.bits[unit / u64::BITS as usize] >> (unit % u64::BITS as usize) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Table;

    fn assert_same_entries(frozen: &FrozenTable) {
        let mut scanned = Vec::new();
        frozen.visit_in_memory_order(|key, value| scanned.push((key.to_vec(), value.to_vec())));
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
