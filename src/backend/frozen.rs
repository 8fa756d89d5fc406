//! The state of a moment, to be written while processing goes on.

use std::sync::Arc;

use super::{StateBackend, group::Group};
use crate::{
    key_group::{KeyGroup, KeyGroupRange, MaxParallelism},
    snapshot::{
        self, EncodedSnapshot, KeyedSource, OperatorState, SectionWriter, SnapshotError, SnapshotIdentity,
        StateMeta,
    },
};

/// The state of a backend at the moment of [`StateBackend::freeze`]. Later writes do not change it.
#[derive(Clone, Debug)]
pub struct FrozenState {
    max_parallelism: MaxParallelism,
    key_groups: KeyGroupRange,
    // Ascending by name, so that bytes do not depend on the order of registration.
    states: Vec<StateMeta>,
    // The backend's number of each of `states`.
    ids: Vec<usize>,
    groups: Vec<Arc<Group>>,
}

impl FrozenState {
    pub(super) fn new(backend: &StateBackend) -> Self {
        Self {
            max_parallelism: backend.max_parallelism,
            key_groups: backend.key_groups,
            states: backend.by_name.values().map(|&id| backend.states[id].meta.clone()).collect(),
            ids: backend.by_name.values().copied().collect(),
            groups: backend.groups.clone(),
        }
    }

    /// The snapshot object of `identity` with this state and `operator_state`.
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

    fn write_section(
        &self,
        key_group: KeyGroup,
        section: &mut SectionWriter<'_>,
    ) -> Result<(), SnapshotError> {
        let group = &self.groups[key_group.index() - self.key_groups.first().index()];
        for (state, &id) in self.ids.iter().enumerate() {
            section.state(state, group.entries(id))?;
        }
        Ok(())
    }
}
