//! Keyed state by key group.
//!
//! A [`StateBackend`] holds the state of one subtask: for each key group it owns, for each named
//! state, entries of encoded key and encoded value. What a reader may rely on:
//!
//! - **Only owned key groups.** Every access names its key group; one that is not owned is an
//!   error, so that a misrouted record cannot leave state where nobody looks for it.
//! - **State that nobody registered survives.** Entries are bytes and states are names: a state
//!   that was restored and not registered (yet) is in the next snapshot as it was (BEAM-7144).
//! - **Freezing copies nothing.** [`StateBackend::freeze`] shares the memory of every key group;
//!   what is written to afterwards is appended ([`table`](crate::table)). The frozen state is encoded
//!   elsewhere while processing goes on, again without a copy.
//! - **What did not change is not written again.** [`StateBackend::freeze_at`] freezes for a
//!   checkpoint and refers to the newest committed one for key groups that were not written to since;
//!   [`incremental`](crate::incremental) says why that is safe.
//! - **Restores accumulate.** Each handle adds its key groups; none is cleared (FLINK-4731), none
//!   can come twice, and [`StateBackend::finish_restore`] says whether one is missing.
//! - **Several keys cost less together.** Who has a batch of records in hand says which keys they have
//!   ([`StateBackend::prefetch`]); the accesses that follow do not wait for memory one after the other.
//! - **Larger than memory is the same.** With the feature `disk`, a backend of the same API keeps its
//!   state on a local disk (docs/larger_than_memory.md).
//!
//! An entry is (state, key bytes, value bytes) whatever the kind of state, because encodings are
//! self-delimiting: a map state appends the user's key to the key, a list state appends elements
//! to the value, a timer is a key with its time and without a value.
//!
//! ```
//! use keygroups::backend::{StateBackend, StateDescriptor};
//! use keygroups::key_group::{KeyGroup, MaxParallelism};
//!
//! let max_parallelism = MaxParallelism::new(128)?;
//! let mut backend = StateBackend::new(max_parallelism, max_parallelism.all())?;
//! let flights = backend.register(StateDescriptor::<String, u64>::value("flights"))?;
//!
//! let aircraft = "N14228".to_owned();
//! backend.update(&flights, KeyGroup(17), &aircraft, |count| Some(count.unwrap_or(0) + 1))?;
//! assert_eq!(backend.get(&flights, KeyGroup(17), &aircraft)?, Some(1));
//! assert_eq!(backend.total_certificate()?.entries, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod access;
mod certificates;
#[cfg(feature = "disk")]
mod disk;
mod error;
mod frozen;
mod group;
mod prefetch;
mod restore;
mod sections;
mod state;
mod storage;
mod stored;

use std::{collections::BTreeMap, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};

#[cfg(feature = "disk")]
pub use self::disk::DiskOptions;
pub use self::{
    error::BackendError,
    frozen::FrozenState,
    sections::SectionOptions,
    state::{StateDescriptor, ValueState},
    stored::StoredBytes,
};
use self::{
    frozen::Homes,
    group::Group,
    state::RustType,
    storage::{Place, Storage},
};
use crate::{
    checkpoint::{Certificate, CheckpointId},
    incremental::{IncrementalPolicy, Lineage},
    key_group::{KeyGroup, KeyGroupRange, MaxParallelism},
    snapshot::StateMeta,
    table::Memory,
};

/// As many as the state table of a snapshot can count.
const STATES_MAX: usize = u16::MAX as usize;

/// The keyed state of one subtask, in memory or on disk.
#[derive(Debug)]
pub struct StateBackend {
    max_parallelism: MaxParallelism,
    key_groups: KeyGroupRange,
    // By the number that handles carry. States are added and never removed.
    states: Vec<State>,
    by_name: BTreeMap<Arc<str>, usize>,
    storage: Storage,
    // What was restored, by owned key group.
    restored: Vec<Option<Certificate>>,
    policy: IncrementalPolicy,
    sections: SectionOptions,
    // Where what the key groups held at a checkpoint lies; filled when that is encoded.
    lineage: Lineage<Homes>,
}

#[derive(Debug)]
struct State {
    meta: StateMeta,
    // `None` until somebody registers a state that was restored.
    types: Option<(RustType, RustType)>,
}

