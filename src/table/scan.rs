//! The entries of a table in the order of memory.
//!
//! Digests are sums, for which any order will do, and that of memory is the fastest. Most chunks have no dead record, and
//! the table knows which; only for the others the index is asked which of their records are live.

use super::{FrozenTable, PageImage, frozen::FrozenChunk, named::Named, record::Record};

impl FrozenTable {
    /// Shows every entry once, in the order of chunk numbers and in each chunk in that of memory: much faster
    /// than [`iter`](Self::iter) where the table is larger than the cache.
    pub fn visit_in_memory_order(&self, mut visit: impl FnMut(&[u8], &[u8])) {
        let named = (!self.chunks.iter().all(FrozenChunk::is_live)).then(|| self.named());
        for (number, chunk) in self.chunks.iter().enumerate() {
            let named = named.as_ref().filter(|_| !chunk.is_live()).map(|named| named.of_chunk(number));
            let mut offset = 0;
            while offset < chunk.bytes.len() {
                let record =
                    Record::read(&chunk.bytes[offset..]).expect("a chunk of a table has whole records");
                if named.is_none_or(|named| named.contains(offset)) {
                    visit(record.key, record.value);
                }
                offset += record.size();
            }
        }
    }

    /// What the index names in chunks that have dead records, too.
    fn named(&self) -> Named {
        let dead = |chunk: &FrozenChunk| if chunk.is_live() { 0 } else { chunk.bytes.len() };
        let mut named = Named::new(self.chunks.iter().map(dead));
        for slot in self.pages.iter().flat_map(PageImage::slots) {
            let position = slot.position();
            let is_new = self.chunks[position.chunk()].is_live() || named.insert(position);
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
