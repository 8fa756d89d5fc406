//! Where everything is: what a reader knows after its first read.

use std::{ops::Range, sync::Arc};

use super::{Base, Reference, SnapshotError, SnapshotHeader, SnapshotIdentity};
use crate::{
    checkpoint::{Certificate, ObjectName, OperatorStateInfo, RedistributionMode, StateHandle},
    key_group::{KeyGroup, KeyGroupRange},
};

/// What kind of keyed state a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum StateKind {
    /// One value per key.
    Value,
}

/// A keyed state as a snapshot names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateMeta {
    /// Its name, unique within the task; up to 65,535 bytes.
    pub name: Arc<str>,
    /// Its kind.
    pub kind: StateKind,
}

/// How the entries of a section lie in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SectionLayout {
    /// Entries ascending by key, states by their position in the state table of the same object: format
    /// version 1.
    Numbered,
    /// Entries ascending by key, states by name, so that the section can be read through the index of
    /// another object.
    Sorted,
}

/// What was done to the bytes of a section when they were stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// Nothing.
    None,
}

/// Where the entries of one key group are, and what they must add up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GroupEntry {
    /// The key group.
    pub key_group: KeyGroup,
    /// The position in the base table of the object in which its section lies; `None` for this object.
    pub base: Option<u8>,
    /// How its section is laid out.
    pub layout: SectionLayout,
    /// What was done to its bytes.
    pub compression: Compression,
    /// Where its section begins; for an empty one, where it would.
    pub offset: u64,
    /// Length of its section as it is stored, in bytes; 0 exactly if it has no entries.
    pub bytes: u64,
    /// Length of its section before compression, in bytes.
    pub raw_bytes: u64,
    /// Number of entries and sum of their digests.
    pub certificate: Certificate,
    /// [`checksum`](super::checksum) of the section as it is stored.
    pub checksum: u32,
}

impl GroupEntry {
    /// Where its section ends.
    pub(super) fn end(&self) -> u64 {
        // Checked when the index was read.
        self.offset + self.bytes
    }
}

/// Where one item of an operator state is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ItemEntry {
    /// Where it begins.
    pub offset: u64,
    /// Its length in bytes.
    pub bytes: u32,
    /// [`checksum`](super::checksum) of the item.
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
    pub(super) bases: Vec<Arc<Base>>,
    pub(super) groups: Vec<GroupEntry>,
    pub(super) operator_states: Vec<OperatorEntry>,
}

impl SnapshotIndex {
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
        differs("list of bases", &handle.bases, &described.bases)?;
        Ok(index)
    }

    /// The header.
    pub const fn header(&self) -> &SnapshotHeader {
        &self.header
    }

    /// The keyed states, ascending by name.
    pub fn states(&self) -> &[StateMeta] {
        &self.states
    }

    /// The objects it leans on, ascending by identity; none for a full snapshot.
    pub fn bases(&self) -> &[Arc<Base>] {
        &self.bases
    }

    /// The object in which the section of `entry` lies.
    pub fn object_of(&self, entry: &GroupEntry) -> ObjectName {
        let base = entry.base.and_then(|base| self.bases.get(usize::from(base)));
        base.map_or(self.header.identity, |base| base.identity).object()
    }

    /// Where the contents of each of its key groups lie durably, for snapshots that lean on them;
    /// ascending by key group, without those that nobody can or need lean on.
    pub fn references(&self) -> impl Iterator<Item = Reference> {
        let own = Arc::new(Base {
            identity: self.header.identity,
            bytes: self.header.object_bytes,
            section_bytes: self
                .groups
                .iter()
                .filter(|group| group.base.is_none())
                .map(|group| group.bytes)
                .sum(),
            key_groups: self.groups.len() as u16,
        });
        let home = move |entry: &GroupEntry| {
            let base = entry.base.and_then(|base| self.bases.get(usize::from(base))).unwrap_or(&own);
            Reference { base: Arc::clone(base), entry: *entry }
        };
        self.groups.iter().map(home).filter(Reference::can_be_leant_on)
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
            bases: self.bases.iter().map(|base| base.object()).collect(),
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
