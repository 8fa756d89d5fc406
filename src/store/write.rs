//! Writing: everything is created, nothing overwritten, and the outcome is a value.

use bytes::Bytes;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, path::Path};

use super::{
    CheckpointStore, StoreError,
    error::{Refusal, is_absence},
};

/// What became of creating a manifest.
#[derive(Debug)]
#[must_use]
pub enum Create {
    /// It was created by this very call.
    Created,
    /// The version is taken: by somebody else, or by an earlier try of the caller whose answer was
    /// lost. Reading tells: equal manifests are the caller's own.
    Exists,
    /// It may have landed, or may land later. Settle it by reading; absence is no answer, so repeat
    /// the same create until the version exists.
    Unknown {
        /// What the store said.
        reason: StoreError,
    },
    /// It has not landed and this call will not make it land. Earlier tries that were
    /// [`Unknown`](Self::Unknown) still may.
    Failed {
        /// What the store said.
        reason: StoreError,
    },
}

/// What became of writing a write-once object.
#[derive(Debug)]
#[must_use]
pub enum Put {
    /// The object holds exactly these bytes, by this call or an earlier one.
    Written,
    /// It may have landed, or may land later. Repeating the same put is harmless.
    Unknown {
        /// What the store said.
        reason: StoreError,
    },
    /// It was not written. [`StoreError::Conflict`] says that the name holds other bytes.
    Failed {
        /// Why.
        reason: StoreError,
    },
}

impl CheckpointStore {
    /// Creates the object at `path` unless something is there.
    pub(super) async fn create(&self, path: &Path, payload: PutPayload) -> Create {
        let error = match self.store.put_opts(path, payload, PutOptions::from(PutMode::Create)).await {
            Ok(_) => return Create::Created,
            Err(error) => error,
        };
        if let object_store::Error::AlreadyExists { source, .. } = &error {
            // object_store takes every 409 for "exists", but this one of S3 only says that another
            // request for the same name is under way, and that one may fail.
            if !source.to_string().contains("ConditionalRequestConflict") {
                return Create::Exists;
            }
        }
        let landed_or_will = match Refusal::of(&error) {
            Refusal::None => true,
            Refusal::Remote => false,
            // The file becomes visible before its directory is synced, so a refusal can come from
            // after the effect. A local file system does nothing later: what is not there now
            // never will be.
            Refusal::Local => !self.store.head(path).await.is_err_and(|error| is_absence(&error)),
        };
        let path = path.to_string();
        if landed_or_will {
            Create::Unknown { reason: StoreError::Unavailable { operation: "create", path, source: error } }
        } else {
            Create::Failed { reason: StoreError::Refused { operation: "create", path, source: error } }
        }
    }

    /// Writes `payload` at `path` once. What is already there counts if it is the same.
    pub(super) async fn put_once(&self, path: &Path, payload: PutPayload) -> Put {
        match self.create(path, payload.clone()).await {
            Create::Created => Put::Written,
            Create::Unknown { reason } => Put::Unknown { reason },
            Create::Failed { reason } => Put::Failed { reason },
            Create::Exists => match self.read(path).await {
                Ok(Some(found)) if is_same(&found, &payload) => Put::Written,
                Ok(Some(found)) => Put::Failed {
                    reason: StoreError::Conflict {
                        path: path.to_string(),
                        bytes: payload.content_length() as u64,
                        found: found.len() as u64,
                    },
                },
                // Deleted in between: whether it was ours, nobody can tell any more.
                Ok(None) => Put::Unknown { reason: StoreError::Missing { path: path.to_string() } },
                Err(reason) => Put::Unknown { reason },
            },
        }
    }
}

/// Whether the pieces of `payload` are `found`.
fn is_same(found: &Bytes, payload: &PutPayload) -> bool {
    let mut rest = &**found;
    payload.iter().all(|piece| {
        rest.strip_prefix(&**piece).is_some_and(|after| {
            rest = after;
            true
        })
    }) && rest.is_empty()
}
