//! What to read to restore, and whether what was read is right. A driver does no more than:
//!
//! ```text
//! index bytes ← read index_read(handle)
//! reads       ← RestoreReads::new(handle, wanted, index bytes)
//! buffers     ← read reads.reads(), from the snapshot and from what it leans on
//! restored    ← reads.finish(buffers)
//! ```

use std::{collections::BTreeMap, fmt, ops::Range};

use bytes::Bytes;

use super::{
    EntryDigest, GroupEntry, KeyGroupSections, OperatorState, Section, SnapshotError, SnapshotIndex,
    checksum, section::check_read_length,
};
use crate::{
    checkpoint::{ObjectName, StateHandle},
    key_group::KeyGroupRange,
};

/// Enough to make the latency of a remote store small beside the transfer.
const PIECE_BYTES: u64 = 8 << 20;

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

/// One ranged read of one object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RangedRead {
    /// The snapshot itself or one it leans on.
    pub object: ObjectName,
    /// Which of its bytes; never empty.
    pub range: Range<u64>,
}

/// What some of the reads have brought, verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    sections: Vec<Section>,
    // By position in what is wanted.
    items: Vec<(usize, OperatorState)>,
}

struct SectionsRead {
    read: RangedRead,
    // In file order, without gap.
    entries: Vec<GroupEntry>,
}

/// The ranged reads that bring what is wanted of one snapshot.
#[derive(Clone, Debug)]
pub struct RestoreReads {
    index: SnapshotIndex,
    wanted: Wanted,
    reads: Vec<RangedRead>,
    // What lies in the first of `reads`.
    sections: Vec<Vec<GroupEntry>>,
    // Which runs of items the others bring: positions in what is wanted.
    items: Vec<usize>,
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
        let (mut reads, mut sections, mut runs) = (Vec::new(), Vec::new(), Vec::new());
        for part in section_reads(&index, &wanted)? {
            reads.push(part.read);
            sections.push(part.entries);
        }
        for (run, (name, items)) in wanted.operator_items.iter().enumerate() {
            let range = index.items_bytes(name, items.clone())?;
            if !range.is_empty() {
                reads.push(RangedRead { object: index.header().identity.object(), range });
                runs.push(run);
            }
        }
        Ok(Self { index, wanted, reads, sections, items: runs })
    }

    /// What to read: for each object one range for each contiguous run of wanted sections (several for one
    /// above 8 MiB, none of which divides a section), objects
    /// ascending and ranges in file order, the snapshot's own after those of its bases; then one for each
    /// run of items.
    pub fn reads(&self) -> &[RangedRead] {
        &self.reads
    }

    /// The index of the snapshot.
    pub const fn index(&self) -> &SnapshotIndex {
        &self.index
    }

    /// The [`reads`](Self::reads) in pieces, each of one object and some 8 MiB or one section, whichever is
    /// more: what is worth one request, and what is held before it is verified.
    pub fn pieces(&self) -> Vec<Range<usize>> {
        let mut pieces: Vec<Range<usize>> = Vec::new();
        let mut bytes = 0;
        for (at, read) in self.reads.iter().enumerate() {
            let length = read.range.end - read.range.start;
            let before = pieces
                .last_mut()
                .filter(|piece| self.reads.get(piece.start).map(|first| first.object) == Some(read.object));
            match before {
                Some(piece) if bytes + length <= PIECE_BYTES => {
                    piece.end = at + 1;
                    bytes += length;
                }
                _ => {
                    pieces.push(at..at + 1);
                    bytes = length;
                }
            }
        }
        pieces
    }

    /// What the reads of one piece have brought: one buffer for each of them.
    ///
    /// # Errors
    ///
    /// [`SnapshotError`]: another number of buffers, or one that is of another length or damaged;
    /// the error names the key group or the item, and the object if it is not the snapshot's own.
    pub fn verify(&self, piece: Range<usize>, buffers: Vec<Bytes>) -> Result<Verified, SnapshotError> {
        let reads = self.reads.get(piece.clone()).unwrap_or_default();
        if buffers.len() != reads.len() {
            let (expected, found) = (reads.len(), buffers.len());
            return Err(SnapshotError::ReadCount { expected, found });
        }
        let own = self.index.header().identity.object();
        let mut digests = self.index.digests();
        let mut verified = Verified::default();
        for ((at, read), bytes) in piece.zip(reads).zip(buffers) {
            if let Some(entries) = self.sections.get(at) {
                let decoded = self.index.decode_sections(&read.range, entries, &mut digests, &bytes);
                verified.sections.extend(decoded.map_err(|error| error.in_object(read.object, own))?);
            } else if let Some(&run) = self.items.get(at - self.sections.len())
                && let Some((name, items)) = self.wanted.operator_items.get(run)
            {
                verified.items.push((run, self.index.decode_items(name, items.clone(), &bytes)?));
            }
        }
        Ok(verified)
    }

    /// What was wanted, from what all [`pieces`](Self::pieces) have brought.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::ReadCount`] if a piece is missing.
    pub fn assemble(&self, pieces: impl IntoIterator<Item = Verified>) -> Result<Restored, SnapshotError> {
        let (mut read, mut runs) = (BTreeMap::new(), BTreeMap::new());
        for piece in pieces {
            read.extend(piece.sections.into_iter().map(|section| (section.key_group(), section)));
            runs.extend(piece.items);
        }
        let missing = || SnapshotError::ReadCount { expected: self.reads.len(), found: self.reads.len() - 1 };
        let mut sections = Vec::new();
        for &run in &self.wanted.key_groups {
            for entry in self.index.run(run)? {
                sections.push(match read.remove(&entry.key_group) {
                    Some(section) => section,
                    None if entry.bytes > 0 => return Err(missing()),
                    None => Section::decode(entry, &[], &mut [], &Bytes::new())?,
                });
            }
        }
        let mut operator_state = Vec::new();
        for (run, (name, items)) in self.wanted.operator_items.iter().enumerate() {
            operator_state.push(match runs.remove(&run) {
                Some(state) => state,
                None if self.items.contains(&run) => return Err(missing()),
                None => self.index.decode_items(name, items.clone(), &Bytes::new())?,
            });
        }
        let first = self.wanted.key_groups.first();
        let key_groups = first.map(|run| self.index.with_sections(*run, sections)).transpose()?;
        Ok(Restored { key_groups, operator_state })
    }

    /// What was wanted, from one buffer for each of [`reads`](Self::reads), in that order.
    ///
    /// # Errors
    ///
    /// As [`verify`](Self::verify).
    pub fn finish(&self, buffers: Vec<Bytes>) -> Result<Restored, SnapshotError> {
        if buffers.len() != self.reads.len() {
            let (expected, found) = (self.reads.len(), buffers.len());
            return Err(SnapshotError::ReadCount { expected, found });
        }
        self.assemble([self.verify(0..self.reads.len(), buffers)?])
    }
}

