//! [`EngineBug::TrustsLocalCopies`](super::super::EngineBug): a host takes what lies on its disk under a task's
//! name for the state of that task.
//!
//! So local recovery goes wrong that looks copies up by name: what a checkpoint left that was never committed,
//! or an attempt that is long over, is restored as if it were the newest. The library cannot be made to do so:
//! it reads the index from the store and takes from a copy what that index describes. So the plan is changed
//! that the driver hears of, and its store serves files of the disk as if they were the store's.

use crate::disk::Disk;
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use keygroups::checkpoint::{ObjectName, StateHandle};
use keygroups::protocol::Deployment;
use keygroups::snapshot::SnapshotIndex;
use keygroups::store::{Identified, Layout};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use std::fmt;
use std::sync::Arc;

/// The deployment with the handles of what is on the disk in the place of those in its plan.
pub(super) fn trusting(disk: &Disk, layout: &Layout, mut deployment: Arc<Deployment>) -> Arc<Deployment> {
    for read in &mut Arc::make_mut(&mut deployment).restore.state {
        let ObjectName::State { task, .. } = read.handle.object else { continue };
        let of_task = |path: &str| match layout.identify(&Path::from(path)) {
            Identified::Object(name @ ObjectName::State { task: of, .. }) => (of == task).then_some(name),
            Identified::Object(_) | Identified::Manifest(_) | Identified::Foreign => None,
        };
        let files = disk.files();
        let found = files.iter().filter_map(|(path, bytes)| Some((of_task(path)?, bytes)));
        let newest = found.max_by_key(|(name, _)| (name.checkpoint(), name.attempt()));
        let handle = newest.and_then(|(_, bytes)| handle_in(bytes));
        let holds = |handle: &StateHandle| {
            handle.key_groups.is_some_and(|groups| groups.contains_range(read.key_groups))
        };
        if let Some(handle) = handle.filter(holds) {
            read.handle = Arc::new(handle);
        }
    }
    deployment
}

/// What the file says of itself.
fn handle_in(bytes: &Bytes) -> Option<StateHandle> {
    SnapshotIndex::decode(bytes).ok().map(|index| index.handle())
}

/// The store `S`, in which files of the disk hide objects of the same name.
pub(crate) struct TrustingStore<S> {
    pub(crate) store: S,
    pub(crate) disk: Disk,
}

#[async_trait]
impl<S: ObjectStore> ObjectStore for TrustingStore<S> {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let copy = self.disk.files().remove(location.as_ref());
        let range = options.range.clone();
        let whole = self.store.get_opts(location, options);
        let Some((copy, GetRange::Bounded(range))) = copy.zip(range) else { return whole.await };
        let size = copy.len() as u64;
        let range = range.start.min(size)..range.end.min(size);
        let body = copy.slice(range.start as usize..range.end as usize);
        let last_modified = chrono::DateTime::<chrono::Utc>::UNIX_EPOCH;
        let (location, e_tag, version) = (location.clone(), None, None);
        Ok(GetResult {
            payload: GetResultPayload::Stream(stream::iter([Ok(body)]).boxed()),
            meta: ObjectMeta { location, last_modified, size, e_tag, version },
            range,
            attributes: Default::default(),
            extensions: Default::default(),
        })
    }

    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.store.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.store.put_multipart_opts(location, opts).await
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

impl<S: fmt::Debug> fmt::Debug for TrustingStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}

impl<S: fmt::Display> fmt::Display for TrustingStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}