impl StateBackend {
    /// An empty backend in memory for `key_groups` of a job of `max_parallelism`.
    ///
    /// # Errors
    ///
    /// [`BackendError::OutOfBounds`] if a key group is not below the max parallelism.
    pub fn new(max_parallelism: MaxParallelism, key_groups: KeyGroupRange) -> Result<Self, BackendError> {
        check_bounds(max_parallelism, key_groups)?;
        let groups = key_groups.iter().map(|_| Group::default()).collect();
        Ok(Self::over(Storage::Memory(groups), max_parallelism, key_groups))
    }

    /// An empty backend for `key_groups` of a job of `max_parallelism`, whose state may be larger than
    /// memory: it lies in a directory of a local disk, and what is used lies in memory besides. Everything
    /// else is as with [`new`](Self::new), except that every access can fail with [`BackendError::Disk`].
    ///
    /// The directory is scratch space of this backend alone: it is emptied here and when the
    /// backend and all that was frozen of it are dropped. Nothing in it outlives the process; checkpoints
    /// do.
    ///
    /// # Errors
    ///
    /// [`BackendError::OutOfBounds`] as [`new`](Self::new); [`BackendError::ForeignDirectory`] if the
    /// directory holds anything that no backend has put there, [`BackendError::DirectoryInUse`] if another
    /// backend uses it, [`BackendError::Disk`].
    #[cfg(feature = "disk")]
    pub fn on_disk(
        max_parallelism: MaxParallelism,
        key_groups: KeyGroupRange,
        options: DiskOptions,
    ) -> Result<Self, BackendError> {
        check_bounds(max_parallelism, key_groups)?;
        Ok(Self::over(Storage::Disk(disk::Disk::open(&options)?), max_parallelism, key_groups))
    }

    fn over(storage: Storage, max_parallelism: MaxParallelism, key_groups: KeyGroupRange) -> Self {
        Self {
            max_parallelism,
            key_groups,
            states: Vec::new(),
            by_name: BTreeMap::new(),
            storage,
            restored: vec![None; key_groups.len()],
            policy: IncrementalPolicy::default(),
            sections: SectionOptions::default(),
            lineage: Lineage::new(key_groups.len()),
        }
    }

    /// The max parallelism of the job.
    pub const fn max_parallelism(&self) -> MaxParallelism {
        self.max_parallelism
    }

    /// The key groups it owns.
    pub const fn key_groups(&self) -> KeyGroupRange {
        self.key_groups
    }

    /// All states, registered or restored, in the order they became known.
    pub fn states(&self) -> impl ExactSizeIterator<Item = &StateMeta> {
        self.states.iter().map(|state| &state.meta)
    }

    /// The state that `descriptor` describes: a new one, or the one of that name that was restored
    /// or registered before.
    ///
    /// # Errors
    ///
    /// [`BackendError::KindMismatch`] if the name stands for another kind of state,
    /// [`BackendError::TypeMismatch`] if it was registered with other types of key or value,
    /// [`BackendError::Name`] if the name is longer than 65,535 bytes, and
    /// [`BackendError::TooManyStates`].
    pub fn register<K, V>(
        &mut self,
        descriptor: StateDescriptor<K, V>,
    ) -> Result<ValueState<K, V>, BackendError>
    where
        K: Serialize + DeserializeOwned + 'static,
        V: Serialize + DeserializeOwned + 'static,
    {
        let types = (RustType::of::<K>(), RustType::of::<V>());
        let id = self.state_id(&descriptor.meta)?;
        let state = &mut self.states[id];
        match state.types {
            None => state.types = Some(types),
            Some(registered) if registered == types => {}
            Some(registered) => {
                return Err(BackendError::TypeMismatch {
                    name: state.meta.name.to_string(),
                    registered: format!("{} to {}", registered.0.name, registered.1.name),
                    wanted: format!("{} to {}", types.0.name, types.1.name),
                });
            }
        }
        Ok(ValueState::new(id, Arc::clone(&state.meta.name)))
    }

    /// The state as it is now, for a snapshot. Takes time in proportion to the number of key
    /// groups and of chunks of memory, whatever is in them: nothing is copied.
    pub fn freeze(&mut self) -> FrozenState {
        FrozenState::full(self)
    }

