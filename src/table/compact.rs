//! Keeps dead space within bounds, a few records at a time.
//!
//! When more than a third of the log is wasted, by dead records or by chunks that a snapshot cut
//! off half full, the chunk with the smallest share of live bytes is emptied: each write looks at
//! some of its records and appends those that the index still names. At least a third of that
//! chunk is wasted, and a write looks at four times the bytes it wastes, so waste shrinks faster than
//! it comes. A write looks at 128 records or 16 KiB, whichever is less, unless it is larger itself.

use super::{KeyHash, Table};

/// Waste below this is not worth a copy: small tables are nearly all waste at times.
const WASTE_MIN: usize = 1 << 10;
/// For so many live bytes, one may be wasted: a third of both.
const LIVE_SHARE: usize = 2;
const STEP_BYTES: usize = 16 << 10;
/// What looking at a record costs besides its bytes, in bytes.
const RECORD_BYTES_MIN: usize = 128;

impl<H: KeyHash> Table<H> {
    /// Some steps towards less waste, after a write that wasted `wasted` bytes.
    #[inline]
    pub(super) fn compact(&mut self, wasted: usize) {
        if self.log.emptied.is_some() || self.is_wasteful() {
            self.empty_chunk(STEP_BYTES.max(4 * wasted));
        }
    }

    fn is_wasteful(&self) -> bool {
        let waste = self.log.waste();
        waste > WASTE_MIN && waste * LIVE_SHARE > self.log.live()
    }

    #[cold]
    fn empty_chunk(&mut self, budget: usize) {
        let chosen = self.log.emptied.or_else(|| Some((self.log.retire_emptiest()?, 0)));
        let Some((number, mut offset)) = chosen else { return };
        self.log.emptied = Some((number, offset));
        let mut looked_at = 0;
        // The chunk is free, and none is emptied, once its last live record was moved.
        while looked_at < budget && self.log.emptied.is_some() {
            let (position, record) =
                self.log.walk(number, offset).next().expect("a chunk with live records is not at its end");
            let (hash, size) = (H::hash(record.key), record.size());
            offset += size;
            looked_at += size.max(RECORD_BYTES_MIN);
            self.log.emptied = Some((number, offset));
            let Some(position) = position else { continue };
            let Some((place, _)) = self.index.candidates(hash).find(|&(_, named)| named == position) else {
                continue;
            };
            let Ok(moved) = self.log.relocate(position, size) else {
                // No chunk number is left. The record stays; the chunk is begun again next time.
                self.log.emptied = None;
                return;
            };
            self.index.move_to(place, moved);
            self.log.bury(position, size);
        }
    }
}
