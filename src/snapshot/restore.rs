//! What to read to restore, and whether what was read is right. A driver does no more than:
//!
//! ```text
//! index bytes ← read index_read(handle)
//! reads       ← RestoreReads::new(handle, wanted, index bytes)
//! buffers     ← read reads.ranges()
//! restored    ← reads.finish(buffers)
//! ```

use std::{fmt, ops::Range};

use bytes::Bytes;

use super::{
    KeyGroupSections, OperatorState, SnapshotError, SnapshotIndex, checksum, section::check_read_length,
};
use crate::{checkpoint::StateHandle, key_group::KeyGroupRange};

/// Where header and index of the snapshot of `handle` lie.
pub fn index_read(handle: &StateHandle) -> Range<u64> {
    0..handle.index_bytes
}

/// What a task wants of one snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Contiguous runs of key groups. They do not overlap.
    pub key_groups: Vec<KeyGroupRange>,
    /// Runs of items of operator states, by name.
    pub operator_items: Vec<(String, Range<u32>)>,
}

impl fmt::Display for Wanted {
    /// In words: `key groups 4–7, 12 and items 0..2 of operator state 'offsets'`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs: Vec<_> = self.key_groups.iter().map(ToString::to_string).collect();
        let items = |(name, items): &(String, Range<u32>)| {
            format!("items {}..{} of operator state '{name}'", items.start, items.end)
        };
        let keyed = (!runs.is_empty()).then(|| {
            let one = self.key_groups.iter().map(|run| run.len()).sum::<usize>() == 1;
            format!("key group{} {}", if one { "" } else { "s" }, runs.join(", "))
        });
        let parts: Vec<_> = keyed.into_iter().chain(self.operator_items.iter().map(items)).collect();
        f.write_str(if parts.is_empty() { "nothing" } else { "" })?;
        f.write_str(&parts.join(" and "))
    }
}

/// What was wanted, verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The sections of all wanted key groups; `None` if none were wanted.
    pub key_groups: Option<KeyGroupSections>,
    /// One state with the wanted items for each run of items, in the order they were wanted.
    pub operator_state: Vec<OperatorState>,
}

/// The ranged reads that bring what is wanted of one snapshot.
#[derive(Clone, Debug)]
pub struct RestoreReads {
    index: SnapshotIndex,
    wanted: Wanted,
    ranges: Vec<Range<u64>>,
}

impl RestoreReads {
    /// The reads for what is `wanted` of the snapshot of `handle`, whose header and index are
    /// `index_bytes`.
    ///
    /// # Errors
    ///
    /// [`SnapshotError`]: the index is damaged, or it is not that of the handle, or it does not
    /// have what is wanted.
    pub fn new(handle: &StateHandle, wanted: Wanted, index_bytes: &[u8]) -> Result<Self, SnapshotError> {
        Self::of(SnapshotIndex::decode_for(handle, index_bytes)?, wanted)
    }

    /// The reads for what is `wanted` of the snapshot of `index`.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::NoSuchKeyGroups`] and [`SnapshotError::NoSuchItems`].
    pub fn of(index: SnapshotIndex, wanted: Wanted) -> Result<Self, SnapshotError> {
        let ranges = spans(&index, &wanted)?.into_iter().filter(|span| !span.is_empty()).collect();
        Ok(Self { index, wanted, ranges })
    }

    /// The byte ranges to read, one for each run that has bytes, in the order the runs were
    /// wanted. None is empty.
    pub fn ranges(&self) -> &[Range<u64>] {
        &self.ranges
    }

    /// The index of the snapshot.
    pub const fn index(&self) -> &SnapshotIndex {
        &self.index
    }

    /// What was wanted, from one buffer for each of [`ranges`](Self::ranges), in that order.
    ///
    /// # Errors
    ///
    /// [`SnapshotError`]: another number of buffers, or one that is of another length or damaged;
    /// the error names the key group or the item.
    pub fn finish(&self, buffers: Vec<Bytes>) -> Result<Restored, SnapshotError> {
        if buffers.len() != self.ranges.len() {
            let (expected, found) = (self.ranges.len(), buffers.len());
            return Err(SnapshotError::ReadCount { expected, found });
        }
        let mut buffers = buffers.into_iter();
        let mut next = |span: Range<u64>| {
            if span.is_empty() { Bytes::new() } else { buffers.next().unwrap_or_default() }
        };
        let mut key_groups = None;
        for &run in &self.wanted.key_groups {
            let bytes = next(self.index.run_bytes(run)?);
            let sections = match &mut key_groups {
                Some(sections) => sections,
                none => none.insert(self.index.no_sections(run)?),
            };
            self.index.decode_sections_into(sections, run, &bytes)?;
        }
        let mut operator_state = Vec::new();
        for (name, items) in &self.wanted.operator_items {
            let bytes = next(self.index.items_bytes(name, items.clone())?);
            operator_state.push(self.index.decode_items(name, items.clone(), &bytes)?);
        }
        Ok(Restored { key_groups, operator_state })
    }
}

/// The byte range of each wanted run.
fn spans(index: &SnapshotIndex, wanted: &Wanted) -> Result<Vec<Range<u64>>, SnapshotError> {
    let runs = wanted.key_groups.iter().map(|&run| index.run_bytes(run));
    let items = wanted.operator_items.iter().map(|(name, items)| index.items_bytes(name, items.clone()));
    runs.chain(items).collect()
}

impl SnapshotIndex {
    /// The `items` of operator state `name`, verified. `bytes` is what lies at
    /// [`items_bytes`](SnapshotIndex::items_bytes).
    ///
    /// # Errors
    ///
    /// [`SnapshotError`]: not in the object, of another length or damaged; the error names the
    /// item.
    pub fn decode_items(
        &self,
        name: &str,
        items: Range<u32>,
        bytes: &Bytes,
    ) -> Result<OperatorState, SnapshotError> {
        check_read_length(&self.items_bytes(name, items.clone())?, bytes)?;
        let (state, entries) = self.items(name, items.clone())?;
        let mut rest = bytes.clone();
        let mut decoded = Vec::with_capacity(entries.len());
        for (item, entry) in items.zip(entries) {
            // The lengths of the run were just checked to add up to the bytes at hand.
            let bytes = rest.split_to(entry.bytes as usize);
            let (expected, found) = (entry.checksum, checksum(&bytes));
            if expected != found {
                let (state, offset) = (name.to_owned(), entry.offset);
                return Err(SnapshotError::ItemChecksum { state, item, offset, expected, found });
            }
            decoded.push(bytes);
        }
        Ok(OperatorState { name: state.name.clone(), mode: state.mode, items: decoded })
    }
}
