//! Where a backend on disk lies, and how much memory it may take.

use std::path::PathBuf;

/// Below this, nothing but bookkeeping would be in memory.
const MEMORY_BYTES_MIN: u64 = 1 << 20;

/// Where the state of one backend lies, and how much memory it may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskOptions {
    directory: PathBuf,
    memory_bytes: u64,
}

impl DiskOptions {
    /// Scratch space in `directory`, which is made if it is not there, and 256 MiB of memory. The
    /// directory is for one backend alone; on a local disk, because what is used often is read again and
    /// again.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), memory_bytes: 256 << 20 }
    }

    /// How much memory the state may take, however large it is: half of it for blocks that were read, and half
    /// for what was not written to disk yet. More memory reads less often, and merges less often what was
    /// written. Bytes; less than 1 MiB is taken for 1 MiB. What docs/larger_than_memory.md lists comes on top:
    /// above all the largest key group, while it is being encoded.
    #[must_use]
    pub const fn with_memory_bytes(mut self, memory_bytes: u64) -> Self {
        self.memory_bytes = if memory_bytes < MEMORY_BYTES_MIN { MEMORY_BYTES_MIN } else { memory_bytes };
        self
    }

    /// See [`new`](Self::new).
    pub const fn directory(&self) -> &PathBuf {
        &self.directory
    }

    /// See [`with_memory_bytes`](Self::with_memory_bytes).
    pub const fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }
}
