//! Keeps dead space within bounds, a few records at a time.
//!
//! When more than a third of the log is wasted, by dead records or by chunks that a snapshot cut
//! off half full, the chunk with the smallest share of live bytes is emptied: each write looks at
//! some of its records and appends those that the index still names. At least a third of that
//! chunk is wasted, and writes look at four times the bytes they waste, so waste shrinks faster than
//! it comes. A write looks at 32 records or 4 KiB, whichever is less, unless it is larger itself.
//!
//! While a snapshot shares the index, a record that is moved may need a copy of its page, which takes longer than all
//! the rest. A write that has copied a page, for that or to replace a record, looks no further: what it owes, later ones
//! pay. Where every write copies one, because snapshots are taken all the time, each pays its own from 64 KiB on.

use super::{KeyHash, Table};

/// Waste below this is not worth a copy: small tables are nearly all waste at times.
const WASTE_MIN: usize = 1 << 10;
/// For so many live bytes, one may be wasted: a third of both.
const LIVE_SHARE: usize = 2;
/// What a write does at the least, unless it has copied as many bytes of the index.
const STEP_BYTES: usize = 4 << 10;
/// What looking at a record costs besides its bytes, in bytes.
const RECORD_BYTES_MIN: usize = 128;
/// For each byte it wastes, a write owes a look at so many.
const OWED_PER_BYTE: usize = 4;
/// What writes may owe before they must pay.
const OWED_BYTES_MAX: usize = 64 << 10;

impl<H: KeyHash> Table<H> {
    /// Some steps towards less waste, after a write that wasted so many bytes and copied so many of the index.
    #[inline]
    pub(super) fn compact(&mut self, wasted: usize, copied: usize) {
        if self.log.emptied.is_some() || self.log.is_crowded || self.is_wasteful() {
            self.empty_chunk(OWED_PER_BYTE * wasted, copied);
        }
    }

    fn is_wasteful(&self) -> bool {
        let waste = self.log.waste();
        waste > WASTE_MIN && waste * LIVE_SHARE > self.log.live()
    }

    #[cold]
    fn empty_chunk(&mut self, owed: usize, copied: usize) {
        let chosen = self.log.emptied.or_else(|| Some((self.log.retire()?, 0)));
        let Some((number, mut offset)) = chosen else { return };
        self.log.emptied = Some((number, offset));
        self.log.owed += owed;
        let (mut looked_at, mut spent) = (0, copied);
        // The chunk is free, and none is emptied, once its last live record was moved.
        while self.log.emptied.is_some()
            && (spent < STEP_BYTES || looked_at < owed && self.log.owed > OWED_BYTES_MAX)
        {
            let (position, record) =
                self.log.walk(number, offset).next().expect("a chunk with live records is not at its end");
            let (hash, size) = (H::hash(record.key), record.size());
            offset += size;
            let cost = size.max(RECORD_BYTES_MIN);
            looked_at += cost;
            spent += cost;
            self.log.owed = self.log.owed.saturating_sub(cost);
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
            spent += self.index.move_to(place, moved);
            self.log.bury(position, size);
        }
    }
}
