//! Snapshots to files and back by the driver's own code.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::executor::block_on;
use futures::future::{self, BoxFuture};
use keygroups::backend::{FrozenState, StateBackend};
use keygroups::checkpoint::{Attempt, CheckpointId, LeaderEpoch, StateHandle, TaskId, VertexId};
use keygroups::driver::{FrozenTask, RestoreMetrics, RestoringTask, Runtime, Timings, Transfer};
use keygroups::key_group::{KeyGroupRange, MaxParallelism, Subtask};
use keygroups::protocol::{Restore, StateRead};
use keygroups::snapshot::SnapshotIdentity;
use keygroups::store::{CheckpointStore, Durability};

/// Whose time never passes: a benchmark gives nothing up. Computes on the thread that asks.
struct Timeless;

impl Runtime for Timeless {
    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        future::pending().boxed()
    }
}

fn task_id(task: u32) -> TaskId {
    TaskId { vertex: VertexId(0), subtask: Subtask(task as u16) }
}

/// The snapshot of task number `task` for checkpoint number `checkpoint`.
pub fn identity(task: u32, checkpoint: u64) -> SnapshotIdentity {
    let attempt = Attempt { epoch: LeaderEpoch(1), run: 1 };
    SnapshotIdentity { attempt, task: task_id(task), checkpoint: CheckpointId(checkpoint) }
}

/// Snapshots in a directory.
pub struct Files {
    store: CheckpointStore,
    transfer: Transfer,
}

impl Files {
    /// # Errors
    ///
    /// If the directory cannot be written to.
    pub fn new(directory: &Path, durability: Durability) -> anyhow::Result<Self> {
        Ok(Self::of(CheckpointStore::local(directory, durability)?))
    }

    /// The same, mapped into memory when they are read.
    ///
    /// # Errors
    ///
    /// If the directory cannot be written to.
    pub fn mapped(directory: &Path, durability: Durability) -> anyhow::Result<Self> {
        Ok(Self::of(CheckpointStore::local_mapped(directory, durability)?))
    }

    /// The same, read into huge pages where the system gives them.
    ///
    /// # Errors
    ///
    /// If the directory cannot be written to.
    pub fn in_huge_pages(directory: &Path, durability: Durability) -> anyhow::Result<Self> {
        Ok(Self::of(CheckpointStore::local(directory, durability)?.with_huge_pages()))
    }

    fn of(store: CheckpointStore) -> Self {
        let transfer = Transfer::new(store.clone(), Arc::new(Timeless), Timings::default());
        Self { store, transfer }
    }

    /// Encodes and writes what was frozen.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn write(&self, identity: SnapshotIdentity, frozen: FrozenState) -> anyhow::Result<StateHandle> {
        let frozen = FrozenTask { keyed: Some(frozen), ..FrozenTask::default() };
        Ok(block_on(self.transfer.upload(identity, frozen))?.state.clone())
    }

    /// Deletes these snapshots.
    pub fn delete(&self, handles: &[StateHandle]) {
        let names: Vec<_> = handles.iter().map(|handle| handle.object).collect();
        block_on(self.store.delete_objects(&names));
    }

    /// The state of a task that owns `owned`, read and verified, from the snapshots of its predecessors.
    ///
    /// # Errors
    ///
    /// If something cannot be read, or is not what was written.
    pub fn read(
        &self,
        handles: &[StateHandle],
        max_parallelism: MaxParallelism,
        owned: KeyGroupRange,
    ) -> anyhow::Result<(StateBackend, RestoreMetrics)> {
        let part = |handle: &StateHandle| {
            let key_groups = handle.key_groups?.intersection(owned)?;
            Some(StateRead { handle: Arc::new(handle.clone()), key_groups })
        };
        let checkpoint = handles.first().map_or(CheckpointId::NONE, |handle| handle.object.checkpoint());
        let state = handles.iter().filter_map(part).collect();
        let plan = Restore { checkpoint, state, operator_state: Vec::new() };
        let whose = RestoringTask { task: task_id(0), owned: Some((max_parallelism, owned)), plan: &plan };
        let restored = block_on(self.transfer.restore(whose))?;
        Ok((restored.backend.expect("the task has keyed state"), restored.metrics))
    }
}
