//! A store that misbehaves once, at the operation it was told.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt};
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, path::Path,
};

/// What goes wrong.
pub enum Fault {
    /// The next put has no effect and this answer.
    RefusePut(object_store::Error),
    /// The next put has its effect, and this answer.
    LosePutReply(object_store::Error),
    /// The next get has this answer.
    RefuseGet(object_store::Error),
    /// The next get finds nothing, as if the object had been deleted since it was listed.
    HideFromGet,
    /// The next listing does not show so many of the newest objects.
    LagListing(usize),
    /// The next delete has this answer.
    RefuseDelete(object_store::Error),
}

/// `inner`, with faults.
#[derive(Clone)]
pub struct Faulty {
    inner: Arc<dyn ObjectStore>,
    fault: Arc<Mutex<Option<Fault>>>,
}

impl Faulty {
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, fault: Arc::default() }
    }

    pub fn inject(&self, fault: Fault) {
        assert!(self.fault.lock().unwrap().replace(fault).is_none(), "the fault before has happened");
    }

    fn take(&self, is_due: impl FnOnce(&Fault) -> bool) -> Option<Fault> {
        self.fault.lock().unwrap().take_if(|fault| is_due(fault))
    }
}

/// What an HTTP 503 or a timeout looks like.
pub fn ambiguous() -> object_store::Error {
    object_store::Error::Generic { store: "S3", source: "503 Slow Down".into() }
}

/// What an error of the local file system looks like.
pub fn local(kind: std::io::ErrorKind) -> object_store::Error {
    object_store::Error::Generic { store: "LocalFileSystem", source: std::io::Error::from(kind).into() }
}

pub fn not_found(path: &Path) -> object_store::Error {
    object_store::Error::NotFound { path: path.to_string(), source: "gone".into() }
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Faulty({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        match self.take(|fault| matches!(fault, Fault::RefusePut(_) | Fault::LosePutReply(_))) {
            Some(Fault::RefusePut(error)) => Err(error),
            Some(Fault::LosePutReply(error)) => {
                self.inner.put_opts(location, payload, opts).await?;
                Err(error)
            }
            _ => self.inner.put_opts(location, payload, opts).await,
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        // A head comes through here, too; it is not the get that was meant.
        let is_get = !options.head;
        match self.take(|fault| is_get && matches!(fault, Fault::RefuseGet(_) | Fault::HideFromGet)) {
            Some(Fault::RefuseGet(error)) => Err(error),
            Some(_) => Err(not_found(location)),
            None => self.inner.get_opts(location, options).await,
        }
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let answers = self.inner.delete_stream(locations);
        let faulty = self.clone();
        answers
            .map(move |answer| match faulty.take(|fault| matches!(fault, Fault::RefuseDelete(_))) {
                Some(Fault::RefuseDelete(error)) => Err(error),
                _ => answer,
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let found = self.inner.list(prefix);
        let Some(Fault::LagListing(omitted)) = self.take(|fault| matches!(fault, Fault::LagListing(_)))
        else {
            return found;
        };
        futures::stream::once(async move {
            let mut found: Vec<_> = found.collect().await;
            found.truncate(found.len().saturating_sub(omitted));
            futures::stream::iter(found)
        })
        .flatten()
        .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
