//! The entries of a table in the order of memory.
//!
//! Digests are sums, for which any order will do, and that of memory is the fastest.

use super::{FrozenTable, PageImage, named::Named, record::Record};

impl FrozenTable {
    /// Shows every entry once, in the order of chunk numbers and in each chunk in that of memory: much faster
    /// than [`iter`](Self::iter) where the table is larger than the cache.
    pub fn visit_in_memory_order(&self, mut visit: impl FnMut(&[u8], &[u8])) {
        let named = self.named();
        for chunk in self.chunks() {
            let named = named.of_chunk(chunk.number as usize);
            let mut offset = 0;
            while offset < chunk.bytes.len() {
                let record =
                    Record::read(&chunk.bytes[offset..]).expect("a chunk of a table has whole records");
                if named.contains(offset) {
                    visit(record.key, record.value);
                }
                offset += record.size();
            }
        }
    }

    fn named(&self) -> Named {
        let mut bytes = Vec::new();
        for chunk in self.chunks() {
            // Numbers ascend; the index names nothing in those that are left out.
            bytes.resize(chunk.number as usize, 0);
            bytes.push(chunk.bytes.len());
        }
        let mut named = Named::new(bytes.into_iter());
        for slot in self.pages().iter().flat_map(PageImage::slots) {
            let is_new = named.insert(slot.position());
            assert!(is_new, "the index of a table names each record once");
        }
        named
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
