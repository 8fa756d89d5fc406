//! The state of a moment, to be written while processing goes on.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;

use super::{SectionOptions, StateBackend, storage::FrozenStorage};
use crate::{
    checkpoint::CheckpointId,
    incremental::{BaseUse, IncrementalPolicy, Unchanged},
    key_group::{KeyGroup, KeyGroupRange, MaxParallelism},
    snapshot::{
        self, Compression, EncodedSnapshot, KeyedSource, OperatorState, Reference, SectionWriter,
        SnapshotError, SnapshotIdentity, SnapshotIndex, StateMeta,
    },
};

/// Where key groups lie in the snapshot of one checkpoint. The backend that was frozen for it and the frozen
/// state share one, which is empty until the snapshot is encoded.
#[derive(Clone, Debug, Default)]
pub(super) struct Homes(Arc<Encoded>);

#[derive(Debug, Default)]
struct Encoded {
    homes: OnceLock<BTreeMap<KeyGroup, Reference>>,
    // Encoded again under another name or beside other operator state: nobody here knows which of the objects is stored.
    is_ambiguous: AtomicBool,
}

impl Homes {
    pub(super) fn known(homes: BTreeMap<KeyGroup, Reference>) -> Self {
        Self(Arc::new(Encoded { homes: homes.into(), ..Encoded::default() }))
    }

    /// `None` if there is no object, or more than one that could be meant.
    pub(super) fn get(&self) -> Option<&BTreeMap<KeyGroup, Reference>> {
        self.0.homes.get().filter(|_| !self.0.is_ambiguous.load(Ordering::Acquire))
    }

    fn fill(&self, homes: impl Iterator<Item = Reference>) {
        let homes: BTreeMap<_, _> = homes.map(|home| (home.entry.key_group, home)).collect();
        let Err(again) = self.0.homes.set(homes) else { return };
        if self.0.homes.get() != Some(&again) {
            self.0.is_ambiguous.store(true, Ordering::Release);
        }
    }
}

/// What a snapshot of `key_groups` refers to.
pub(super) fn references(
    unchanged: &Unchanged<'_, Homes>,
    policy: &IncrementalPolicy,
    key_groups: KeyGroupRange,
) -> BTreeMap<KeyGroup, Reference> {
    let Some(homes) = unchanged.places().and_then(Homes::get) else { return BTreeMap::new() };
    let slot = |key_group: &KeyGroup| key_group.index() - key_groups.first().index();
    let possible = homes.iter().filter(|(key_group, _)| unchanged.is_unchanged(slot(key_group)));
    let needs = |home: &Reference| BaseUse {
        object: home.base.object(),
        used_bytes: home.entry.bytes,
        section_bytes: home.base.section_bytes,
        key_groups: home.base.key_groups,
    };
    let possible = possible.map(|(key_group, home)| (*key_group, home));
    let leant_on = policy.leant_on(possible, needs, key_groups.len());
    leant_on.map(|(key_group, home)| (key_group, home.clone())).collect()
}

/// The state of a backend at the moment of [`StateBackend::freeze`] or [`StateBackend::freeze_at`]. Later
/// writes do not change it.
#[derive(Clone, Debug)]
pub struct FrozenState {
    max_parallelism: MaxParallelism,
    key_groups: KeyGroupRange,
    // Ascending by name, so that bytes do not depend on the order of registration.
    states: Vec<StateMeta>,
    // The backend's number of each of `states`.
    ids: Vec<usize>,
    storage: FrozenStorage,
    options: SectionOptions,
    // What need not be written, because it lies there.
    references: BTreeMap<KeyGroup, Reference>,
    // For which checkpoint it was frozen, and where its backend looks for what became of it.
    taken_for: Option<(CheckpointId, Homes)>,
}

impl FrozenState {
    pub(super) fn full(backend: &mut StateBackend) -> Self {
        Self {
            max_parallelism: backend.max_parallelism,
            key_groups: backend.key_groups,
            states: backend.by_name.values().map(|&id| backend.states[id].meta.clone()).collect(),
            ids: backend.by_name.values().copied().collect(),
            storage: backend.storage.freeze(),
            options: backend.sections,
            references: BTreeMap::new(),
            taken_for: None,
        }
    }

    pub(super) fn leaning(
        backend: &mut StateBackend,
        checkpoint: CheckpointId,
        homes: Homes,
        references: BTreeMap<KeyGroup, Reference>,
    ) -> Self {
        Self { references, taken_for: Some((checkpoint, homes)), ..Self::full(backend) }
    }

    /// The snapshot object of `identity` with this state and `operator_state`.
    ///
    /// May be encoded again, to the same bytes. If its key groups lie elsewhere then, because of another identity of the same
    /// checkpoint or another layout of the operator state, no later snapshot leans on either object: which of
    /// them is stored is not known here.
    ///
    /// # Errors
    ///
    /// As [`snapshot::encode`].
    pub fn encode(
        &self,
        identity: SnapshotIdentity,
        operator_state: &[OperatorState],
    ) -> Result<EncodedSnapshot, SnapshotError> {
        snapshot::encode(identity, Some(self), operator_state)
    }
}

impl KeyedSource for FrozenState {
    fn max_parallelism(&self) -> MaxParallelism {
        self.max_parallelism
    }

    fn key_groups(&self) -> KeyGroupRange {
        self.key_groups
    }

    fn states(&self) -> &[StateMeta] {
        &self.states
    }

    fn reference(&self, key_group: KeyGroup) -> Option<&Reference> {
        self.references.get(&key_group)
    }

    fn compression(&self) -> Compression {
        self.options.compression()
    }

    fn write_section(
        &self,
        key_group: KeyGroup,
        section: &mut SectionWriter<'_>,
    ) -> Result<(), SnapshotError> {
        let slot = key_group.index() - self.key_groups.first().index();
        self.storage.write_section(slot, &self.ids, self.options.tables_from_bytes(), section)
    }

    fn keep(&self, sections: Vec<u8>) -> Result<Bytes, String> {
        self.storage.keep(sections)
    }

    fn encoded(&self, index: &SnapshotIndex) {
        if let Some((checkpoint, homes)) = &self.taken_for
            && *checkpoint == index.header().identity.checkpoint
        {
            homes.fill(index.references());
        }
    }
}
