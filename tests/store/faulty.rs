//! A store that misbehaves once, at the operation it was told.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt};
use object_store::{
    CopyOptions, GetOptions, GetRange, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart, path::Path,
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
    /// The next look at an object has this answer.
    RefuseHead(object_store::Error),
    /// The next upload in parts is not begun, for this reason.
    RefuseUpload(object_store::Error),
    /// The third part from now on has no effect and this answer.
    RefuseThirdPart(object_store::Error),
    /// The next completion has no effect and this answer.
    RefuseCompletion(object_store::Error),
    /// The next completion has its effect, and this answer.
    LoseCompletionReply(object_store::Error),
}

/// What was done in the course of uploads in parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uploads {
    pub begun: usize,
    /// Lengths of the parts, in their order.
    pub parts: Vec<usize>,
    /// Where the bytes of each part lie.
    pub addresses: Vec<Vec<usize>>,
    pub at_once: usize,
    pub at_once_max: usize,
    pub completed: usize,
    pub aborted: usize,
}

/// What a get asked for; `None` is all of it.
pub type Asked = Option<GetRange>;

/// `inner`, with faults.
#[derive(Clone)]
pub struct Faulty {
    inner: Arc<dyn ObjectStore>,
    fault: Arc<Mutex<Option<Fault>>>,
    uploads: Arc<Mutex<Uploads>>,
    gets: Arc<Mutex<Vec<Asked>>>,
}

impl Faulty {
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, fault: Arc::default(), uploads: Arc::default(), gets: Arc::default() }
    }

    pub fn inject(&self, fault: Fault) {
        assert!(self.fault.lock().unwrap().replace(fault).is_none(), "the fault before has happened");
    }

    pub fn uploads(&self) -> Uploads {
        self.uploads.lock().unwrap().clone()
    }

    /// What was read since this was asked last.
    pub fn gets(&self) -> Vec<Asked> {
        std::mem::take(&mut self.gets.lock().unwrap())
    }

    fn noted(&self, note: impl FnOnce(&mut Uploads)) {
        note(&mut self.uploads.lock().unwrap());
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
        if let Some(Fault::RefuseUpload(error)) = self.take(|fault| matches!(fault, Fault::RefuseUpload(_))) {
            return Err(error);
        }
        self.noted(|uploads| uploads.begun += 1);
        let upload = self.inner.put_multipart_opts(location, opts).await?;
        Ok(Box::new(FaultyUpload { upload, store: self.clone(), parts: 0 }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        // A head comes through here, too; it is not the get that was meant.
        let is_get = !options.head;
        if let Some(Fault::RefuseHead(error)) =
            self.take(|fault| options.head && matches!(fault, Fault::RefuseHead(_)))
        {
            return Err(error);
        }
        if is_get {
            self.gets.lock().unwrap().push(options.range.clone());
        }
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

#[derive(Debug)]
struct FaultyUpload {
    upload: Box<dyn MultipartUpload>,
    store: Faulty,
    parts: usize,
}

#[async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.parts += 1;
        let is_third = self.parts == 3;
        let fault = self.store.take(|fault| is_third && matches!(fault, Fault::RefuseThirdPart(_)));
        let store = self.store.clone();
        store.noted(|uploads| {
            uploads.parts.push(data.content_length());
            uploads.addresses.push(data.iter().map(|piece| piece.as_ptr().addr()).collect());
            uploads.at_once += 1;
            uploads.at_once_max = uploads.at_once_max.max(uploads.at_once);
        });
        let put = self.upload.put_part(data);
        Box::pin(async move {
            let answer = match fault {
                Some(Fault::RefuseThirdPart(error)) => Err(error),
                _ => put.await,
            };
            store.noted(|uploads| uploads.at_once -= 1);
            answer
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let is_due =
            |fault: &Fault| matches!(fault, Fault::RefuseCompletion(_) | Fault::LoseCompletionReply(_));
        match self.store.take(is_due) {
            Some(Fault::RefuseCompletion(error)) => Err(error),
            fault => {
                let answer = self.upload.complete().await?;
                self.store.noted(|uploads| uploads.completed += 1);
                match fault {
                    Some(Fault::LoseCompletionReply(error)) => Err(error),
                    _ => Ok(answer),
                }
            }
        }
    }

    async fn abort(&mut self) -> Result<()> {
        self.store.noted(|uploads| uploads.aborted += 1);
        self.upload.abort().await
    }
}
