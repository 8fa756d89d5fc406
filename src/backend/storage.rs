//! Where the entries of all key groups are held: in memory or on disk.

use bytes::Bytes;

#[cfg(feature = "disk")]
use super::disk::{Disk, FrozenDisk};
use super::{
    BackendError,
    group::{FrozenGroup, Group},
    stored::StoredBytes,
};
use crate::{
    codec::CodecError,
    key_group::KeyGroup,
    snapshot::{SectionWriter, SnapshotError},
    table::{Memory, PutError, Table},
};

/// A state of an owned key group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) key_group: KeyGroup,
    // The number of the key group among the owned ones.
    pub(super) slot: usize,
    // The backend's number of the state.
    pub(super) state: usize,
}

/// An encoded key and its encoded value.
pub(super) type StoredEntry<'a> = (StoredBytes<'a>, StoredBytes<'a>);

#[derive(Debug)]
pub(super) enum Storage {
    // One per owned key group, ascending.
    Memory(Vec<Group>),
    #[cfg(feature = "disk")]
    Disk(Disk),
}

impl Storage {
    /// The table at `place`, if it lies in memory and was ever written to.
    #[inline(always)]
    pub(super) fn table(&self, place: Place) -> Option<&Table> {
        match self {
            Self::Memory(groups) => groups[place.slot].table(place.state),
            #[cfg(feature = "disk")]
            Self::Disk(_) => None,
        }
    }

    #[inline(always)]
    pub(super) fn get(&self, place: Place, key: &[u8]) -> Result<Option<StoredBytes<'_>>, BackendError> {
        match self {
            Self::Memory(groups) => {
                let found = groups[place.slot].table(place.state).and_then(|table| table.get(key));
                Ok(found.map(StoredBytes::from))
            }
            #[cfg(feature = "disk")]
            Self::Disk(disk) => disk.get(place, key),
        }
    }

    #[inline]
    pub(super) fn put(&mut self, place: Place, key: &[u8], value: &[u8]) -> Result<(), BackendError> {
        match self {
            Self::Memory(groups) => {
                let put = groups[place.slot].table_mut(place.state).put(key, value);
                put.map_err(|refusal| BackendError::refused(refusal, place.key_group))
            }
            #[cfg(feature = "disk")]
            Self::Disk(disk) => disk.put(place, key, value),
        }
    }

    /// Replaces the value by what `change` makes of it; whether anything was written.
    #[inline(always)]
    pub(super) fn update<B: AsRef<[u8]>>(
        &mut self,
        place: Place,
        key: &[u8],
        change: impl FnOnce(Option<&[u8]>) -> Result<Option<B>, CodecError>,
    ) -> Result<bool, BackendError> {
        match self {
            Self::Memory(groups) => {
                let Some(table) = groups[place.slot].written_mut(place.state) else {
                    return self.update_first(place, key, change);
                };
                let updated = table.update(key, |before| change(before).map_err(Refusal::Codec));
                updated.map_err(|refusal| refusal.of(place.key_group))
            }
            #[cfg(feature = "disk")]
            Self::Disk(disk) => {
                let before = disk.get(place, key)?;
                match change(before.as_deref())? {
                    Some(value) => disk.put(place, key, value.as_ref()).map(|()| true),
                    None if before.is_some() => disk.delete(place, key).map(|()| true),
                    None => Ok(false),
                }
            }
        }
    }

    /// The first write to a table, if there is anything to write.
    #[cold]
    fn update_first<B: AsRef<[u8]>>(
        &mut self,
        place: Place,
        key: &[u8],
        change: impl FnOnce(Option<&[u8]>) -> Result<Option<B>, CodecError>,
    ) -> Result<bool, BackendError> {
        match change(None)? {
            Some(value) => self.put(place, key, value.as_ref()).map(|()| true),
            None => Ok(false),
        }
    }

    /// Whether there was a value.
    pub(super) fn remove(&mut self, place: Place, key: &[u8]) -> Result<bool, BackendError> {
        match self {
            Self::Memory(groups) => {
                let table = groups[place.slot].written_mut(place.state);
                Ok(table.is_some_and(|table| table.remove(key)))
            }
            #[cfg(feature = "disk")]
            Self::Disk(disk) => {
                let found = disk.get(place, key)?.is_some();
                if found {
                    disk.delete(place, key)?;
                }
                Ok(found)
            }
        }
    }

    /// In an order that depends on the keys alone.
    pub(super) fn entries(
        &self,
        place: Place,
    ) -> impl Iterator<Item = Result<StoredEntry<'_>, BackendError>> {
        let (in_memory, on_disk) = match self {
            Self::Memory(groups) => (Some(groups[place.slot].entries(place.state)), None),
            #[cfg(feature = "disk")]
            Self::Disk(disk) => (None, Some(disk.entries(place))),
        };
        #[cfg(not(feature = "disk"))]
        let on_disk: Option<std::iter::Empty<_>> = on_disk;
        let in_memory = in_memory.into_iter().flatten();
        in_memory
            .map(|(key, value)| Ok((StoredBytes::from(key), StoredBytes::from(value))))
            .chain(on_disk.into_iter().flatten())
    }

    /// Gives every entry to `each`, in the order of [`entries`](Self::entries).
    pub(super) fn for_each(
        &self,
        place: Place,
        mut each: impl FnMut(&[u8], &[u8]),
    ) -> Result<(), BackendError> {
        match self {
            Self::Memory(groups) => {
                groups[place.slot].entries(place.state).for_each(|(key, value)| each(key, value));
                Ok(())
            }
            #[cfg(feature = "disk")]
            Self::Disk(disk) => disk.entries(place).try_for_each(|entry| {
                let (key, value) = entry?;
                each(&key, &value);
                Ok(())
            }),
        }
    }

    /// Whether the key group number `slot` has no entries.
    pub(super) fn is_empty(&self, slot: usize) -> Result<bool, BackendError> {
        match self {
            Self::Memory(groups) => Ok(groups[slot].is_empty()),
            #[cfg(feature = "disk")]
            Self::Disk(disk) => disk.is_empty(slot),
        }
    }

    pub(super) fn freeze(&mut self) -> FrozenStorage {
        match self {
            Self::Memory(groups) => FrozenStorage::Memory(groups.iter_mut().map(Group::freeze).collect()),
            #[cfg(feature = "disk")]
            Self::Disk(disk) => FrozenStorage::Disk(disk.freeze()),
        }
    }

    pub(super) fn memory(&self) -> Memory {
        match self {
            Self::Memory(groups) => groups.iter().map(Group::memory).sum(),
            #[cfg(feature = "disk")]
            Self::Disk(disk) => disk.memory(),
        }
    }
}

