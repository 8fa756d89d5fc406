//! One write-once object on its way up, request by request.
//!
//! An object that is no longer than a part is created by one request, which the store refuses if the name is taken. For
//! uploads in parts object_store has no such condition, so this looks first: what is there is compared, part by part, and
//! never overwritten. Why nobody else can come in between:
//!
//! - The name of a snapshot or an output holds an attempt, a task and a checkpoint. A leader deals each task of an attempt
//!   out to one life of one host (`Deployment::layout`, by incarnation); a host deploys it once, for it takes no attempt
//!   that is over (`Host::deploy`), and freezes it for a checkpoint once (`Task::at_barrier`).
//! - What was frozen is encoded once, and every repeat sends those bytes (`driver::upload`). So whatever of an earlier
//!   try lands later, even a completion behind ours, puts the same bytes where they lie already.
//!
//! Manifests and links of the output chain are what several processes may want to create; they never go up in parts.
//!
//! Parts are seen by nobody before the last request, which completes the upload at once and whole. A part that fails is
//! therefore a write that has not happened, whatever became of the part; only of a completion one may not know.
//! After a failure the upload is aborted. A future that is dropped in the middle cannot do that, nor can a process that
//! dies: what they leave is for the store's own rule to delete ([`CheckpointStore::with_parts`]).

use futures::{StreamExt, stream::FuturesUnordered};
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload, UploadPart, path::Path};

#[cfg(any(feature = "aws", feature = "gcp", feature = "azure"))]
use super::part_retry::options;
use super::{
    CheckpointStore, Put, StoreError,
    error::Refusal,
    parts::Parts,
    write::{conflict, is},
};
use crate::checkpoint::ObjectName;

/// S3 gives one connection 80 MiB/s or so; four fill the line of most machines, and what is under way is little beside
/// the snapshot that is in memory anyway.
const PARTS_AT_ONCE: usize = 4;

/// An object that is being written.
pub(crate) struct Upload {
    store: CheckpointStore,
    path: Path,
    stage: Stage,
}

/// How far it is.
enum Stage {
    New(PutPayload),
    Begun(Begun),
    Found(Found),
}

/// An upload in parts.
struct Begun {
    upload: Box<dyn MultipartUpload>,
    parts: Parts,
    on_the_way: FuturesUnordered<UploadPart>,
}

/// A long object that is there already, as long as what was to be written.
struct Found {
    // Those that are not compared yet, and where they begin.
    parts: Parts,
    at: u64,
    bytes: u64,
}

impl CheckpointStore {
    /// Writes `payload`, in one piece or several, under `name`, once and for ever. A repeat with the same bytes is
    /// [`Put::Written`], one with others fails with [`StoreError::Conflict`].
    ///
    /// A long payload goes up in parts ([`with_parts`](Self::with_parts)). Then a name must not be written by two at the
    /// same time: whoever finishes first is overwritten by the other. The driver's names have one writer each.
    pub async fn put_object(&self, name: ObjectName, payload: PutPayload) -> Put {
        let mut upload = self.upload(name, payload);
        loop {
            if let Some(put) = upload.step().await {
                return put;
            }
        }
    }

    /// The same, not begun yet, for whoever gives every step a limit.
    pub(crate) fn upload(&self, name: ObjectName, payload: PutPayload) -> Upload {
        Upload { store: self.clone(), path: self.layout.object(&name), stage: Stage::New(payload) }
    }

    /// Does all of it at once if that takes one request, or none.
    async fn begin(&self, path: &Path, payload: PutPayload) -> Result<Stage, Put> {
        let bytes = payload.content_length() as u64;
        let Some(part_bytes) = self.part_bytes_of(bytes) else {
            return Err(self.put_once(path, payload).await);
        };
        let not_begun =
            |operation, source| Put::Failed { reason: StoreError::access(operation, path, source) };
        let parts = Parts::of(payload, part_bytes);
        match self.store.head(path).await {
            Ok(there) if there.size == bytes => return Ok(Stage::Found(Found { parts, at: 0, bytes })),
            Ok(there) => return Err(conflict(path, bytes, there.size)),
            Err(object_store::Error::NotFound { .. }) => {}
            Err(source) => return Err(not_begun("look at", source)),
        }
        let upload = self.store.put_multipart_opts(path, options()).await;
        let upload = upload.map_err(|source| not_begun("begin", source))?;
        Ok(Stage::Begun(Begun { upload, parts, on_the_way: FuturesUnordered::new() }))
    }
}

impl Upload {
    /// Goes on until a request has ended that matters; `None` if more are to be made. Not to be called again after what
    /// became of it is known, nor after one that was dropped on its way.
    pub(crate) async fn step(&mut self) -> Option<Put> {
        let Self { store, path, stage } = self;
        match stage {
            Stage::New(payload) => match store.begin(path, payload.clone()).await {
                Ok(next) => {
                    *stage = next;
                    None
                }
                Err(put) => Some(put),
            },
            Stage::Begun(begun) => begun.step(path).await,
            Stage::Found(found) => found.step(store, path).await,
        }
    }
}

impl Found {
    async fn step(&mut self, store: &CheckpointStore, path: &Path) -> Option<Put> {
        let Some(part) = self.parts.next() else { return Some(Put::Written) };
        let range = self.at..self.at + part.content_length() as u64;
        self.at = range.end;
        match store.read_range(path, range).await {
            Ok(there) => (!is(&part, &there)).then(|| conflict(path, self.bytes, self.bytes)),
            Err(reason) => Some(Put::Unknown { reason }),
        }
    }
}

impl Begun {
    async fn step(&mut self, path: &Path) -> Option<Put> {
        while self.on_the_way.len() < PARTS_AT_ONCE
            && let Some(part) = self.parts.next()
        {
            self.on_the_way.push(self.upload.put_part(part));
        }
        let put = match self.on_the_way.next().await {
            Some(Ok(())) => return None,
            Some(Err(source)) => not_put(path, source),
            None => match self.upload.complete().await {
                Ok(_) => return Some(Put::Written),
                Err(source) => not_completed(path, source),
            },
        };
        self.on_the_way.clear();
        // Whether that succeeds changes nothing of what is true of the object, and a store that does not answer now will
        // not answer the next time: its own rule deletes what is left.
        let _ = self.upload.abort().await;
        Some(put)
    }
}

#[cfg(not(any(feature = "aws", feature = "gcp", feature = "azure")))]
fn options() -> object_store::PutMultipartOptions {
    Default::default()
}

fn not_put(path: &Path, source: object_store::Error) -> Put {
    let operation = "put a part of";
    let reason = match source {
        // Not the bucket, which was there, but the upload: a rule has done away with it. A repeat begins another.
        object_store::Error::NotFound { .. } => {
            StoreError::Unavailable { operation, path: path.to_string(), source }
        }
        source => StoreError::access(operation, path, source),
    };
    Put::Failed { reason }
}

fn not_completed(path: &Path, source: object_store::Error) -> Put {
    let (operation, refusal) = ("complete", Refusal::of(&source));
    let is_absent = matches!(source, object_store::Error::NotFound { .. });
    let path = path.to_string();
    if refusal == Refusal::Remote && !is_absent {
        return Put::Failed { reason: StoreError::Refused { operation, path, source } };
    }
    // Also where there is no such upload: that is what the second copy of a request hears that was delivered twice.
    Put::Unknown { reason: StoreError::Unavailable { operation, path, source } }
}
