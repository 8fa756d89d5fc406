//! Writing: everything is created, nothing overwritten, and the outcome is a value.

use bytes::Bytes;
use futures::StreamExt;
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
        /// What the store said, or that the bytes conflict.
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
            Create::Exists => self.settle(path, &payload).await,
        }
    }

    /// Whether what is at `path` already is `payload`.
    async fn settle(&self, path: &Path, payload: &PutPayload) -> Put {
        match self.compare(path, payload).await {
            Ok(Some(Compared::Same)) => Put::Written,
            Ok(Some(Compared::Other { found })) => conflict(path, payload.content_length() as u64, found),
            // Deleted in between: whether it was ours, nobody can tell any more.
            Ok(None) => Put::Unknown { reason: StoreError::Missing { path: path.to_string() } },
            Err(reason) => Put::Unknown { reason },
        }
    }

    /// Whether the object at `path`, if it exists, is `payload`. It is compared as it comes: both may be larger than
    /// memory.
    async fn compare(&self, path: &Path, payload: &PutPayload) -> Result<Option<Compared>, StoreError> {
        let result = match self.store.get(path).await {
            Ok(result) => result,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(source) => return Err(StoreError::access("read", path, source)),
        };
        let found = result.meta.size;
        let other = Ok(Some(Compared::Other { found }));
        if found != payload.content_length() as u64 {
            return other;
        }
        let mut left = Left { piece: &[], pieces: payload.iter() };
        let mut stored = result.into_stream();
        while let Some(bytes) = stored.next().await {
            let bytes = bytes.map_err(|source| StoreError::access("read", path, source))?;
            if !left.strip_prefix(&bytes) {
                return other;
            }
        }
        match left.bytes() {
            0 => Ok(Some(Compared::Same)),
            missing => Err(StoreError::short(path, 0..found, found - missing)),
        }
    }
}

/// Something else is there: it has `found` bytes, and what was to be written `bytes`.
pub(super) fn conflict(path: &Path, bytes: u64, found: u64) -> Put {
    Put::Failed { reason: StoreError::Conflict { path: path.to_string(), bytes, found } }
}

/// Whether `payload` is `bytes`.
pub(super) fn is(payload: &PutPayload, bytes: &[u8]) -> bool {
    let mut left = Left { piece: &[], pieces: payload.iter() };
    left.strip_prefix(bytes) && left.bytes() == 0
}

enum Compared {
    Same,
    // It has so many bytes.
    Other { found: u64 },
}

/// What of a payload is still to be compared.
struct Left<'a, P> {
    piece: &'a [u8],
    pieces: P,
}

impl<'a, P: Iterator<Item = &'a Bytes>> Left<'a, P> {
    /// Whether it begins with `bytes`, which are compared then.
    fn strip_prefix(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            if self.piece.is_empty() {
                match self.pieces.next() {
                    Some(piece) => self.piece = piece,
                    None => return false,
                }
            }
            let (now, later) = bytes.split_at(bytes.len().min(self.piece.len()));
            let Some(piece) = self.piece.strip_prefix(now) else { return false };
            (self.piece, bytes) = (piece, later);
        }
        true
    }

    fn bytes(self) -> u64 {
        self.piece.len() as u64 + self.pieces.map(|piece| piece.len() as u64).sum::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However both are cut.
    #[test]
    fn a_payload_begins_with_what_it_begins_with() {
        let payload = |text: &'static str| -> Vec<Bytes> {
            text.split('|').map(|piece| Bytes::from_static(piece.as_bytes())).collect()
        };
        for pieces in ["abcdef", "a|bc||def", "abc|def|", "|a|b|c|d|e|f"].map(payload) {
            for stored in ["abcdef", "ab|cdef", "|a|bcde||f"].map(payload) {
                let mut left = Left { piece: &[], pieces: pieces.iter() };
                assert!(stored.iter().all(|bytes| left.strip_prefix(bytes)));
                assert_eq!(left.bytes(), 0);
            }
            let mut left = Left { piece: &[], pieces: pieces.iter() };
            assert!(left.strip_prefix(b"abcd") && !left.strip_prefix(b"eg"));
            let mut left = Left { piece: &[], pieces: pieces.iter() };
            assert!(!left.strip_prefix(b"abcdefg"), "it is longer");
            let mut left = Left { piece: &[], pieces: pieces.iter() };
            assert!(left.strip_prefix(b"abcd"));
            assert_eq!(left.bytes(), 2);
        }
    }
}
