//! The entries of one key group: verified as a whole, then read as often as wanted.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;

use super::{
    EntryDigest, GroupEntry, Part, Reference, SectionLayout, SnapshotError, SnapshotIndex, StateMeta,
    checksum, compress, cursor::Cursor, image,
};
use crate::{
    checkpoint::{Certificate, CheckpointId},
    codec::CodecTag,
    key_group::{KeyGroup, KeyGroupRange, MaxParallelism},
    table::FrozenTable,
};

/// The verified entries of one key group in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    state: u16,
    entries: u64,
    held: Held,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Held {
    // Entries ascending by key.
    Sorted(Bytes),
    Table(FrozenTable),
}

impl Frame {
    /// The position of the state in the state table of the index through which it was read.
    pub fn state(&self) -> usize {
        usize::from(self.state)
    }

    /// How many entries, at least one.
    pub const fn entry_count(&self) -> u64 {
        self.entries
    }

    /// The entries as a table, if that is how they were written.
    pub const fn table(&self) -> Option<&FrozenTable> {
        match &self.held {
            Held::Sorted(_) => None,
            Held::Table(table) => Some(table),
        }
    }

    /// Keys and values: strictly ascending by key, those of a table in its own order.
    pub fn entries(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        // Boxed: that of a table is long, and who goes through many frames would carry several of it along.
        let entries: Box<dyn Iterator<Item = _> + Send> = match &self.held {
            Held::Sorted(bytes) => Box::new(Self::sorted(bytes)),
            Held::Table(table) => Box::new(table.iter()),
        };
        entries
    }

    fn sorted(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest = bytes;
        // Ends with the bytes: they were read through once when the section was verified.
        std::iter::from_fn(move || {
            let (key_bytes, after) = rest.split_first_chunk::<4>()?;
            let (value_bytes, after) = after.split_first_chunk::<4>()?;
            let (key, after) = after.split_at_checked(u32::from_le_bytes(*key_bytes) as usize)?;
            let (value, after) = after.split_at_checked(u32::from_le_bytes(*value_bytes) as usize)?;
            rest = after;
            Some((key, value))
        })
    }
}

/// The verified entries of one key group: length, checksum, structure and certificate are right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    key_group: KeyGroup,
    certificate: Certificate,
    frames: Vec<Frame>,
}

impl Section {
    /// The key group.
    pub const fn key_group(&self) -> KeyGroup {
        self.key_group
    }

    /// Number of entries and sum of their digests, recomputed from the entries.
    pub const fn certificate(&self) -> Certificate {
        self.certificate
    }

    /// One frame for each state that has entries in the key group, ascending by state.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    pub(super) fn decode(
        entry: &GroupEntry,
        states: &[StateMeta],
        digests: &mut [EntryDigest],
        bytes: &Bytes,
    ) -> Result<Self, SnapshotError> {
        let key_group = entry.key_group;
        let part = || Part::Section(key_group);
        if bytes.len() as u64 != entry.bytes {
            let found = bytes.len() as u64;
            return Err(SnapshotError::Length { part: part(), expected: entry.bytes, found });
        }
        let (expected, found) = (entry.checksum, checksum(bytes));
        if expected != found {
            let offset = entry.offset;
            return Err(SnapshotError::SectionChecksum { key_group, offset, expected, found });
        }
        let bytes = &compress::decompress(entry, bytes)?;
        let mut fields = Cursor::new(part(), entry.offset, bytes);
        let mut section = Self { key_group, certificate: Certificate::default(), frames: Vec::new() };
        if !fields.is_empty() {
            let found = fields.u16()?;
            fields.check(found == key_group.0, "it is the section of another key group")?;
        }
        while !fields.is_empty() {
            let state = match entry.layout {
                SectionLayout::Numbered => fields.u16()?,
                SectionLayout::Sorted | SectionLayout::Tables => {
                    let name = fields.name()?;
                    let at = states.binary_search_by(|state| (*state.name).cmp(name));
                    // No index names more.
                    at.map_or(u16::MAX, |at| at as u16)
                }
            };
            let ascends = section.frames.last().is_none_or(|before| before.state < state);
            fields.check(ascends, "states do not ascend")?;
            let digest = digests
                .get_mut(usize::from(state))
                .ok_or_else(|| fields.malformed("a state that the index does not name"))?;
            let (held, certificate) = match entry.layout {
                SectionLayout::Numbered | SectionLayout::Sorted => {
                    let entries = fields.u64()?;
                    let start = bytes.len() - fields.left();
                    let certificate = decode_entries(&mut fields, entries, digest)?;
                    let end = bytes.len() - fields.left();
                    (Held::Sorted(bytes.slice(start..end)), certificate)
                }
                SectionLayout::Tables => {
                    let (table, certificate) = image::decode(&mut fields, bytes, digest)?;
                    (Held::Table(table), certificate)
                }
            };
            fields.check(certificate.entries > 0, "a state without entries")?;
            section.certificate = section.certificate + certificate;
            section.frames.push(Frame { state, entries: certificate.entries, held });
        }
        if section.certificate != entry.certificate {
            return Err(SnapshotError::SectionCertificate {
                key_group,
                offset: entry.offset,
                expected: entry.certificate,
                found: section.certificate,
            });
        }
        Ok(section)
    }
}

