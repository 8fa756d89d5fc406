//! A disk as its process uses it.

use super::{Disk, DiskManners};
use crate::wire::sleep;
use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::{self, BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use std::fmt;
use std::ops::{Bound, Range};
use std::time::Duration;

/// A good disk begins to answer after so many virtual microseconds …
const SEEK_US: u64 = 100;
/// … and moves so many bytes in each.
const BYTES_PER_US: u64 = 500;
const NAME: &str = "local disk";

/// A [`Disk`] for one life of its process. Only what local copies need: whole files are written once, read in
/// ranges, listed and deleted.
#[derive(Clone, Debug)]
pub struct LocalDisk {
    disk: Disk,
}

impl Disk {
    /// For a process that begins.
    #[must_use]
    pub fn open(&self) -> LocalDisk {
        LocalDisk { disk: self.clone() }
    }
}

impl LocalDisk {
    /// Takes as long as moving so many bytes does. A process that dies meanwhile has done nothing.
    async fn takes(&self, bytes: u64) -> DiskManners {
        let manners = self.disk.state().manners;
        let us = SEEK_US + bytes / BYTES_PER_US + manners.slow_us;
        sleep(Duration::from_micros(us)).await;
        self.disk.state().manners
    }

    fn bytes(&self, location: &Path) -> Result<Bytes> {
        let state = self.disk.state();
        let file = state.files.get(location);
        file.map(|file| file.bytes.clone())
            .ok_or_else(|| Error::NotFound { path: location.to_string(), source: "no such file".into() })
    }

    fn listed(&self, prefix: Option<&Path>, after: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (disk, prefix, after) = (self.clone(), prefix.cloned(), after.cloned());
        let metas = async move {
            disk.takes(0).await;
            let state = disk.disk.state();
            let from = after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
            let files = state.files.range((from, Bound::Unbounded));
            let listed = files
                .filter(|(path, _)| prefix.as_ref().is_none_or(|prefix| path.prefix_matches(prefix)))
                .map(|(path, file)| Ok(meta(path, &file.bytes)));
            listed.collect::<Vec<_>>()
        };
        stream::once(metas).flat_map(stream::iter).boxed()
    }
}

fn meta(location: &Path, bytes: &Bytes) -> ObjectMeta {
    let (last_modified, size) = (DateTime::<Utc>::UNIX_EPOCH, bytes.len() as u64);
    ObjectMeta { location: location.clone(), last_modified, size, e_tag: None, version: None }
}

fn failed(what: &'static str) -> Error {
    Error::Generic { store: NAME, source: what.into() }
}

fn not_supported(what: &'static str) -> Error {
    Error::NotSupported { source: format!("{NAME}: {what}").into() }
}

/// The part of `size` bytes that is asked for, as far as it is there.
fn range_of(range: Option<&GetRange>, size: u64) -> Result<Range<u64>> {
    let range = match range {
        None => 0..size,
        Some(GetRange::Bounded(range)) => range.start..range.end.min(size),
        Some(GetRange::Offset(start)) => *start..size,
        Some(GetRange::Suffix(count)) => size.saturating_sub(*count)..size,
    };
    if range.start > range.end { Err(failed("the range begins behind the end")) } else { Ok(range) }
}

#[async_trait]
impl ObjectStore for LocalDisk {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let bytes = Bytes::from(payload);
        let manners = self.takes(bytes.len() as u64).await;
        if manners.full {
            return Err(failed("no space left on device"));
        }
        let mut state = self.disk.state();
        if opts.mode == PutMode::Create && state.files.contains_key(location) {
            let (path, source) = (location.to_string(), "the file exists".into());
            return Err(Error::AlreadyExists { path, source });
        }
        state.write(location.clone(), bytes);
        Ok(PutResult { e_tag: None, version: None, extensions: Default::default() })
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let bytes = self.bytes(location)?;
        let meta = meta(location, &bytes);
        let range = range_of(options.range.as_ref(), meta.size)?;
        let moved = if options.head { 0 } else { range.end - range.start };
        if self.takes(moved).await.unreadable && !options.head {
            return Err(failed("input/output error"));
        }
        let body =
            if options.head { Bytes::new() } else { bytes.slice(range.start as usize..range.end as usize) };
        Ok(GetResult {
            payload: GetResultPayload::Stream(stream::iter([Ok(body)]).boxed()),
            range: if options.head { 0..meta.size } else { range },
            meta,
            attributes: Default::default(),
            extensions: Default::default(),
        })
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let disk = self.clone();
        let delete = move |location: Result<Path>| {
            let disk = disk.clone();
            async move {
                let location = location?;
                disk.takes(0).await;
                match disk.disk.state().delete(&location) {
                    true => Ok(location),
                    false => {
                        Err(Error::NotFound { path: location.to_string(), source: "no such file".into() })
                    }
                }
            }
        };
        locations.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(prefix, None)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(prefix, Some(offset))
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> Result<ListResult> {
        Err(not_supported("directories"))
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        Err(not_supported("uploads in parts"))
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(not_supported("copies"))
    }
}

impl fmt::Display for LocalDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)
    }
}
