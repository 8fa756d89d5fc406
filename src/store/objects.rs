//! Reads of write-once objects: snapshots and outputs as bytes.

use std::ops::Range;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};

use super::{CheckpointStore, StoreError};
use crate::checkpoint::ObjectName;

// Enough to hide the latency of a remote store; a local disk gains nothing beyond four.
const READS_AT_ONCE: usize = 8;

impl CheckpointStore {
    /// The whole object.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`], [`StoreError::ShortRead`], otherwise what the store said.
    pub async fn get(&self, name: ObjectName) -> Result<Bytes, StoreError> {
        let path = self.layout.object(&name);
        self.read(&path).await?.ok_or_else(|| StoreError::Missing { path: path.to_string() })
    }

    /// The bytes of each of `ranges`, in their order and exactly as long. Each range is one request,
    /// several at once: nothing between them is read, and nothing is merged, because only the caller
    /// knows what it owns.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`], [`StoreError::ShortRead`] if the object ends before a range does,
    /// [`StoreError::Range`], otherwise what the store said.
    pub async fn get_ranges(
        &self,
        name: ObjectName,
        ranges: &[Range<u64>],
    ) -> Result<Vec<Bytes>, StoreError> {
        let path = self.layout.object(&name);
        if let Some(range) = ranges.iter().find(|range| range.start > range.end) {
            return Err(StoreError::Range { path: path.to_string(), range: range.clone() });
        }
        // An owned list: a stream that borrows from `ranges` is not provably `Send`.
        stream::iter(ranges.to_vec())
            .map(|range| self.read_range(&path, range))
            .buffered(READS_AT_ONCE)
            .try_collect()
            .await
    }
}