/// The reads of all wanted sections that have bytes.
fn section_reads(index: &SnapshotIndex, wanted: &Wanted) -> Result<Vec<SectionsRead>, SnapshotError> {
    // In file order of each object, each once.
    let mut places = BTreeMap::new();
    for &run in &wanted.key_groups {
        let with_bytes = index.run(run)?.iter().filter(|entry| entry.bytes > 0);
        // The snapshot's own object is newer than its bases, so it comes last.
        places.extend(with_bytes.map(|entry| ((index.object_of(entry), entry.offset), *entry)));
    }
    let mut reads: Vec<SectionsRead> = Vec::new();
    for ((object, offset), entry) in places {
        match reads.last_mut() {
            Some(SectionsRead { read, entries })
                if read.object == object
                    && read.range.end == offset
                    && entry.end() - read.range.start <= PIECE_BYTES =>
            {
                read.range.end = entry.end();
                entries.push(entry);
            }
            _ => {
                let range = offset..entry.end();
                reads.push(SectionsRead { read: RangedRead { object, range }, entries: vec![entry] });
            }
        }
    }
    Ok(reads)
}

impl SnapshotIndex {
    /// The sections of `entries`, which lie without gap in `range`, from its bytes.
    pub(super) fn decode_sections(
        &self,
        range: &Range<u64>,
        entries: &[GroupEntry],
        digests: &mut [EntryDigest],
        bytes: &Bytes,
    ) -> Result<Vec<Section>, SnapshotError> {
        check_read_length(range, bytes)?;
        let mut rest = bytes.clone();
        let mut sections = Vec::with_capacity(entries.len());
        for entry in entries {
            // The lengths were just checked to add up to the bytes at hand.
            let section = rest.split_to(entry.bytes as usize);
            sections.push(Section::decode(entry, self.states(), digests, &section)?);
        }
        Ok(sections)
    }

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
