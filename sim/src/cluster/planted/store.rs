//! The store as a process with a bug uses it.

use super::super::Cluster;
use super::upload::TwistedUpload;
use async_trait::async_trait;
use futures::stream::BoxStream;
use keygroups::store::Identified;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use std::fmt;
use std::sync::Arc;

/// Writes what the bug says, and is the store `S` for the rest.
pub(crate) struct TwistedStore<S> {
    store: S,
    cluster: Arc<Cluster>,
}

/// What comes to lie at `location` instead of `payload`.
pub(super) fn stored(cluster: &Arc<Cluster>, location: &Path, payload: PutPayload) -> PutPayload {
    let Identified::Object(name) = cluster.layout().identify(location) else { return payload };
    let other = cluster.planted.twist().stored(&|| cluster.objects(), name);
    let bytes = other.and_then(|other| cluster.bytes(&cluster.layout().object(&other)));
    bytes.map_or(payload, PutPayload::from)
}

impl<S> TwistedStore<S> {
    pub(crate) fn new(store: S, cluster: Arc<Cluster>) -> Self {
        Self { store, cluster }
    }
}

#[async_trait]
impl<S: ObjectStore> ObjectStore for TwistedStore<S> {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let payload = stored(&self.cluster, location, payload);
        self.store.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let upload = self.store.put_multipart_opts(location, opts).await?;
        Ok(Box::new(TwistedUpload::new(upload, Arc::clone(&self.cluster), location.clone())))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.store.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.store.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.store.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.store.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.store.copy_opts(from, to, options).await
    }
}

impl<S: fmt::Debug> fmt::Debug for TwistedStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}

impl<S: fmt::Display> fmt::Display for TwistedStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}
