//! The checkpoint store: manifests, write-once objects and the output chain in an object store.
//!
//! It moves bytes and says honestly what happened; it decides nothing. There is no clock, no timer
//! and no retry in it: whether to repeat a call is a decision of the protocol, and a repeat that the
//! protocol does not know of is how FLINK-22494 lost checkpoints. (Only clouds are sent the same part of a large object
//! again: `part_retry.rs`.) Why it can be trusted:
//!
//! - Whatever it writes is created, never overwritten, so a zombie can litter but not destroy. Objects that go up in
//!   parts are looked for first instead, under names that one process alone ever writes (`upload.rs`).
//! - The outcome of a write is a value. [`Create::Unknown`] is whatever is not provably done or
//!   provably refused, and is settled by reading.
//! - Whatever it reads is verified: lengths here, content by [`Manifest::decode`] (or by being, byte for
//!   byte, what this process has just encoded), [`OutputList::decode`] and, for outputs, the checksum in their handle
//!   ([`CheckpointStore::read_output`]). A damaged newest manifest is an error and never a reason to
//!   take an older one.
//!
//! It needs a store with conditional create, whose reads see every write that ended before: S3, GCS,
//! Azure and local file systems are such stores. Their listings show every object that was created
//! before, too; one that omits the newest for a while does no harm as long as it omits fewer manifests
//! than are retained, for readers go on from the newest that is listed. It runs on any async runtime;
//! object_store's S3, GCS and Azure clients need tokio.
//!
//! [`Manifest::decode`]: crate::checkpoint::Manifest::decode
//! [`OutputList::decode`]: crate::checkpoint::OutputList::decode

mod error;
#[cfg(feature = "fs")]
mod huge_pages;
mod listing;
#[cfg(feature = "fs")]
mod local;
mod manifests;
mod objects;
mod outputs;
#[cfg(any(feature = "aws", feature = "gcp", feature = "azure"))]
mod part_retry;
mod parts;
mod paths;
mod roll_back;
mod upload;
mod url;
mod write;

use std::{
    fmt,
    num::NonZeroU64,
    ops::Range,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use object_store::{GetOptions, GetResult, ObjectStore, ObjectStoreExt, path::Path};

#[cfg(feature = "fs")]
pub use self::local::{Durability, MappedFiles};
pub use self::{
    error::StoreError,
    listing::{Deletion, Listing},
    outputs::OutputWalk,
    paths::{Identified, Layout},
    roll_back::RollBackError,
    write::{Create, Put},
};

/// The checkpoints of one job in an object store. Cheap to clone; clones are the same store.
#[derive(Clone, Debug)]
pub struct CheckpointStore {
    store: Arc<dyn ObjectStore>,
    layout: Layout,
    created: Arc<Mutex<Option<manifests::Created>>>,
    // Longer objects go up in parts; none do if nothing is said.
    part_bytes: Option<NonZeroU64>,
    #[cfg(feature = "fs")]
    huge_pages: bool,
}

impl CheckpointStore {
    /// The checkpoints below `prefix` in `store`.
    ///
    /// `store` must not retry creates by itself: after a create whose answer was lost, a retry that
    /// is refused would hide that the first may still land. object_store's own clients retry by
    /// default; build them with `RetryConfig { max_retries: 0, .. }` as
    /// [`from_url`](Self::from_url) does. Large objects go up in parts ([`with_parts`](Self::with_parts)).
    /// For a local directory use `CheckpointStore::local`: a power failure can take back what was
    /// committed to a bare `LocalFileSystem`.
    pub fn new(store: Arc<dyn ObjectStore>, prefix: Path) -> Self {
        Self {
            store,
            layout: Layout::new(prefix),
            created: Arc::default(),
            part_bytes: Some(parts::PART_BYTES),
            #[cfg(feature = "fs")]
            huge_pages: false,
        }
    }

    /// Where everything lies.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The bytes at `path`, all of them; `None` if nothing is there.
    async fn read(&self, path: &Path) -> Result<Option<Bytes>, StoreError> {
        let result = match self.store.get(path).await {
            Ok(result) => result,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(source) => return Err(StoreError::access("read", path, source)),
        };
        let size = result.meta.size;
        self.body(path, result, 0..size).await.map(Some)
    }

    /// The bytes `range` of the object at `path`; exactly as many as asked for.
    async fn read_range(&self, path: &Path, range: Range<u64>) -> Result<Bytes, StoreError> {
        if range.start == range.end {
            return Ok(Bytes::new());
        }
        let options = GetOptions::new().with_range(Some(range.clone()));
        match self.store.get_opts(path, options).await {
            Ok(result) => self.body(path, result, range).await,
            Err(object_store::Error::NotFound { .. }) => Err(StoreError::Missing { path: path.to_string() }),
            Err(source) => {
                // A range that begins behind the end is refused with the same error as a network
                // failure. Retrying would never end on a truncated object, so look at its length.
                match self.store.head(path).await {
                    Ok(meta) if meta.size < range.end => Err(StoreError::short(path, range, meta.size)),
                    Ok(_) | Err(_) => Err(StoreError::access("read", path, source)),
                }
            }
        }
    }

    async fn body(&self, path: &Path, result: GetResult, wanted: Range<u64>) -> Result<Bytes, StoreError> {
        let (size, given) = (result.meta.size, result.range.clone());
        if given != wanted {
            return Err(StoreError::short(path, wanted, size));
        }
        let bytes = self.bytes(result).await.map_err(|source| StoreError::access("read", path, source))?;
        if bytes.len() as u64 != wanted.end - wanted.start {
            let end = wanted.start.saturating_add(bytes.len() as u64);
            return Err(StoreError::short(path, wanted, end));
        }
        Ok(bytes)
    }

    async fn bytes(&self, result: GetResult) -> object_store::Result<Bytes> {
        #[cfg(feature = "fs")]
        if self.wants_huge_pages(result.range.end - result.range.start) {
            return huge_pages::bytes(result).await;
        }
        match result {
            #[cfg(feature = "fs")]
            GetResult { payload: object_store::GetResultPayload::File(file, _), range, .. } => {
                local::read::bytes(file, range).await
            }
            streamed => streamed.bytes().await,
        }
    }
}

impl fmt::Display for CheckpointStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.store, self.layout.prefix())
    }
}
