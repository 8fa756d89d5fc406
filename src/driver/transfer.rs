//! The bytes of one task, without a protocol around them: for tools, benchmarks and tests.

use std::{fmt, sync::Arc};

#[cfg(feature = "disk")]
use super::StateOnDisk;
use super::{
    DriverError, LocalCopies, RestoredTask, RestoringTask, Runtime, Timings, backends::Backends,
    engine::FrozenTask, restore::restore, runtime::Requests, source::Source, upload::upload,
};
use crate::{checkpoint::TaskSnapshot, snapshot::SnapshotIdentity, store::CheckpointStore};

/// Writes and reads what a host driver writes and reads for one task, by the same code. Nothing that it
/// writes is committed: that takes a manifest.
#[derive(Clone)]
pub struct Transfer {
    store: CheckpointStore,
    copies: Option<LocalCopies>,
    backends: Backends,
    requests: Requests,
}

impl Transfer {
    /// Between `store` and tasks. `timings` say when a request is given up and when it is repeated.
    pub fn new(store: CheckpointStore, runtime: Arc<dyn Runtime>, timings: Timings) -> Self {
        let requests = Requests { runtime, timings: Arc::new(timings) };
        Self { store, copies: None, backends: Backends::Memory, requests }
    }

    /// The same, reading from local copies what they have.
    #[must_use]
    pub fn with_local_copies(self, copies: LocalCopies) -> Self {
        Self { copies: Some(copies), ..self }
    }

    /// The same, with state that may be larger than memory.
    #[cfg(feature = "disk")]
    #[must_use]
    pub fn with_state_on_disk(self, disk: StateOnDisk) -> Self {
        Self { backends: Backends::Disk(disk), ..self }
    }

    /// Makes what was frozen durable, under the names of `identity`.
    ///
    /// # Errors
    ///
    /// [`DriverError`]: the state cannot be encoded, or the store does not take it.
    pub async fn upload(
        &self,
        identity: SnapshotIdentity,
        frozen: FrozenTask,
    ) -> Result<Arc<TaskSnapshot>, DriverError> {
        upload(self.store.clone(), self.requests.clone(), identity, frozen, None).await
    }

    /// Reads and verifies what a task starts from.
    ///
    /// # Errors
    ///
    /// [`DriverError`]: something cannot be read, or is not what was written; it names the object and what
    /// of it is lost.
    pub async fn restore(&self, whose: RestoringTask<'_>) -> Result<RestoredTask, DriverError> {
        let source = Source::new(self.store.clone(), self.copies.clone(), self.requests.clone());
        let (mut restored, _) = restore(&source, &self.backends, &whose).await?;
        restored.metrics.copies_refused = source.into_refused().0.len() as u64;
        Ok(restored)
    }
}

impl fmt::Debug for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transfer")
            .field("store", &self.store)
            .field("copies", &self.copies)
            .finish_non_exhaustive()
    }
}
