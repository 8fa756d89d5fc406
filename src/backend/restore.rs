//! Verified sections into the backend that owns their key groups.

use std::collections::BTreeSet;

use super::{BackendError, STATES_MAX, StateBackend, frozen::Homes, group::Group, storage::Storage};
use crate::{
    checkpoint::Certificate,
    codec::CODEC,
    snapshot::{KeyGroupSections, Section},
};

impl StateBackend {
    /// Adds the key groups of `restored`. Key groups of several handles accumulate; nothing that
    /// is there is cleared (FLINK-4731).
    ///
    /// # Errors
    ///
    /// `BackendError::Disk`, `BackendError::LongKey` and `BackendError::LongValue`, of a backend on disk that is of no use
    /// then. The backend is unchanged with all others: [`BackendError::CodecMismatch`], [`BackendError::MaxParallelismMismatch`],
    /// [`BackendError::NotOwned`], [`BackendError::NotFresh`] if a key group was restored or
    /// written to before, [`BackendError::KindMismatch`], [`BackendError::TooManyStates`].
    pub fn restore_groups(&mut self, restored: &KeyGroupSections) -> Result<(), BackendError> {
        self.restore_and_drop(restored.clone())
    }

    /// The same, of what nobody else holds: each section is dropped once its entries are here, so that what was read and
    /// what was made of it are not in memory together. (Tables stay where they were read, in either case.)
    ///
    /// # Errors
    ///
    /// As [`restore_groups`](Self::restore_groups).
    pub fn restore_and_drop(&mut self, restored: KeyGroupSections) -> Result<(), BackendError> {
        if restored.codec() != CODEC {
            return Err(BackendError::CodecMismatch { expected: CODEC, found: restored.codec() });
        }
        if restored.max_parallelism() != self.max_parallelism {
            let (expected, found) = (self.max_parallelism, restored.max_parallelism());
            return Err(BackendError::MaxParallelismMismatch { expected, found });
        }
        let mut slots = BTreeSet::new();
        for section in restored.sections() {
            let key_group = section.key_group();
            let slot = self.slot(key_group)?;
            let is_fresh = self.restored[slot].is_none() && self.storage.is_empty(slot)?;
            if !is_fresh || !slots.insert(slot) {
                return Err(BackendError::NotFresh { key_group });
            }
        }
        self.check_states(&restored)?;
        let ids = restored.states().iter().map(|meta| self.state_id(meta)).collect::<Result<Vec<_>, _>>()?;
        self.lie_where_they_were_read(&restored);
        restored.into_sections().into_iter().try_for_each(|section| self.fill(&section, &ids))
    }

    /// Adds the entries of `section`, whose states are `ids`.
    fn fill(&mut self, section: &Section, ids: &[usize]) -> Result<(), BackendError> {
        let key_group = section.key_group();
        let slot = self.slot(key_group)?;
        match &mut self.storage {
            // What was never written to has no allocation.
            Storage::Memory(_) if section.frames().is_empty() => {}
            Storage::Memory(groups) => {
                let mut group = Group::default();
                // In the order of the group's tables, however many there are: none is moved for another.
                let mut frames: Vec<_> =
                    section.frames().iter().map(|frame| (ids[frame.state()], frame)).collect();
                frames.sort_unstable_by_key(|(state, _)| *state);
                for (state, frame) in frames {
                    match frame.table() {
                        Some(table) => group.adopt(state, table),
                        None => group
                            .fill(state, frame.entries())
                            .map_err(|_| BackendError::Full { key_group })?,
                    }
                }
                groups[slot] = group;
            }
            #[cfg(feature = "disk")]
            Storage::Disk(disk) => {
                for frame in section.frames() {
                    let place = super::storage::Place { key_group, slot, state: ids[frame.state()] };
                    frame.entries().try_for_each(|(key, value)| disk.put(place, key, value))?;
                }
            }
        }
        self.restored[slot] = Some(section.certificate());
        Ok(())
    }

    /// The key groups of several handles of one checkpoint lie in several objects.
    fn lie_where_they_were_read(&mut self, restored: &KeyGroupSections) {
        let checkpoint = restored.checkpoint();
        let known = self.lineage.places(checkpoint).and_then(Homes::get);
        let mut homes = known.cloned().unwrap_or_default();
        homes.extend(restored.references().iter().map(|home| (home.entry.key_group, home.clone())));
        self.lineage.restored(checkpoint, Homes::known(homes));
    }

    /// Whether all states of `restored` can be added, so that none is unless all are.
    fn check_states(&self, restored: &KeyGroupSections) -> Result<(), BackendError> {
        let mut states = self.states.len();
        for meta in restored.states() {
            if self.known_state(meta)?.is_none() {
                states += 1;
            }
            if states > STATES_MAX {
                return Err(BackendError::TooManyStates { name: meta.name.to_string() });
            }
        }
        Ok(())
    }

    /// Entries and digest over all that was restored, if every owned key group was.
    ///
    /// # Errors
    ///
    /// [`BackendError::NotRestored`] names the first key group that no handle has brought.
    pub fn finish_restore(&self) -> Result<Certificate, BackendError> {
        let groups = self.key_groups.iter().zip(&self.restored);
        groups
            .map(|(key_group, certificate)| certificate.ok_or(BackendError::NotRestored { key_group }))
            .sum()
    }
}
