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

use std::mem;

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
        self.log.owed += owed;
        if mem::take(&mut self.log.is_overcrowded) {
            // More than the one that the next snapshot may add.
            self.empty_smallest();
            self.empty_smallest();
            return;
        }
        if self.log.emptied.is_none() {
            self.log.emptied = self.log.retire().map(|number| (number, 0));
        }
        let (mut looked_at, mut spent) = (0, copied);
        while spent < STEP_BYTES || looked_at < owed && self.log.owed > OWED_BYTES_MAX {
            let Some(Looked { cost, copied }) = self.look_at_next() else { return };
            looked_at += cost;
            spent += cost + copied;
        }
    }

    /// Another chunk than this may have been emptied; it is begun again.
    fn empty_smallest(&mut self) {
        self.log.emptied = self.log.retire_smallest().map(|number| (number, 0));
        while self.look_at_next().is_some() {}
    }

    /// Looks at the next record of the chunk that is emptied, and moves it if it is live; `None` if nothing is
    /// left to look at. The chunk is free, and none is emptied, once its last live record was moved.
    fn look_at_next(&mut self) -> Option<Looked> {
        let (number, offset) = self.log.emptied?;
        let (position, record) =
            self.log.walk(number, offset).next().expect("a chunk with live records is not at its end");
        let (hash, size) = (H::hash(record.key), record.size());
        self.log.emptied = Some((number, offset + size));
        let cost = size.max(RECORD_BYTES_MIN);
        self.log.owed = self.log.owed.saturating_sub(cost);
        let is_here = |named| Some(named) == position;
        let Some((place, from)) = self.index.candidates(hash).find(|&(_, named)| is_here(named)) else {
            return Some(Looked { cost, copied: 0 });
        };
        let Ok(moved) = self.log.relocate(from, size) else {
            // No chunk number is left. The record stays; the chunk is begun again next time.
            self.log.emptied = None;
            return None;
        };
        let copied = self.index.move_to(place, moved);
        self.log.bury(from, size);
        Some(Looked { cost, copied })
    }
}

/// What it took to look at a record, in bytes: the look, and what was copied of the index to move it.
struct Looked {
    cost: usize,
    copied: usize,
}
