//! What every task of a new attempt starts from: which parts of which old snapshots.
//!
//! The plan is made by [`RescalePlan`] and [`operator_state::redistribute`] alone, whether the
//! parallelism changes or not: there is one way to restore.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    checkpoint::{
        CheckpointId, CheckpointRecord, Manifest, RedistributionMode, StateHandle, TaskId, TaskSnapshot,
        VertexId, VertexSpec,
    },
    key_group::{KeyGroupRange, Parallelism},
    operator_state::{self, RedistributeError},
    rescale::{RescaleError, RescalePlan, RescaleRequest},
};

/// Key groups of one old snapshot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StateRead {
    /// The old snapshot.
    pub handle: Arc<StateHandle>,
    /// Which of its key groups.
    pub key_groups: KeyGroupRange,
}

/// Items of one named operator state of one old snapshot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OperatorRead {
    /// The old snapshot.
    pub handle: Arc<StateHandle>,
    /// The state.
    pub name: String,
    /// How it is redistributed.
    pub mode: RedistributionMode,
    /// The first item.
    pub first_item: u32,
    /// How many items there are, from the first on.
    pub items: u32,
}

/// What one task starts from. Empty if the job has no checkpoint yet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Restore {
    /// The checkpoint, [`CheckpointId::NONE`] if the job starts empty.
    pub checkpoint: CheckpointId,
    /// Keyed state to read, ascending by key group.
    pub state: Vec<StateRead>,
    /// Operator state to read, in order.
    pub operator_state: Vec<OperatorRead>,
}

/// A checkpoint that cannot be restored at the wanted parallelism.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// Its keyed state.
    #[error("vertex {vertex}: {error}")]
    Rescale {
        /// The vertex.
        vertex: VertexId,
        /// Why no plan says who restores its key groups.
        error: RescaleError,
    },
    /// Its operator state.
    #[error("vertex {vertex}: {error}")]
    Redistribute {
        /// The vertex.
        vertex: VertexId,
        /// Why its items cannot be shared out.
        error: RedistributeError,
    },
}

impl Restore {
    /// What every task of the job at `parallelism` starts from: the newest checkpoint of
    /// `manifest`, never an older one.
    ///
    /// # Errors
    ///
    /// [`RestoreError`] if the checkpoint's parts do not fit together.
    pub fn plan(
        manifest: &Manifest,
        parallelism: Parallelism,
    ) -> Result<BTreeMap<TaskId, Self>, RestoreError> {
        let checkpoint = manifest.newest_checkpoint_id();
        let mut restores: BTreeMap<_, _> = manifest
            .job
            .tasks(parallelism)
            .into_iter()
            .map(|task| (task, Self { checkpoint, state: Vec::new(), operator_state: Vec::new() }))
            .collect();
        if let Some(record) = manifest.newest_checkpoint() {
            for (vertex, spec) in manifest.job.vertices() {
                let parallelism = manifest.job.parallelism_of(vertex, parallelism);
                plan_vertex(record, vertex, spec, parallelism, &mut restores)?;
            }
        }
        Ok(restores)
    }
}

fn plan_vertex(
    record: &CheckpointRecord,
    vertex: VertexId,
    spec: &VertexSpec,
    parallelism: Parallelism,
    restores: &mut BTreeMap<TaskId, Restore>,
) -> Result<(), RestoreError> {
    // Ascending by subtask, so that a subtask is an index.
    let old: Vec<&TaskSnapshot> =
        record.tasks.iter().filter(|snapshot| snapshot.task.vertex == vertex).collect();
    let handles: Vec<Arc<StateHandle>> =
        old.iter().map(|snapshot| Arc::new(snapshot.state.clone())).collect();

    if let Some(max_parallelism) = spec.max_parallelism {
        let ranges: Vec<KeyGroupRange> = handles.iter().filter_map(|handle| handle.key_groups).collect();
        let request = RescaleRequest {
            recorded_max_parallelism: max_parallelism,
            max_parallelism,
            old: &ranges,
            parallelism,
        };
        let plan = RescalePlan::new(&request).map_err(|error| RestoreError::Rescale { vertex, error })?;
        for subtask in plan.subtasks() {
            let Some(restore) = restores.get_mut(&TaskId { vertex, subtask: subtask.subtask }) else {
                continue;
            };
            restore.state.extend(subtask.reads.iter().filter_map(|read| {
                let handle = Arc::clone(handles.get(read.from.index())?);
                Some(StateRead { handle, key_groups: read.key_groups })
            }));
        }
    }

    let states = handles.iter().map(|handle| Some(handle.operator_state.as_slice()));
    let runs = operator_state::redistribute(states, parallelism)
        .map_err(|error| RestoreError::Redistribute { vertex, error })?;
    for (subtask, runs) in parallelism.subtasks().zip(runs) {
        let Some(restore) = restores.get_mut(&TaskId { vertex, subtask }) else { continue };
        restore.operator_state.extend(runs.into_iter().filter_map(|run| {
            let handle = Arc::clone(handles.get(run.from.index())?);
            let info = handle.operator_state.iter().find(|info| *info.name == *run.name)?;
            Some(OperatorRead {
                name: info.name.clone(),
                mode: info.mode,
                first_item: run.first_item,
                items: run.items,
                handle,
            })
        }));
    }
    Ok(())
}