/// A storage of a moment.
#[derive(Clone, Debug)]
pub(super) enum FrozenStorage {
    // As in the storage.
    Memory(Vec<FrozenGroup>),
    #[cfg(feature = "disk")]
    Disk(FrozenDisk),
}

impl FrozenStorage {
    /// Writes the key group of number `slot`: the states `ids`, as tables if those have `tables_from_bytes`.
    pub(super) fn write_section(
        &self,
        slot: usize,
        ids: &[usize],
        tables_from_bytes: usize,
        section: &mut SectionWriter<'_>,
    ) -> Result<(), SnapshotError> {
        match self {
            Self::Memory(groups) => groups[slot].write_section(ids, tables_from_bytes, section),
            #[cfg(feature = "disk")]
            Self::Disk(disk) => ids
                .iter()
                .enumerate()
                .try_for_each(|(state, &id)| section.stream(state, disk.entries(slot, id))),
        }
    }

    /// Keeps bytes of a snapshot until they are stored, where the state is.
    pub(super) fn keep(&self, sections: Vec<u8>) -> Result<Bytes, String> {
        match self {
            Self::Memory(_) => Ok(sections.into()),
            #[cfg(feature = "disk")]
            Self::Disk(disk) => disk.keep(&sections).map_err(|error| error.to_string()),
        }
    }
}

/// Why a value was not replaced in memory.
enum Refusal {
    Codec(CodecError),
    Put(PutError),
}

impl Refusal {
    fn of(self, key_group: KeyGroup) -> BackendError {
        match self {
            Self::Codec(error) => error.into(),
            Self::Put(refusal) => BackendError::refused(refusal, key_group),
        }
    }
}

impl From<PutError> for Refusal {
    fn from(refusal: PutError) -> Self {
        Self::Put(refusal)
    }
}