    /// The state as it is now, for the snapshot of `checkpoint`, which leans on the snapshot of
    /// `confirmed` for key groups that were not written to since, as far as the
    /// [policy](Self::set_incremental_policy) allows. `confirmed` is the newest committed checkpoint as
    /// the [barrier](crate::protocol::Barrier::confirmed) names it. Takes time in proportion to the number
    /// of key groups.
    ///
    /// The snapshot is full if this backend neither was restored from `confirmed` nor has frozen it, or if
    /// checkpoints do not ascend.
    pub fn freeze_at(&mut self, checkpoint: CheckpointId, confirmed: CheckpointId) -> FrozenState {
        let homes = Homes::default();
        let unchanged = self.lineage.unchanged(checkpoint, confirmed);
        let references = frozen::references(&unchanged, &self.policy, self.key_groups);
        self.lineage.freeze(checkpoint, confirmed, homes.clone());
        FrozenState::leaning(self, checkpoint, homes, references)
    }

    /// How [`freeze_at`](Self::freeze_at) leans on older snapshots from now on.
    pub fn set_incremental_policy(&mut self, policy: IncrementalPolicy) {
        self.policy = policy;
    }

    /// How snapshots are written from now on.
    pub fn set_section_options(&mut self, options: SectionOptions) {
        self.sections = options;
    }

    /// What the state takes in memory, over all key groups; in time proportional to the number of chunks. Of
    /// a backend on disk what its cache and its buffers take; the number of entries is an estimate from
    /// above, because what was replaced counts until it is merged.
    pub fn memory(&self) -> Memory {
        self.storage.memory()
    }

    /// The number of the state `meta`, if it is known.
    fn known_state(&self, meta: &StateMeta) -> Result<Option<usize>, BackendError> {
        let Some(&id) = self.by_name.get(&meta.name) else { return Ok(None) };
        let known = self.states[id].meta.kind;
        if known != meta.kind {
            let (name, wanted) = (meta.name.to_string(), meta.kind);
            return Err(BackendError::KindMismatch { name, known, wanted });
        }
        Ok(Some(id))
    }

    /// The number of the state `meta`, which is added if it is unknown.
    fn state_id(&mut self, meta: &StateMeta) -> Result<usize, BackendError> {
        if let Some(id) = self.known_state(meta)? {
            return Ok(id);
        }
        if meta.name.len() > usize::from(u16::MAX) {
            return Err(BackendError::Name { bytes: meta.name.len() });
        }
        if self.states.len() == STATES_MAX {
            return Err(BackendError::TooManyStates { name: meta.name.to_string() });
        }
        let id = self.states.len();
        self.states.push(State { meta: meta.clone(), types: None });
        self.by_name.insert(Arc::clone(&meta.name), id);
        Ok(id)
    }

    /// The number of `state`, if it was registered here: a number of another backend may stand for
    /// another state.
    #[inline(always)]
    fn check_state<K, V>(&self, state: &ValueState<K, V>) -> Result<usize, BackendError> {
        let known =
            self.states.get(state.id()).is_some_and(|known| Arc::ptr_eq(&known.meta.name, state.name_arc()));
        if !known {
            return Err(BackendError::ForeignState { name: state.name().to_owned() });
        }
        Ok(state.id())
    }

    #[inline(always)]
    fn slot(&self, key_group: KeyGroup) -> Result<usize, BackendError> {
        // Wraps below the first one, and is then greater than all.
        let slot = key_group.index().wrapping_sub(self.key_groups.first().index());
        if slot >= self.key_groups.len() {
            return Err(BackendError::NotOwned { key_group, key_groups: self.key_groups });
        }
        Ok(slot)
    }

    #[inline(always)]
    fn place(&self, state: usize, key_group: KeyGroup) -> Result<Place, BackendError> {
        Ok(Place { key_group, slot: self.slot(key_group)?, state })
    }
}

fn check_bounds(max_parallelism: MaxParallelism, key_groups: KeyGroupRange) -> Result<(), BackendError> {
    if !max_parallelism.all().contains_range(key_groups) {
        return Err(BackendError::OutOfBounds { key_groups, max_parallelism });
    }
    Ok(())
}
