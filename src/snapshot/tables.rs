//! Header and tables to bytes and back.

use std::sync::Arc;

use super::{
    Compression, GroupEntry, HEADER_BYTES, ItemEntry, OperatorEntry, Part, SectionLayout, SnapshotError,
    SnapshotHeader, SnapshotIndex, StateKind, StateMeta,
    base::{BASE_BYTES, Positions, decode_bases, encode_bases},
    checksum, compress,
    cursor::Cursor,
};
use crate::{
    checkpoint::{Certificate, RedistributionMode},
    key_group::KeyGroup,
};

const GROUP_BYTES: usize = 55;
const GROUP_BYTES_V1: usize = 44;
const ITEM_BYTES: usize = 16;
const CHECKSUM_BYTES: usize = 4;

/// Length of header and index in bytes, known before anything else is.
pub(super) fn index_bytes<'a>(
    states: &[StateMeta],
    bases: usize,
    groups: usize,
    operator_states: impl Iterator<Item = (&'a str, usize)>,
) -> usize {
    let states: usize = states.iter().map(|state| 1 + 2 + state.name.len()).sum();
    let operator_states: usize =
        operator_states.map(|(name, items)| 1 + 2 + name.len() + 4 + items * ITEM_BYTES).sum();
    index_bytes_at_least(groups) as usize + bases * BASE_BYTES + states + operator_states
}

/// Length in bytes of header and index of a snapshot of so many key groups, without its bases and its states.
pub const fn index_bytes_at_least(key_groups: usize) -> u64 {
    HEADER_BYTES + (key_groups * GROUP_BYTES + CHECKSUM_BYTES) as u64
}

impl SnapshotIndex {
    /// The index at the beginning of `bytes`, which may go on after it.
    ///
    /// # Errors
    ///
    /// [`SnapshotError`]: shorter than the index, of an unknown format version, damaged, or
    /// impossible.
    pub fn decode(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let header = SnapshotHeader::decode(bytes)?;
        let index = usize::try_from(header.index_bytes).ok().and_then(|length| bytes.get(..length));
        let (covered, stored) = index.and_then(|index| index.split_last_chunk::<CHECKSUM_BYTES>()).ok_or(
            SnapshotError::Length {
                part: Part::Index,
                expected: header.index_bytes,
                found: bytes.len() as u64,
            },
        )?;
        let (expected, found) = (u32::from_le_bytes(*stored), checksum(covered));
        if expected != found {
            return Err(SnapshotError::IndexChecksum { expected, found });
        }
        let tables = covered.get(header.bytes() as usize..).unwrap_or_default();
        let mut fields = Cursor::new(Part::Index, header.bytes(), tables);
        let states = decode_states(&mut fields, header.keyed_states)?;
        let bases = decode_bases(&mut fields, header.bases, header.identity)?;
        let mut positions = Positions::new(header.index_bytes, &bases);
        let groups = decode_groups(&mut fields, &header, &mut positions)?;
        // Where the next item must begin.
        let mut position = positions.finish(&fields)?;
        let operator_states = decode_operator_states(&mut fields, header.operator_states, &mut position)?;
        fields.check(fields.is_empty(), "bytes are left after the last table")?;
        fields.check(position == header.object_bytes, "the object does not end with its last section")?;
        Ok(Self { header, states, bases, groups, operator_states })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        self.header.encode(out);
        for state in self.states.iter() {
            out.push(state.kind.code());
            encode_name(&state.name, out);
        }
        encode_bases(&self.bases, out);
        for group in &self.groups {
            out.push(group.base.map_or(0, |base| base + 1));
            out.push(group.layout.code());
            out.push(group.compression.code());
            out.extend_from_slice(&group.offset.to_le_bytes());
            out.extend_from_slice(&group.bytes.to_le_bytes());
            out.extend_from_slice(&group.raw_bytes.to_le_bytes());
            out.extend_from_slice(&group.certificate.entries.to_le_bytes());
            out.extend_from_slice(&group.certificate.digest.to_le_bytes());
            out.extend_from_slice(&group.checksum.to_le_bytes());
        }
        for state in &self.operator_states {
            out.push(mode_code(state.mode));
            encode_name(&state.name, out);
            out.extend_from_slice(&(state.items.len() as u32).to_le_bytes());
            for item in &state.items {
                out.extend_from_slice(&item.offset.to_le_bytes());
                out.extend_from_slice(&item.bytes.to_le_bytes());
                out.extend_from_slice(&item.checksum.to_le_bytes());
            }
        }
        let sum = out.get(start..).map_or(0, checksum);
        out.extend_from_slice(&sum.to_le_bytes());
    }
}

impl SectionLayout {
    /// In format version 2. A section that only an index of version 1 can describe is never written.
    const fn code(self) -> u8 {
        match self {
            Self::Numbered => 0,
            Self::Sorted => 1,
            Self::Tables => 2,
        }
    }

    const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Sorted),
            2 => Some(Self::Tables),
            _ => None,
        }
    }
}

impl Compression {
    const fn code(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Lz4 => 1,
            Self::Zstd => 2,
        }
    }

    const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::None),
            1 => Some(Self::Lz4),
            2 => Some(Self::Zstd),
            _ => None,
        }
    }
}

impl StateKind {
    const fn code(self) -> u8 {
        match self {
            Self::Value => 1,
        }
    }

    const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Value),
            _ => None,
        }
    }
}

