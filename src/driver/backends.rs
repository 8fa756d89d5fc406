//! Where tasks hold their keyed state.

#[cfg(feature = "disk")]
use std::path::PathBuf;

#[cfg(feature = "disk")]
use crate::backend::DiskOptions;
use crate::{
    backend::{BackendError, StateBackend},
    checkpoint::StateHandle,
    key_group::{KeyGroupRange, MaxParallelism},
};

/// Where the tasks of a host hold their keyed state.
#[derive(Clone, Debug, Default)]
pub(super) enum Backends {
    #[default]
    Memory,
    #[cfg(feature = "disk")]
    Disk(StateOnDisk),
}

impl Backends {
    /// Whether to open one takes more than memory.
    pub(super) const fn open_slowly(&self) -> bool {
        match self {
            Self::Memory => false,
            #[cfg(feature = "disk")]
            Self::Disk(_) => true,
        }
    }

    pub(super) fn open(
        &self,
        max_parallelism: MaxParallelism,
        key_groups: KeyGroupRange,
    ) -> Result<StateBackend, BackendError> {
        match self {
            Self::Memory => StateBackend::new(max_parallelism, key_groups),
            #[cfg(feature = "disk")]
            Self::Disk(disk) => disk.open(max_parallelism, key_groups),
        }
    }

    /// How many key groups of the snapshot of `handle` a restore holds at once at the most.
    pub(super) fn key_groups_at_once(&self, handle: &StateHandle) -> usize {
        match self {
            // All: they stay in the buffers that they were read to.
            Self::Memory => handle.key_groups.map_or(1, KeyGroupRange::len),
            #[cfg(feature = "disk")]
            Self::Disk(disk) => disk.key_groups_at_once(handle),
        }
    }

    /// How many snapshots are read at once by a restore that would read `wanted`.
    pub(super) const fn snapshots_at_once(&self, wanted: usize) -> usize {
        match self {
            Self::Memory => wanted,
            #[cfg(feature = "disk")]
            Self::Disk(_) => 1,
        }
    }
}

/// Keyed state that may be larger than memory: each task has a [backend on disk](StateBackend::on_disk).
///
/// Backends lie in directories `0`, `1` and so on below one directory; a task takes the first that no living backend
/// uses, also one that a dead process has left. Give two processes two directories or the same one, as you like:
/// whoever uses a directory holds a lock on it.
#[cfg(feature = "disk")]
#[derive(Clone, Debug)]
pub struct StateOnDisk {
    directory: PathBuf,
    memory_bytes: u64,
}

#[cfg(feature = "disk")]
impl StateOnDisk {
    /// Of so many backends in one directory nobody has heard.
    const BACKENDS_MAX: usize = 1 << 16;

    /// Below `directory`, which is made if it is not there, on a local disk; `memory_bytes` for each task, as
    /// [`DiskOptions::with_memory_bytes`] says.
    pub fn new(directory: impl Into<PathBuf>, memory_bytes: u64) -> Self {
        Self { directory: directory.into(), memory_bytes }
    }

    fn open(
        &self,
        max_parallelism: MaxParallelism,
        key_groups: KeyGroupRange,
    ) -> Result<StateBackend, BackendError> {
        let mut number = 0;
        loop {
            let options = DiskOptions::new(self.directory.join(number.to_string()))
                .with_memory_bytes(self.memory_bytes);
            match StateBackend::on_disk(max_parallelism, key_groups, options) {
                Err(BackendError::DirectoryInUse { .. }) if number < Self::BACKENDS_MAX => number += 1,
                opened => return opened,
            }
        }
    }

    /// What takes a quarter of the memory of the state, if key groups are alike.
    fn key_groups_at_once(&self, handle: &StateHandle) -> usize {
        let key_groups = handle.key_groups.map_or(1, KeyGroupRange::len);
        let bytes_of_each = (handle.bytes / key_groups as u64).max(1);
        usize::try_from(self.memory_bytes / 4 / bytes_of_each).unwrap_or(usize::MAX).max(1)
    }
}
