//! The entries of one key group to bytes.

use std::{convert::Infallible, fmt::Display};

use super::{
    Compression, EntryDigest, GroupEntry, SectionLayout, SnapshotError, StateMeta, checksum, compress, image,
    parts::Parts,
};
use crate::{checkpoint::Certificate, key_group::KeyGroup, table::FrozenTable};

/// Writes the section of one key group. Nothing is written for a key group without entries.
pub struct SectionWriter<'a> {
    out: &'a mut Parts,
    start: usize,
    states: &'a [StateMeta],
    digests: &'a mut [EntryDigest],
    key_group: KeyGroup,
    certificate: Certificate,
    // That of the states written so far.
    layout: Option<SectionLayout>,
    // States below this one are written.
    next_state: usize,
}

impl<'a> SectionWriter<'a> {
    /// Appends to `out`; `digests` has one for each of `states`, the object's state table.
    pub(super) fn new(
        key_group: KeyGroup,
        states: &'a [StateMeta],
        digests: &'a mut [EntryDigest],
        out: &'a mut Parts,
    ) -> Self {
        let (start, certificate) = (out.position(), Certificate::default());
        Self { out, start, states, digests, key_group, certificate, layout: None, next_state: 0 }
    }

    /// Appends the entries of the state at position `state` of the object's state table, strictly
    /// ascending by key: [`SectionLayout::Sorted`]. States are appended in ascending order, each at most
    /// once, and all of a section in one layout.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::TooLarge`] if a key or value is 4 GiB or longer.
    ///
    /// # Panics
    ///
    /// If the table has no such state, or states or keys do not ascend, or an earlier state has another
    /// layout.
    pub fn state<'e>(
        &mut self,
        state: usize,
        entries: impl Iterator<Item = (&'e [u8], &'e [u8])>,
    ) -> Result<(), SnapshotError> {
        self.stream(state, entries.map(Ok::<_, Infallible>))
    }

    /// As [`state`](Self::state), of entries that are read while they are written. They are never in memory
    /// together but in the section.
    ///
    /// # Errors
    ///
    /// As [`state`](Self::state), and [`SnapshotError::Unreadable`] with the first error of `entries`.
    ///
    /// # Panics
    ///
    /// As [`state`](Self::state).
    pub fn stream<B: AsRef<[u8]>, E: Display>(
        &mut self,
        state: usize,
        entries: impl Iterator<Item = Result<(B, B), E>>,
    ) -> Result<(), SnapshotError> {
        let key_group = self.key_group;
        let unreadable = |error: E| SnapshotError::Unreadable { key_group, reason: error.to_string() };
        let mut entries = entries.peekable();
        if entries.peek().is_none() {
            return Ok(());
        }
        self.begin(state, SectionLayout::Sorted);
        let count_at = self.out.position();
        self.out.extend_from_slice(&[0; 8]);
        let digest = self.digests.get_mut(state).expect("there is one for each state");
        let mut certificate = digest.sum();
        let mut before = None::<B>;
        for entry in entries {
            let (key_held, value) = entry.map_err(unreadable)?;
            let (key, value) = (key_held.as_ref(), value.as_ref());
            let ascends = before.as_ref().is_none_or(|before| before.as_ref() < key);
            assert!(ascends, "a source writes keys in ascending order");
            self.out.extend_from_slice(&length("the length of a key in bytes", key)?.to_le_bytes());
            self.out.extend_from_slice(&length("the length of a value in bytes", value)?.to_le_bytes());
            self.out.extend_from_slice(key);
            self.out.extend_from_slice(value);
            certificate.add(key, value);
            before = Some(key_held);
        }
        let certificate = certificate.finish();
        self.certificate = self.certificate + certificate;
        self.out.overwrite(count_at, &certificate.entries.to_le_bytes());
        Ok(())
    }

    /// Appends the entries of the state at position `state` as they are in memory, without a copy:
    /// [`SectionLayout::Tables`]. Otherwise as [`state`](Self::state).
    ///
    /// # Panics
    ///
    /// As [`state`](Self::state).
    pub fn table(&mut self, state: usize, table: &FrozenTable) {
        if table.is_empty() {
            return;
        }
        self.begin(state, SectionLayout::Tables);
        let digest = self.digests.get_mut(state).expect("there is one for each state");
        self.certificate = self.certificate + image::encode(table, digest, self.out);
    }

    fn begin(&mut self, state: usize, layout: SectionLayout) {
        assert!(state >= self.next_state, "a source writes states in ascending order");
        self.next_state = state + 1;
        assert_eq!(*self.layout.get_or_insert(layout), layout, "a section has one layout");
        if self.certificate.entries == 0 {
            self.out.extend_from_slice(&self.key_group.0.to_le_bytes());
        }
        let name = &self.states.get(state).expect("a source writes only states of its own table").name;
        self.out.extend_from_slice(&(name.len() as u16).to_le_bytes());
        self.out.extend_from_slice(name.as_bytes());
    }

    /// What the index says of the section, which is compressed if that makes it smaller.
    pub(super) fn finish(self, compression: Compression) -> GroupEntry {
        let Self { out, start, key_group, certificate, layout, .. } = self;
        let raw_bytes = out.position() - start;
        let mut entry = GroupEntry {
            key_group,
            base: None,
            layout: layout.unwrap_or(SectionLayout::Sorted),
            compression: Compression::None,
            offset: start as u64,
            bytes: raw_bytes as u64,
            raw_bytes: raw_bytes as u64,
            certificate,
            checksum: 0,
        };
        if compression != Compression::None {
            let section = out.take_since(start);
            let compressed = compress::compress(&section, compression);
            if compressed.is_some() {
                entry.compression = compression;
            }
            // A copy, so that it can be kept where the source keeps sections.
            out.extend_from_slice(&compressed.unwrap_or(section));
            entry.bytes = (out.position() - start) as u64;
        }
        entry.checksum = if entry.bytes == 0 { checksum(&[]) } else { out.checksum_since(start) };
        entry
    }
}

/// The length of `bytes` as the format holds it.
pub(super) fn length(what: &'static str, bytes: &[u8]) -> Result<u32, SnapshotError> {
    u32::try_from(bytes.len()).map_err(|_| SnapshotError::TooLarge {
        what,
        found: bytes.len() as u64,
        max: u64::from(u32::MAX),
    })
}
