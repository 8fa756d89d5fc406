//! The disk of a host: it outlives its process, and can be full, unreadable or silent.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::{executor::block_on, future, stream::BoxStream};
use keygroups::{
    checkpoint::{Attempt, ObjectName},
    driver::Runtime,
    store::CheckpointStore,
};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, memory::InMemory,
    path::Path,
};

use crate::clock::Clock;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Trouble {
    None,
    /// Nothing can be written.
    Full,
    /// Nothing can be read.
    Unreadable,
    /// Nothing is ever answered.
    Silent,
}

#[derive(Clone, Debug, Default)]
pub struct Disk {
    files: Arc<InMemory>,
    trouble: Arc<AtomicU8>,
    // How long a read takes.
    slow: Option<(Clock, Duration)>,
    reads: Arc<AtomicUsize>,
}

impl Disk {
    /// Every read takes this long.
    pub fn slow(clock: &Clock, read: Duration) -> Self {
        Self { slow: Some((clock.clone(), read)), ..Self::default() }
    }

    /// How often anything was read.
    pub fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }

    pub fn trouble(&self, trouble: Trouble) {
        self.trouble.store(trouble as u8, Ordering::Relaxed);
    }

    fn has(&self, trouble: Trouble) -> bool {
        self.trouble.load(Ordering::Relaxed) == trouble as u8
    }

    pub fn names(&self) -> Vec<ObjectName> {
        block_on(self.store().list_objects(Attempt::default())).unwrap().objects
    }

    pub fn has_object(&self, name: ObjectName) -> bool {
        block_on(self.files.head(&self.store().layout().object(&name))).is_ok()
    }

    pub fn bytes(&self, name: ObjectName) -> Vec<u8> {
        block_on(self.store().get(name)).unwrap().to_vec()
    }

    /// Other bytes lie under the name now, or none.
    pub fn put(&self, name: ObjectName, bytes: Option<Vec<u8>>) {
        let path = self.store().layout().object(&name);
        match bytes {
            Some(bytes) => drop(block_on(self.files.put(&path, bytes.into())).unwrap()),
            None => block_on(self.files.delete(&path)).unwrap(),
        }
    }

    fn store(&self) -> CheckpointStore {
        CheckpointStore::new(Arc::<InMemory>::clone(&self.files), Path::default())
    }

    async fn answer<T>(&self, refuses: Trouble, effect: impl Future<Output = Result<T>>) -> Result<T> {
        if self.has(Trouble::Silent) {
            return future::pending().await;
        }
        if self.has(refuses) {
            return Err(Error::Generic { store: "disk", source: "input/output error".into() });
        }
        effect.await
    }
}

#[async_trait]
impl ObjectStore for Disk {
    async fn put_opts(&self, at: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.answer(Trouble::Full, self.files.put_opts(at, payload, options)).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        if let Some((clock, read)) = &self.slow {
            clock.sleep(*read).await;
        }
        self.answer(Trouble::Unreadable, self.files.get_opts(at, options)).await
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list(prefix)
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.files.delete_stream(locations)
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.files.put_multipart_opts(at, options).await
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.files.copy_opts(from, to, options).await
    }
}

impl fmt::Display for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("disk")
    }
}
