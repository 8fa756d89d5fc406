//! Which records the index names.
//!
//! What the index says of records takes a bit for every four bytes, so the bits of a table stay in the cache while
//! its chunks are walked in the order of memory. In the table's own order, that of hashes, nearly every entry is
//! a miss of the cache.

use super::{record::ALIGN, slot::Position};

const WORD_BITS: usize = u64::BITS as usize;

/// A set of positions. Units of [`ALIGN`] bytes are counted through all chunks.
pub(super) struct Named {
    // Of each chunk number the first unit; one more at the end.
    first: Vec<usize>,
    bits: Vec<u64>,
}

impl Named {
    /// None yet, of chunks of so many bytes, by number.
    pub(super) fn new(chunk_bytes: impl Iterator<Item = usize>) -> Self {
        let mut units = 0;
        let mut first = vec![0];
        first.extend(chunk_bytes.map(|bytes| {
            units += bytes / ALIGN;
            units
        }));
        Self { first, bits: vec![0; units.div_ceil(WORD_BITS)] }
    }

    /// Whether the position was new and is one in a chunk.
    #[inline]
    pub(super) fn insert(&mut self, position: Position) -> bool {
        let Some(&[start, end]) = self.first.get(position.chunk()..).and_then(<[_]>::first_chunk) else {
            return false;
        };
        let unit = start + position.offset() / ALIGN;
        let (word, bit) = (unit / WORD_BITS, 1 << (unit % WORD_BITS));
        let is_new = unit < end && self.bits[word] & bit == 0;
        if is_new {
            self.bits[word] |= bit;
        }
        is_new
    }

    /// What is named in one chunk.
    pub(super) fn of_chunk(&self, number: usize) -> NamedOfChunk<'_> {
        NamedOfChunk { bits: &self.bits, first: self.first[number] }
    }
}

/// See [`Named::of_chunk`].
#[derive(Clone, Copy)]
pub(super) struct NamedOfChunk<'a> {
    bits: &'a [u64],
    first: usize,
}

impl NamedOfChunk<'_> {
    /// Whether what begins at `offset`, which is one in the chunk, is named.
    #[inline]
    pub(super) fn contains(self, offset: usize) -> bool {
        let unit = self.first + offset / ALIGN;
        self.bits[unit / WORD_BITS] >> (unit % WORD_BITS) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(chunk: usize, offset: usize) -> Position {
        Position::new(chunk, offset).expect("a slot can say it")
    }

    #[test]
    fn a_position_is_inserted_once_and_only_within_a_chunk() {
        let mut named = Named::new([8, 0, 4].into_iter());
        let inside = [(0, 0), (0, 4), (2, 0)].map(|(chunk, offset)| position(chunk, offset));
        for at in inside {
            assert!(!named.of_chunk(at.chunk()).contains(at.offset()));
            assert!(named.insert(at));
            assert!(named.of_chunk(at.chunk()).contains(at.offset()));
            assert!(!named.insert(at), "it is there already");
        }
        for (chunk, offset) in [(0, 8), (1, 0), (2, 4), (3, 0), (1 << 17, 0)] {
            assert!(!named.insert(position(chunk, offset)), "chunk {chunk}, offset {offset}");
        }
    }
}
