//! An upload in parts as a process with a bug makes it.

use super::super::Cluster;
use super::store::stored;
use async_trait::async_trait;
use futures::FutureExt;
use object_store::path::Path;
use object_store::{MultipartUpload, PutPayload, PutResult, Result, UploadPart};
use std::fmt;
use std::sync::Arc;

/// Completes the upload `inner` with what the bug says. What that is depends on what the store holds by then, so the
/// parts are kept until the end and go up as one.
pub(super) struct TwistedUpload {
    inner: Box<dyn MultipartUpload>,
    cluster: Arc<Cluster>,
    location: Path,
    parts: Vec<PutPayload>,
}

impl TwistedUpload {
    pub(super) fn new(inner: Box<dyn MultipartUpload>, cluster: Arc<Cluster>, location: Path) -> Self {
        Self { inner, cluster, location, parts: Vec::new() }
    }
}

#[async_trait]
impl MultipartUpload for TwistedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.parts.push(data);
        futures::future::ready(Ok(())).boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let whole = self.parts.drain(..).flatten().collect();
        let twisted = stored(&self.cluster, &self.location, whole);
        self.inner.put_part(twisted).await?;
        self.inner.complete().await
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}

impl fmt::Debug for TwistedUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
