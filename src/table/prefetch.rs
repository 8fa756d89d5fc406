//! What later accesses will wait for, asked for beforehand.
//!
//! Where a table is larger than the cache, an access waits for memory twice: for a line of the index, and for the record
//! that it names. A processor looks ahead over an access or two only. Who knows some keys beforehand asks for the lines
//! of all of them, and then for the records of all of them; the processor waits for as many at once as it can.

use super::{KeyHash, Table, buffer::LINE};
use crate::raw::processor::fetch;

impl<H: KeyHash> Table<H> {
    /// Asks for the line of the index in which a key of this hash is looked for first.
    #[inline(always)]
    pub(crate) fn prefetch_slots(&self, hash: u64) {
        if let Some([[byte, ..], ..]) = self.index.home(hash) {
            fetch(byte);
        }
    }

    /// Asks for the record that this line names.
    #[inline(always)]
    pub(crate) fn prefetch_record(&self, hash: u64) {
        self.first_lines(hash).for_each(fetch);
    }

    /// A byte of each line of the cache that the record begins with: how long it is, nobody knows before it is there, and
    /// what follows, a processor fetches by itself.
    #[inline(always)]
    fn first_lines(&self, hash: u64) -> impl Iterator<Item = &u8> {
        let position = self.index.at_home(hash).map(|(_, position)| position);
        let record = position.map(|position| self.log.bytes_from(position)).unwrap_or_default();
        [0, LINE].into_iter().filter_map(|at| record.get(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Xxh3;

    #[test]
    fn what_is_asked_for_is_where_the_record_of_the_key_begins() {
        let mut table: Table = Table::new();
        let key = |number: u32| number.wrapping_mul(0x9E37_79B9).to_le_bytes();
        assert_eq!(table.first_lines(Xxh3::hash(&key(0))).next(), None);

        let count = 20_000;
        (0..count).for_each(|number| table.put(&key(number), &[7; 100]).unwrap());
        let frozen = table.freeze();
        (0..count / 2).for_each(|number| table.put(&key(number), &[8; 90]).unwrap());
        let is_asked_for = |number: &u32| {
            let key = key(*number);
            let value = table.get(&key).expect("it was put").as_ptr().addr();
            let [first, second] = [0, LINE].map(|line| value - key.len() - 4 + line);
            table
                .first_lines(Xxh3::hash(&key))
                .map(|byte| std::ptr::from_ref(byte).addr())
                .eq([first, second])
        };
        let found = (0..count).filter(is_asked_for).count();
        assert!(found > count as usize / 10 * 9, "{found} of {count}: the others lie in later lines");
        drop(frozen);
    }
}
