//! Copies of snapshots on a host's own disk, so that state which stays on its host need not travel.
//!
//! A copy can save a transfer and do nothing else. What a task restores is decided by the plan, the
//! manifest and the index *in the store*; a copy only offers bytes for what that index describes, and
//! they count if every checksum and digest of the index says that they are the ones. So it does not
//! matter what befalls the disk: lost, torn, stale, misdirected or rotten copies, or those of another
//! job, are read from the store instead. `docs/local_recovery.md` has the rules.

use std::{collections::BTreeSet, sync::Arc};

use object_store::{ObjectStore, PutPayload, path::Path};

use super::DriverError;
use crate::{
    checkpoint::{Attempt, CheckpointId, ObjectName},
    store::{CheckpointStore, Put, StoreError},
};

/// The copies on one host's disk. Cheap to clone; clones are the same disk.
#[derive(Clone, Debug)]
pub struct LocalCopies {
    // Names, ranged reads, listing and deleting are those of any checkpoint store.
    disk: CheckpointStore,
}

/// Something that a host could not do with its local copies. It is for people: nothing depends on a
/// copy, so no machine hears of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// There is no copy of this snapshot. The snapshot itself is not touched by that.
    #[error("no local copy of {object}: {source}")]
    NotKept {
        /// The snapshot.
        object: ObjectName,
        /// What the local store or the restore said.
        source: Box<DriverError>,
    },
    /// The copy cannot be read, or is not what was written: the store was read instead. It is deleted
    /// unless it may be read another time.
    #[error("the local copy of {object} is not used: {source}")]
    Refused {
        /// The snapshot.
        object: ObjectName,
        /// What is wrong with it, or why it cannot be read.
        source: Box<DriverError>,
    },
    /// Copies that nobody needs may still be there; the next checkpoint tries again.
    #[error("local copies that nobody needs are not deleted: {0}")]
    NotPruned(Box<DriverError>),
}

/// Which copies may still be restored from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Needed {
    /// The attempt that this host runs.
    pub(super) attempt: Attempt,
    /// The newest checkpoint that is known to be committed, by whichever attempt.
    pub(super) committed: CheckpointId,
    /// The oldest checkpoint of the attempt that may still be committed after it.
    pub(super) pending: CheckpointId,
    /// Older objects that snapshots of these checkpoints lean on.
    pub(super) bases: BTreeSet<ObjectName>,
}

impl Needed {
    /// There is one checkpoint at a time and recovery starts from the newest, so nobody asks for
    /// anything else again. Whoever did would read the store.
    pub(super) fn holds(&self, name: &ObjectName) -> bool {
        self.bases.contains(name)
            || name.checkpoint() == self.committed
            || (name.attempt() == self.attempt && name.checkpoint() >= self.pending)
    }
}

impl LocalCopies {
    /// The copies in `directory`, which is this host's own and is created if it is absent. Nothing is synced: copies
    /// need not be durable. Blocks for a few system calls, and one for each file there.
    ///
    /// A directory survives its process: give the next life of the host the same one. Whole copies are used. What
    /// earlier lives were writing when they died, each as large as a state, is deleted here: `<name>#<n>` where a copy
    /// `<name>` would lie, of this library or of object_store's `LocalFileSystem`. What other hosts or jobs left does
    /// no harm; it is deleted when this host next runs a task. Whatever has other names is left alone.
    ///
    /// One process at a time: give two hosts two directories. Hosts that share one do no harm to any state; they delete
    /// each other's copies.
    ///
    /// # Errors
    ///
    /// [`StoreError::Directory`] says what is wrong, where, and what to do: the directory cannot be made, is a file, or
    /// cannot be written in. One that is full can be opened. A host without copies does the same, with more bytes from
    /// the store.
    #[cfg(feature = "fs")]
    pub fn in_directory(directory: impl Into<std::path::PathBuf>) -> Result<Self, StoreError> {
        Ok(Self { disk: CheckpointStore::local_owned(directory.into())? })
    }

    /// The same, with copies that are used where they lie, without being read into memory first, as
    /// [`MappedFiles`](crate::store::MappedFiles) says, with what that asks of the files. Changes nothing on a disk
    /// whose answers are no files.
    #[cfg(feature = "fs")]
    #[must_use]
    pub fn with_mapped_files(self) -> Self {
        Self { disk: self.disk.with_mapped_files() }
    }