fn encode_name(name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&(name.len() as u16).to_le_bytes());
    out.extend_from_slice(name.as_bytes());
}

const fn mode_code(mode: RedistributionMode) -> u8 {
    match mode {
        RedistributionMode::SplitDistribute => 1,
        RedistributionMode::Union => 2,
        RedistributionMode::Broadcast => 3,
    }
}

const fn mode_from_code(code: u8) -> Option<RedistributionMode> {
    match code {
        1 => Some(RedistributionMode::SplitDistribute),
        2 => Some(RedistributionMode::Union),
        3 => Some(RedistributionMode::Broadcast),
        _ => None,
    }
}

fn decode_states(fields: &mut Cursor<'_>, count: u16) -> Result<Arc<[StateMeta]>, SnapshotError> {
    let mut states: Vec<StateMeta> = Vec::new();
    for _ in 0..count {
        let kind = StateKind::from_code(fields.u8()?)
            .ok_or_else(|| fields.malformed("a keyed state of unknown kind: a newer keygroups wrote it"))?;
        let name = fields.name()?;
        let ascends = states.last().is_none_or(|before| *before.name < *name);
        fields.check(ascends, "names of keyed states do not ascend")?;
        states.push(StateMeta { name: name.into(), kind });
    }
    Ok(states.into())
}

fn decode_groups(
    fields: &mut Cursor<'_>,
    header: &SnapshotHeader,
    positions: &mut Positions<'_>,
) -> Result<Vec<GroupEntry>, SnapshotError> {
    let Some(keyed) = header.keyed else { return Ok(Vec::new()) };
    let (length, decode): (_, fn(&mut Cursor<'_>, KeyGroup) -> _) =
        if header.version == 1 { (GROUP_BYTES_V1, decode_group_v1) } else { (GROUP_BYTES, decode_group) };
    let fits = fields.left() / length >= keyed.key_groups.len();
    fields.check(fits, "the index is too short for its key groups")?;
    let mut groups = Vec::with_capacity(keyed.key_groups.len());
    for key_group in keyed.key_groups.iter() {
        let group: GroupEntry = decode(fields, key_group)?;
        let is_empty = group.certificate.entries == 0;
        fields.check(
            is_empty == (group.bytes == 0),
            "a section is empty and yet has entries, or the reverse",
        )?;
        let is_blank = group.certificate == Certificate::default() && group.checksum == checksum(&[]);
        fields.check(!is_empty || is_blank, "an empty key group has a digest or checksum")?;
        positions.advance(fields, &group)?;
        groups.push(group);
    }
    Ok(groups)
}

fn decode_group(fields: &mut Cursor<'_>, key_group: KeyGroup) -> Result<GroupEntry, SnapshotError> {
    let base = fields.u8()?.checked_sub(1);
    let layout = SectionLayout::from_code(fields.u8()?)
        .ok_or_else(|| fields.malformed("a section of unknown layout: a newer keygroups wrote it"))?;
    let compression = Compression::from_code(fields.u8()?)
        .ok_or_else(|| fields.malformed("a section of unknown compression: a newer keygroups wrote it"))?;
    let (offset, bytes, raw_bytes) = (fields.u64()?, fields.u64()?, fields.u64()?);
    let fits = compress::can_be(raw_bytes, bytes, compression);
    fields.check(
        fits,
        "a section cannot have been as long as it claims before it was compressed, or was not",
    )?;
    let certificate = Certificate { entries: fields.u64()?, digest: fields.u128()? };
    let checksum = fields.u32()?;
    Ok(GroupEntry { key_group, base, layout, compression, offset, bytes, raw_bytes, certificate, checksum })
}

fn decode_group_v1(fields: &mut Cursor<'_>, key_group: KeyGroup) -> Result<GroupEntry, SnapshotError> {
    let (layout, compression) = (SectionLayout::Numbered, Compression::None);
    let (offset, bytes) = (fields.u64()?, fields.u64()?);
    let certificate = Certificate { entries: fields.u64()?, digest: fields.u128()? };
    let checksum = fields.u32()?;
    let (base, raw_bytes) = (None, bytes);
    Ok(GroupEntry { key_group, base, layout, compression, offset, bytes, raw_bytes, certificate, checksum })
}

fn decode_operator_states(
    fields: &mut Cursor<'_>,
    count: u16,
    position: &mut u64,
) -> Result<Vec<OperatorEntry>, SnapshotError> {
    let mut states: Vec<OperatorEntry> = Vec::new();
    for _ in 0..count {
        let mode = mode_from_code(fields.u8()?)
            .ok_or_else(|| fields.malformed("an operator state of unknown redistribution mode"))?;
        let name = fields.name()?;
        let ascends = states.last().is_none_or(|before| *before.name < *name);
        fields.check(ascends, "names of operator states do not ascend")?;
        let count = fields.u32()? as usize;
        fields.check(fields.left() / ITEM_BYTES >= count, "the index is too short for its items")?;
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            let item = ItemEntry { offset: fields.u64()?, bytes: fields.u32()?, checksum: fields.u32()? };
            fields.check(item.offset == *position, "an item does not begin where the one before ends")?;
            *position = item
                .offset
                .checked_add(u64::from(item.bytes))
                .ok_or_else(|| fields.malformed("an item ends beyond 2^64"))?;
            items.push(item);
        }
        states.push(OperatorEntry { name: name.to_owned(), mode, items });
    }
    Ok(states)
}
