//! A store of a user's own in the place of the simulated one.
//!
//! It has no network: every request takes a little time before it is carried out and after. The checks see a
//! change in the moment in which the store says that it is done.

use super::watch::Watch;
use crate::random::{self, between};
use crate::storage::{Change, Mutation};
use crate::wire::{Node, now_us};
use async_trait::async_trait;
use bytes::Bytes;
use fastrand::Rng;
use futures::FutureExt;
use futures::stream::{BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a request takes to the store, and its answer back.
const LATENCY_US: (u64, u64) = (500, 10_000);

/// The store of one run, and what was seen to be written to it. Clones are the same.
#[derive(Clone)]
pub(super) struct OwnStore {
    store: Arc<dyn ObjectStore>,
    watch: Watch,
    seen: Arc<Mutex<BTreeMap<String, Bytes>>>,
    random: Arc<Mutex<Rng>>,
    uploads: Arc<Mutex<Uploads>>,
}

/// Uploads in parts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Uploads {
    pub(super) finished: u64,
    pub(super) unfinished: u64,
}

impl OwnStore {
    pub(super) fn new(store: Arc<dyn ObjectStore>, watch: &Watch, seed: u64) -> Self {
        let random = Arc::new(Mutex::new(random::stream(seed, "own store")));
        Self { store, watch: watch.clone(), seen: Arc::default(), random, uploads: Arc::default() }
    }

    /// For the process at `node`.
    pub(super) fn client(&self, node: Node) -> Client {
        Client { own: self.clone(), node }
    }

    pub(super) fn paths(&self) -> Vec<Path> {
        self.seen().keys().map(|path| Path::from(path.as_str())).collect()
    }

    /// What became of uploads in parts so far.
    pub(super) fn uploads(&self) -> Uploads {
        *self.counted()
    }

    fn counted(&self) -> MutexGuard<'_, Uploads> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn on_the_way(&self) {
        let us = between(&mut self.random.lock().unwrap_or_else(PoisonError::into_inner), LATENCY_US);
        madsim::time::sleep(Duration::from_micros(us)).await;
    }

    fn written(&self, by: Node, path: &Path, bytes: &Bytes) {
        let before = self.seen().insert(path.to_string(), bytes.clone());
        self.changed(
            by,
            path,
            match &before {
                None => Change::Created(bytes),
                Some(before) => Change::Replaced { before, now: bytes },
            },
        );
    }

    fn deleted(&self, by: Node, path: &Path) {
        let before = self.seen().remove(path.as_ref());
        if let Some(before) = before {
            self.changed(by, path, Change::Deleted { before: &before });
        }
    }

    fn changed(&self, by: Node, path: &Path, change: Change<'_>) {
        let mutation = Mutation { at_us: now_us(), by, path: path.as_ref(), change };
        self.watch.mutated(&mutation, &|path| self.seen().get(path).cloned());
    }

    fn seen(&self) -> MutexGuard<'_, BTreeMap<String, Bytes>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The store as one process uses it.
#[derive(Clone)]
pub(super) struct Client {
    own: OwnStore,
    node: Node,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.own.store).finish()
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.own.store)
    }
}

#[async_trait]
impl ObjectStore for Client {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.own.on_the_way().await;
        let bytes = Bytes::from(payload.clone());
        let result = self.own.store.put_opts(location, payload, opts).await;
        if result.is_ok() {
            self.own.written(self.node, location, &bytes);
        }
        self.own.on_the_way().await;
        result
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.own.on_the_way().await;
        let inner = self.own.store.put_multipart_opts(location, opts).await?;
        self.own.counted().unfinished += 1;
        self.own.on_the_way().await;
        Ok(Box::new(Upload { inner, client: self.clone(), location: location.clone(), parts: Vec::new() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.own.on_the_way().await;
        let result = self.own.store.get_opts(location, options).await;
        self.own.on_the_way().await;
        result
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let client = self.clone();
        let deleted = self.own.store.delete_stream(locations);
        deleted
            .then(move |path| {
                let client = client.clone();
                async move {
                    if let Ok(path) = &path {
                        client.own.deleted(client.node, path);
                    }
                    client.own.on_the_way().await;
                    path
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.own.store.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.own.store.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.own.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(Error::NotSupported { source: "the checks do not watch copies of a store of one's own".into() })
    }
}

/// An upload in parts, which is seen when it is complete.
#[derive(Debug)]
struct Upload {
    inner: Box<dyn MultipartUpload>,
    client: Client,
    location: Path,
    parts: Vec<PutPayload>,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.parts.push(data.clone());
        let (own, put) = (self.client.own.clone(), self.inner.put_part(data));
        async move {
            own.on_the_way().await;
            let result = put.await;
            own.on_the_way().await;
            result
        }
        .boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let Client { own, node } = &self.client;
        own.on_the_way().await;
        let result = self.inner.complete().await;
        if result.is_ok() {
            let whole: PutPayload = self.parts.iter().flatten().cloned().collect();
            own.written(*node, &self.location, &whole.into());
            own.counted().finished += 1;
            own.counted().unfinished -= 1;
        }
        own.on_the_way().await;
        result
    }

    async fn abort(&mut self) -> Result<()> {
        let own = &self.client.own;
        own.on_the_way().await;
        let result = self.inner.abort().await;
        if result.is_ok() {
            own.counted().unfinished -= 1;
        }
        own.on_the_way().await;
        result
    }
}
