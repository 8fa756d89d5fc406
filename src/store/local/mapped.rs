//! Files that are used where they lie: in the page cache.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, path::Path,
};

use super::blocking;
use crate::{raw::memory, store::CheckpointStore};

/// What is shorter is read: a mapping takes whole pages and some work of the system's.
const MAPPED_BYTES_MIN: u64 = 64 << 10;

/// A store of files that are mapped into memory instead of being read: a restore copies nothing and takes no
/// memory of its own; state that was restored lies in the system's page cache until it is written to.
///
/// Wraps a store whose answers are files, such as object_store's `LocalFileSystem`; what another one answers is
/// passed on. [`CheckpointStore::local_mapped`] is one for checkpoints, and `LocalCopies::with_mapped_files` one for
/// local copies.
///
/// Nobody may shorten or overwrite these files while the process lives, which is why it is not the default. The
/// library never does: objects are created whole and at most deleted, and what is deleted stays until
/// the last mapping of it is dropped. A file that somebody else cuts kills the process (`SIGBUS`) when it
/// looks behind the end. And bytes are verified once, when they are restored: the system may drop clean pages and
/// read them again later, unverified, so use it on disks that are trusted not to rot.
#[derive(Debug)]
pub struct MappedFiles {
    files: Arc<dyn ObjectStore>,
}

impl MappedFiles {
    /// Over `files`.
    pub fn new(files: Arc<dyn ObjectStore>) -> Self {
        Self { files }
    }
}

impl CheckpointStore {
    /// The same, with files that are mapped into memory instead of being read.
    pub(crate) fn with_mapped_files(self) -> Self {
        Self { store: Arc::new(MappedFiles::new(Arc::clone(&self.store))), ..self }
    }
}

#[async_trait]
impl ObjectStore for MappedFiles {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let mut answer = self.files.get_opts(location, options).await?;
        let range = answer.range.clone();
        if range.end - range.start < MAPPED_BYTES_MIN {
            return Ok(answer);
        }
        if let GetResultPayload::File(file, _) = answer.payload {
            let mapped = blocking(move || memory::of_object(&file, &range)).await?;
            answer.payload = GetResultPayload::Stream(stream::once(async { Ok::<_, Error>(mapped) }).boxed());
        }
        Ok(answer)
    }

    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.files.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.files.put_multipart_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.files.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.files.copy_opts(from, to, options).await
    }
}

impl fmt::Display for MappedFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, mapped", self.files)
    }
}
