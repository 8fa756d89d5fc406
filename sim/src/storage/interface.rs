//! `object_store::ObjectStore`, as the client asks for it.

use super::attributes;
use super::client::{NAME, SimObjectStore, StoreFailure};
use super::message::{Answer, Meta, Mode, Operation, Range};
use super::multipart::Upload;
use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result,
};
use std::collections::BTreeSet;

#[async_trait]
impl ObjectStore for SimObjectStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let mode = match &opts.mode {
            PutMode::Overwrite => Mode::Overwrite,
            PutMode::Create => Mode::Create,
            PutMode::Update(version) => {
                let etag = version.e_tag.as_deref().ok_or_else(|| not_supported("an update without etag"))?;
                // An etag that is none of ours matches no object; no write has the number zero.
                Mode::Update { etag: etag.trim_matches('"').parse().unwrap_or(0) }
            }
        };
        let update = matches!(mode, Mode::Update { .. });
        let attributes = attributes::to_list(&opts.attributes)
            .map_err(|unknown| not_supported(&format!("attribute {unknown:?}")))?;
        let path = location.to_string();
        let put = Operation::Put { path, mode, attributes };
        let body = Bytes::from(payload);
        match self.request(put, &body).await?.0 {
            Answer::Done { etag } => Ok(put_result(etag)),
            Answer::Changed if update => Err(Error::Precondition {
                path: location.to_string(),
                source: "the object is not the one to be updated".into(),
            }),
            other => Err(failure(location.as_ref(), other)),
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Ok(Box::new(Upload::begin(self, location, &opts.attributes).await?))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if options.version.is_some() {
            return Err(not_supported("versions of objects"));
        }
        let range = match &options.range {
            None => Range::Whole,
            Some(GetRange::Bounded(range)) => Range::Bounded(range.start, range.end),
            Some(GetRange::Offset(start)) => Range::From(*start),
            Some(GetRange::Suffix(count)) => Range::Last(*count),
        };
        let get = Operation::Get { path: location.to_string(), range, head: options.head };
        match self.request(get, &[]).await? {
            (Answer::Found { meta, start, attributes }, body) => {
                let meta = meta_of(location.clone(), &meta);
                options.check_preconditions(&meta)?;
                let range = if options.head { 0..meta.size } else { start..start + body.len() as u64 };
                Ok(GetResult {
                    payload: GetResultPayload::Stream(stream::iter([Ok(body)]).boxed()),
                    meta,
                    range,
                    attributes: attributes::from_list(attributes),
                    extensions: Default::default(),
                })
            }
            (other, _) => Err(failure(location.as_ref(), other)),
        }
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let client = self.clone();
        locations
            .then(move |location| {
                let client = client.clone();
                async move {
                    let location = location?;
                    match client.request(Operation::Delete { path: location.to_string() }, &[]).await?.0 {
                        Answer::Done { .. } => Ok(location),
                        other => Err(failure(location.as_ref(), other)),
                    }
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        pages(self, prefix, None)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        pages(self, prefix, Some(offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let prefix = prefix.cloned().unwrap_or_default();
        let mut common_prefixes = BTreeSet::new();
        let mut objects = Vec::new();
        let mut all = pages(self, Some(&prefix), None);
        while let Some(meta) = all.try_next().await? {
            let mut rest = meta.location.prefix_match(&prefix).into_iter().flatten();
            if let (Some(child), Some(_)) = (rest.next(), rest.next()) {
                common_prefixes.insert(prefix.clone().join(child));
            } else {
                drop(rest);
                objects.push(meta);
            }
        }
        let common_prefixes = common_prefixes.into_iter().collect();
        Ok(ListResult { common_prefixes, objects, extensions: Default::default() })
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let mode = match options.mode {
            CopyMode::Overwrite => Mode::Overwrite,
            CopyMode::Create => Mode::Create,
        };
        let copy = Operation::Copy { from: from.to_string(), to: to.to_string(), mode };
        match self.request(copy, &[]).await?.0 {
            Answer::Done { .. } => Ok(()),
            Answer::Missing => Err(failure(from.as_ref(), Answer::Missing)),
            other => Err(failure(to.as_ref(), other)),
        }
    }
}

/// One listing, page by page: other requests may come between two pages.
fn pages(
    client: &SimObjectStore,
    prefix: Option<&Path>,
    after: Option<&Path>,
) -> BoxStream<'static, Result<ObjectMeta>> {
    let prefix = prefix.map(ToString::to_string).unwrap_or_default();
    let client = client.clone();
    stream::try_unfold(Some(after.map(ToString::to_string)), move |position| {
        let (client, prefix) = (client.clone(), prefix.clone());
        async move {
            let Some(after) = position else { return Ok(None) };
            match client.request(Operation::List { prefix, after }, &[]).await?.0 {
                Answer::Page { objects, more } => {
                    let last = objects.last().map(|meta| meta.path.clone());
                    let page: Vec<_> =
                        objects.iter().map(|meta| Ok(meta_of(Path::parse(&meta.path)?, meta))).collect();
                    Ok(Some((stream::iter(page), more.then_some(last))))
                }
                other => Err(failure("", other)),
            }
        }
    })
    .try_flatten()
    .boxed()
}

pub(super) fn put_result(etag: u64) -> PutResult {
    PutResult { e_tag: Some(format!("\"{etag}\"")), version: None, extensions: Default::default() }
}

fn meta_of(location: Path, meta: &Meta) -> ObjectMeta {
    ObjectMeta {
        location,
        last_modified: modified(meta.modified_us),
        size: meta.size,
        e_tag: Some(format!("\"{}\"", meta.etag)),
        version: None,
    }
}

/// The store's calendar begins with the year of the flights.
fn modified(modified_us: u64) -> DateTime<Utc> {
    const BEGINNING_US: i64 = 1_356_998_400_000_000;
    DateTime::from_timestamp_micros(BEGINNING_US + modified_us as i64).expect("simulations end within years")
}

pub(super) fn failure(path: &str, answer: Answer) -> Error {
    let path = path.to_owned();
    match answer {
        Answer::Missing => Error::NotFound { path, source: "no such object".into() },
        Answer::Exists => Error::AlreadyExists { path, source: "an object is there already".into() },
        Answer::Refused => generic(StoreFailure::Refused),
        Answer::SlowDown => generic(StoreFailure::SlowDown),
        Answer::Full => generic(StoreFailure::Full),
        Answer::Failed => generic(StoreFailure::ServerError),
        Answer::BadRange(what) => Error::Generic { store: NAME, source: what.into() },
        Answer::Done { .. }
        | Answer::Found { .. }
        | Answer::Page { .. }
        | Answer::Upload(_)
        | Answer::Changed => unreachable!("the store answers what was asked"),
    }
}

pub(super) fn not_supported(what: &str) -> Error {
    Error::NotSupported { source: format!("the simulated store knows no {what}").into() }
}

fn generic(failure: StoreFailure) -> Error {
    Error::Generic { store: NAME, source: Box::new(failure) }
}
