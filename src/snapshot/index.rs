//! Header and tables: where everything is. Small enough to be read first and whole.

use std::{ops::Range, sync::Arc};

use super::{
    Part, SnapshotError, SnapshotHeader, SnapshotIdentity, checksum, cursor::Cursor, header::HEADER_BYTES,
};
use crate::{
    checkpoint::{Certificate, OperatorStateInfo, RedistributionMode, StateHandle},
    key_group::{KeyGroup, KeyGroupRange},
};

/// What kind of keyed state a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum StateKind {
    /// One value per key.
    Value,
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

/// A keyed state as a snapshot names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateMeta {
    /// Its name, unique within the task; up to 65,535 bytes.
    pub name: Arc<str>,
    /// Its kind.
    pub kind: StateKind,
}

/// Where the entries of one key group are, and what they must add up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GroupEntry {
    /// The key group.
    pub key_group: KeyGroup,
    /// Where its section begins; for an empty one, where it would.
    pub offset: u64,
    /// Length of its section in bytes; 0 exactly if it has no entries.
    pub bytes: u64,
    /// Number of entries and sum of their digests.
    pub certificate: Certificate,
    /// [`checksum`] of the section.
    pub checksum: u32,
}

/// Where one item of an operator state is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ItemEntry {
    /// Where it begins.
    pub offset: u64,
    /// Its length in bytes.
    pub bytes: u32,
    /// [`checksum`] of the item.
    pub checksum: u32,
}

/// Where the items of one operator state are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OperatorEntry {
    /// Its name.
    pub name: String,
    /// How it is redistributed.
    pub mode: RedistributionMode,
    /// Its items in order.
    pub items: Vec<ItemEntry>,
}

/// Header and index of a snapshot, verified: the checksums are right, and sections and items fill
/// the object without gap or overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotIndex {
    pub(super) header: SnapshotHeader,
    pub(super) states: Arc<[StateMeta]>,
    pub(super) groups: Vec<GroupEntry>,
    pub(super) operator_states: Vec<OperatorEntry>,
}

const GROUP_BYTES: usize = 44;
const ITEM_BYTES: usize = 16;
const CHECKSUM_BYTES: usize = 4;

