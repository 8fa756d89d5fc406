//! The records of a chunk, one after the other.

use super::{record::Record, slot::Position};

/// The records of a chunk from some offset on.
pub(super) struct Walk<'a> {
    bytes: &'a [u8],
    number: usize,
    offset: usize,
}

impl<'a> Walk<'a> {
    /// Those in `bytes` of chunk `number` from `offset` on, where one begins.
    pub(super) const fn new(bytes: &'a [u8], number: usize, offset: usize) -> Self {
        Self { bytes, number, offset }
    }

    /// Where the next one begins, or would.
    pub(super) const fn offset(&self) -> usize {
        self.offset
    }

    /// Whether all bytes were records.
    pub(super) const fn is_at_end(&self) -> bool {
        self.offset >= self.bytes.len()
    }
}

impl<'a> Iterator for Walk<'a> {
    /// The position is `None` where no slot can say it: such a record is dead.
    type Item = (Option<Position>, Record<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let record = Record::read(self.bytes.get(self.offset..)?)?;
        let position = Position::new(self.number, self.offset);
        self.offset += record.size();
        Some((position, record))
    }
}
