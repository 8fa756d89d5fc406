//! Where a restore reads: the store, and before it the copies on this host's disk.

use std::{
    ops::Range,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;

use super::{
    DriverError,
    local::{CopyError, LocalCopies},
    runtime::Requests,
};
use crate::{
    ErrorKind,
    checkpoint::ObjectName,
    snapshot::SnapshotError,
    store::{CheckpointStore, StoreError},
};

/// What one restore reads from.
///
/// Indexes come from the store ([`index`](Self::index)), so that what a task restores is described by
/// nobody else. What they describe may come from a copy ([`read`](Self::read)).
pub(super) struct Source {
    store: CheckpointStore,
    copies: Option<LocalCopies>,
    requests: Requests,
    // The disk did not answer once: this restore does not wait for it again.
    disk_hangs: AtomicBool,
    refused: Mutex<Vec<Refused>>,
}

struct Refused {
    object: ObjectName,
    source: DriverError,
}

/// Where bytes were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a copy that is as it should be.
    Copy,
    /// In the store.
    Store,
}

impl Source {
    pub(super) fn new(store: CheckpointStore, copies: Option<LocalCopies>, requests: Requests) -> Self {
        let (disk_hangs, refused) = (AtomicBool::new(false), Mutex::default());
        Self { store, copies, requests, disk_hangs, refused }
    }

    pub(super) fn requests(&self) -> &Requests {
        &self.requests
    }

    /// Header and index of a snapshot, as they lie in the store.
    pub(super) async fn index(&self, object: ObjectName, range: Range<u64>) -> Result<Bytes, DriverError> {
        let limit = self.requests.timings.request_timeout;
        let read = self.stored(limit, "read the index of a snapshot", object, &[range]).await?;
        Ok(read.into_iter().next().unwrap_or_default())
    }

    /// What `decode` makes of the bytes at `ranges` of `object`, and where they were found. `decode` is
    /// the judge of both: what it takes for damaged in a copy is read from the store.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        object: ObjectName,
        ranges: &[Range<u64>],
        decode: impl FnOnce(Vec<Bytes>) -> Result<T, SnapshotError> + Clone + Send + 'static,
    ) -> Result<(T, Place), DriverError> {
        if let Some(copies) = self.copies_of(object).filter(|_| !ranges.is_empty()) {
            match self.copied(copies, object, ranges, decode.clone()).await {
                Ok(decoded) => return Ok((decoded, Place::Copy)),
                Err(DriverError::Store(StoreError::Missing { .. })) => {}
                Err(source) => self.refuse(object, source),
            }
        }
        let limit = self.requests.timings.transfer_timeout;
        let buffers = self.stored(limit, "read state from a snapshot", object, ranges).await?;
        Ok((self.decoded(object, buffers, decode).await?, Place::Store))
    }

    /// How many copies were refused, and those of them that are damaged for good.
    pub(super) fn into_refused(self) -> (Vec<CopyError>, Vec<ObjectName>) {
        let refused = self.refused.into_inner().unwrap_or_else(PoisonError::into_inner);
        let damaged = refused.iter().filter(|refused| refused.source.kind() == ErrorKind::Corrupt);
        let damaged = damaged.map(|refused| refused.object).collect();
        let error = |Refused { object, source }| CopyError::Refused { object, source: Box::new(source) };
        (refused.into_iter().map(error).collect(), damaged)
    }

    /// The copies, unless the one of `object` is known to be of no use.
    fn copies_of(&self, object: ObjectName) -> Option<&LocalCopies> {
        let copies = self.copies.as_ref().filter(|_| !self.disk_hangs.load(Ordering::Relaxed))?;
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        (!refused.iter().any(|refused| refused.object == object)).then_some(copies)
    }

    fn refuse(&self, object: ObjectName, source: DriverError) {
        if matches!(source, DriverError::TimedOut { .. }) {
            self.disk_hangs.store(true, Ordering::Relaxed);
        }
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.push(Refused { object, source });
    }

    /// From the copy, tried once: the store is at hand.
    async fn copied<T: Send + 'static>(
        &self,
        copies: &LocalCopies,
        object: ObjectName,
        ranges: &[Range<u64>],
        decode: impl FnOnce(Vec<Bytes>) -> Result<T, SnapshotError> + Send + 'static,
    ) -> Result<T, DriverError> {
        let limit = self.requests.timings.transfer_timeout;
        let reading = copies.disk().get_ranges(object, ranges);
        let buffers = self.requests.within(limit, "read a local copy", reading).await??;
        self.decoded(object, buffers, decode).await
    }

    async fn stored(
        &self,
        limit: Duration,
        operation: &'static str,
        object: ObjectName,
        ranges: &[Range<u64>],
    ) -> Result<Vec<Bytes>, DriverError> {
        let (store, requests) = (&self.store, &self.requests);
        requests
            .repeated(|| async move {
                Ok(requests.within(limit, operation, store.get_ranges(object, ranges)).await??)
            })
            .await
    }

    async fn decoded<T: Send + 'static>(
        &self,
        object: ObjectName,
        buffers: Vec<Bytes>,
        decode: impl FnOnce(Vec<Bytes>) -> Result<T, SnapshotError> + Send + 'static,
    ) -> Result<T, DriverError> {
        let decoded = self.requests.compute(move || decode(buffers)).await?;
        decoded.map_err(|source| DriverError::Snapshot { object, source })
    }
}