/// Length of header and index in bytes, known before anything else is.
pub(super) fn index_bytes<'a>(
    states: &[StateMeta],
    groups: usize,
    operator_states: impl Iterator<Item = (&'a str, usize)>,
) -> usize {
    let states: usize = states.iter().map(|state| 1 + 2 + state.name.len()).sum();
    let operator_states: usize =
        operator_states.map(|(name, items)| 1 + 2 + name.len() + 4 + items * ITEM_BYTES).sum();
    HEADER_BYTES as usize + states + groups * GROUP_BYTES + operator_states + CHECKSUM_BYTES
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
        let tables = covered.get(HEADER_BYTES as usize..).unwrap_or_default();
        let mut fields = Cursor::new(Part::Index, HEADER_BYTES, tables);
        // Where the next section or item must begin.
        let mut position = header.index_bytes;
        let states = decode_states(&mut fields, header.keyed_states)?;
        let groups = decode_groups(&mut fields, &header, &mut position)?;
        let operator_states = decode_operator_states(&mut fields, header.operator_states, &mut position)?;
        fields.check(fields.is_empty(), "bytes are left after the last table")?;
        fields.check(position == header.object_bytes, "the object does not end with its last section")?;
        Ok(Self { header, states, groups, operator_states })
    }

    /// The index at the beginning of `bytes`, if it is the one that `handle` describes.
    ///
    /// # Errors
    ///
    /// As [`SnapshotIndex::decode`]; [`SnapshotError::Identity`] if it is the snapshot of another
    /// task, attempt or checkpoint; [`SnapshotError::Handle`] if it differs in anything else.
    pub fn decode_for(handle: &StateHandle, bytes: &[u8]) -> Result<Self, SnapshotError> {
        let expected = SnapshotIdentity::of(&handle.object)
            .ok_or(SnapshotError::NotAStateObject { object: handle.object })?;
        let index = Self::decode(bytes)?;
        let found = index.header.identity;
        if found != expected {
            return Err(SnapshotError::Identity { expected, found });
        }
        let described = index.handle();
        differs("length", &handle.bytes, &described.bytes)?;
        differs("length of the index", &handle.index_bytes, &described.index_bytes)?;
        differs("range of key groups", &handle.key_groups, &described.key_groups)?;
        differs("certificate", &handle.certificate, &described.certificate)?;
        differs("operator state", &handle.operator_state, &described.operator_state)?;
        Ok(index)
    }

    /// The header.
    pub const fn header(&self) -> &SnapshotHeader {
        &self.header
    }

    /// The keyed states, ascending by name. Sections refer to them by position.
    pub fn states(&self) -> &[StateMeta] {
        &self.states
    }

    /// One entry for each key group in the object, ascending, the empty ones included.
    pub fn groups(&self) -> &[GroupEntry] {
        &self.groups
    }

    /// The operator states, ascending by name.
    pub fn operator_states(&self) -> &[OperatorEntry] {
        &self.operator_states
    }

    /// The key groups in the object; `None` for a vertex without keyed state.
    pub fn key_groups(&self) -> Option<KeyGroupRange> {
        self.header.keyed.map(|keyed| keyed.key_groups)
    }

    /// Entries and digest over all key groups.
    pub fn certificate(&self) -> Certificate {
        self.groups.iter().map(|group| group.certificate).sum()
    }

    /// The handle that describes this object.
    pub fn handle(&self) -> StateHandle {
        StateHandle {
            object: self.header.identity.object(),
            bytes: self.header.object_bytes,
            index_bytes: self.header.index_bytes,
            key_groups: self.key_groups(),
            certificate: self.certificate(),
            operator_state: self
                .operator_states
                .iter()
                .map(|state| OperatorStateInfo {
                    name: state.name.clone(),
                    mode: state.mode,
                    items: state.items.len() as u32,
                })
                .collect(),
        }
    }

    /// The index entries of `key_groups`.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::NoSuchKeyGroups`] unless the object has all of them.
    pub fn run(&self, key_groups: KeyGroupRange) -> Result<&[GroupEntry], SnapshotError> {
        let has = self.key_groups();
        has.filter(|has| has.contains_range(key_groups))
            .and_then(|has| {
                let skipped = key_groups.first().index() - has.first().index();
                self.groups.get(skipped..skipped + key_groups.len())
            })
            .ok_or(SnapshotError::NoSuchKeyGroups { wanted: key_groups, has })
    }

    /// The one contiguous byte range that holds the sections of `key_groups`. It is empty if all
    /// of them are.
    ///
    /// # Errors
    ///
    /// As [`SnapshotIndex::run`].
    pub fn run_bytes(&self, key_groups: KeyGroupRange) -> Result<Range<u64>, SnapshotError> {
        let run = self.run(key_groups)?;
        let start = run.first().map_or(0, |group| group.offset);
        let end = run.last().map_or(start, |group| group.offset + group.bytes);
        Ok(start..end)
    }

    /// The operator state `name` and the index entries of its `items`.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::NoSuchItems`] unless the object has all of them.
    pub fn items(
        &self,
        name: &str,
        items: Range<u32>,
    ) -> Result<(&OperatorEntry, &[ItemEntry]), SnapshotError> {
        let state = self.operator_states.iter().find(|state| state.name == name);
        state
            .and_then(|state| {
                state.items.get(items.start as usize..items.end as usize).map(|items| (state, items))
            })
            .ok_or_else(|| SnapshotError::NoSuchItems {
                state: name.to_owned(),
                wanted: items,
                has: state.map_or(0, |state| state.items.len() as u32),
            })
    }

    /// The one contiguous byte range that holds `items` of operator state `name`. It is empty if
    /// all of them are.
    ///
    /// # Errors
    ///
    /// As [`SnapshotIndex::items`].
    pub fn items_bytes(&self, name: &str, items: Range<u32>) -> Result<Range<u64>, SnapshotError> {
        let (_, items) = self.items(name, items)?;
        let start = items.first().map_or(0, |item| item.offset);
        let end = items.last().map_or(start, |item| item.offset + u64::from(item.bytes));
        Ok(start..end)
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        self.header.encode(out);
        for state in self.states.iter() {
            out.push(state.kind.code());
            encode_name(&state.name, out);
        }
        for group in &self.groups {
            out.extend_from_slice(&group.offset.to_le_bytes());
            out.extend_from_slice(&group.bytes.to_le_bytes());
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

fn differs<T: PartialEq + std::fmt::Debug>(
    field: &'static str,
    expected: &T,
    found: &T,
) -> Result<(), SnapshotError> {
    if expected == found {
        return Ok(());
    }
    Err(SnapshotError::Handle { field, expected: format!("{expected:?}"), found: format!("{found:?}") })
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
    position: &mut u64,
) -> Result<Vec<GroupEntry>, SnapshotError> {
    let Some(keyed) = header.keyed else { return Ok(Vec::new()) };
    let fits = fields.left() / GROUP_BYTES >= keyed.key_groups.len();
    fields.check(fits, "the index is too short for its key groups")?;
    let mut groups = Vec::with_capacity(keyed.key_groups.len());
    for key_group in keyed.key_groups.iter() {
        let (offset, bytes) = (fields.u64()?, fields.u64()?);
        let certificate = Certificate { entries: fields.u64()?, digest: fields.u128()? };
        let group = GroupEntry { key_group, offset, bytes, certificate, checksum: fields.u32()? };
        fields.check(offset == *position, "a section does not begin where the one before ends")?;
        let is_empty = certificate.entries == 0;
        fields.check(is_empty == (bytes == 0), "a section is empty and yet has entries, or the reverse")?;
        let is_blank = certificate == Certificate::default() && group.checksum == checksum(&[]);
        fields.check(!is_empty || is_blank, "an empty key group has a digest or checksum")?;
        *position =
            offset.checked_add(bytes).ok_or_else(|| fields.malformed("a section ends beyond 2^64"))?;
        groups.push(group);
    }
    Ok(groups)
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