fn decode_entries(
    fields: &mut Cursor<'_>,
    entries: u64,
    digest: &mut EntryDigest,
) -> Result<Certificate, SnapshotError> {
    let mut certificate = digest.sum();
    let mut before: Option<&[u8]> = None;
    for _ in 0..entries {
        let (key_bytes, value_bytes) = (fields.u32()?, fields.u32()?);
        let (key, value) = (fields.take(key_bytes as usize)?, fields.take(value_bytes as usize)?);
        fields.check(before.is_none_or(|before| before < key), "keys do not ascend")?;
        before = Some(key);
        certificate.add(key, value);
    }
    Ok(certificate.finish())
}

/// Verified sections of one object, with what is needed to make sense of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyGroupSections {
    checkpoint: CheckpointId,
    codec: CodecTag,
    max_parallelism: MaxParallelism,
    states: Arc<[StateMeta]>,
    sections: Vec<Section>,
    references: Vec<Reference>,
}

impl KeyGroupSections {
    /// The checkpoint whose state it is.
    pub const fn checkpoint(&self) -> CheckpointId {
        self.checkpoint
    }

    /// Where the sections lie, as far as a later snapshot can lean on them.
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// Which codec wrote keys and values.
    pub const fn codec(&self) -> CodecTag {
        self.codec
    }

    /// The max parallelism under which keys were put into key groups.
    pub const fn max_parallelism(&self) -> MaxParallelism {
        self.max_parallelism
    }

    /// The state table that frames refer to.
    pub fn states(&self) -> &[StateMeta] {
        &self.states
    }

    /// The sections, in the order they were asked for; the empty ones included.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The sections alone, to be dropped one by one.
    pub(crate) fn into_sections(self) -> Vec<Section> {
        self.sections
    }

    /// Entries and digest over all sections.
    pub fn certificate(&self) -> Certificate {
        self.sections.iter().map(Section::certificate).sum()
    }
}

impl SnapshotIndex {
    /// `sections`, which were read through this index; the error is that of an object without the
    /// `wanted` key groups.
    pub(super) fn with_sections(
        &self,
        wanted: KeyGroupRange,
        sections: Vec<Section>,
    ) -> Result<KeyGroupSections, SnapshotError> {
        let keyed = self.header.keyed.ok_or(SnapshotError::NoSuchKeyGroups { wanted, has: None })?;
        let read: BTreeSet<KeyGroup> = sections.iter().map(Section::key_group).collect();
        Ok(KeyGroupSections {
            checkpoint: self.header.identity.checkpoint,
            codec: self.header.codec,
            max_parallelism: keyed.max_parallelism,
            states: Arc::clone(&self.states),
            references: self.references().filter(|home| read.contains(&home.entry.key_group)).collect(),
            sections,
        })
    }

    /// One for each state, by position in the state table.
    pub(super) fn digests(&self) -> Vec<EntryDigest> {
        self.states.iter().map(|state| EntryDigest::new(&state.name)).collect()
    }
}

pub(super) fn check_read_length(read: &std::ops::Range<u64>, bytes: &Bytes) -> Result<(), SnapshotError> {
    let (expected, found) = (read.end - read.start, bytes.len() as u64);
    if expected != found {
        return Err(SnapshotError::Length { part: Part::Read(read.clone()), expected, found });
    }
    Ok(())
}