    /// The copies below `prefix` on `disk`, where nothing else should lie. In production the disk is a directory:
    /// `in_directory` (feature `fs`) opens one, and deletes what this leaves of writes that a death interrupted.
    ///
    /// A disk survives its process: give the next life of the host the same. What other hosts or jobs left there does
    /// no harm; it is deleted when this host next runs a task.
    pub fn new(disk: Arc<dyn ObjectStore>, prefix: Path) -> Self {
        // A disk takes a copy of any length at once.
        Self { disk: CheckpointStore::new(disk, prefix).without_parts() }
    }

    /// The copies as a store, to read ranges from.
    pub(super) const fn disk(&self) -> &CheckpointStore {
        &self.disk
    }

    /// Writes a copy, in the place of whatever else lies under its name.
    pub(super) async fn keep(&self, name: ObjectName, payload: PutPayload) -> Result<(), StoreError> {
        match self.disk.put_object(name, payload.clone()).await {
            // Left by a job whose names were the same.
            Put::Failed { reason: StoreError::Conflict { .. } } => {
                self.discard(&[name]).await?;
                written(self.disk.put_object(name, payload).await)
            }
            put => written(put),
        }
    }

    /// Deletes all copies but those that are needed.
    pub(super) async fn prune(&self, needed: Needed) -> Result<(), StoreError> {
        let mut names = self.disk.list_objects(Attempt::default()).await?.objects;
        names.retain(|name| !needed.holds(name));
        self.discard(&names).await
    }

    /// Deletes these copies. One that is gone already counts as deleted.
    pub(super) async fn discard(&self, names: &[ObjectName]) -> Result<(), StoreError> {
        if names.is_empty() {
            return Ok(());
        }
        self.disk.delete_objects(names).await.failed.into_iter().next().map_or(Ok(()), Err)
    }
}

fn written(put: Put) -> Result<(), StoreError> {
    match put {
        Put::Written => Ok(()),
        Put::Unknown { reason } | Put::Failed { reason } => Err(reason),
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use object_store::memory::InMemory;

    use super::*;
    use crate::{
        checkpoint::{LeaderEpoch, TaskId, VertexId},
        key_group::Subtask,
    };

    fn attempt(run: u32) -> Attempt {
        Attempt { epoch: LeaderEpoch(1), run }
    }

    fn name(run: u32, checkpoint: u64) -> ObjectName {
        let task = TaskId { vertex: VertexId(1), subtask: Subtask(0) };
        ObjectName::State { attempt: attempt(run), task, checkpoint: CheckpointId(checkpoint) }
    }

    fn copies() -> LocalCopies {
        LocalCopies::new(Arc::<InMemory>::default(), Path::from("job"))
    }

    #[test]
    fn prune_leaves_the_newest_committed_checkpoint_what_it_leans_on_and_what_may_follow_it() {
        let copies = copies();
        block_on(async {
            for (run, checkpoint) in [(1, 3), (1, 4), (1, 5), (2, 4), (2, 5), (2, 6), (3, 9)] {
                copies.keep(name(run, checkpoint), "state".into()).await.unwrap();
            }
            let (committed, pending) = (CheckpointId(4), CheckpointId(6));
            let bases = BTreeSet::from([name(1, 3)]);
            copies.prune(Needed { attempt: attempt(2), committed, pending, bases }).await.unwrap();
            let left = copies.disk().list_objects(Attempt::default()).await.unwrap().objects;
            assert_eq!(left, [name(1, 3), name(1, 4), name(2, 4), name(2, 6)]);
        });
    }

    #[test]
    fn copies_never_go_up_in_parts() {
        assert_eq!(copies().disk().part_bytes_of(u64::MAX), None);
    }

    #[test]
    fn copy_takes_the_place_of_what_another_job_left_under_its_name() {
        let copies = copies();
        block_on(async {
            copies.keep(name(1, 1), "theirs".into()).await.unwrap();
            copies.keep(name(1, 1), "ours".into()).await.unwrap();
            assert_eq!(copies.disk().get(name(1, 1)).await.unwrap(), "ours");
        });
    }
}
