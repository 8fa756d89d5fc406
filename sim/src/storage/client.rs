//! The client's side: `object_store::ObjectStore` over requests that may never be answered.

use super::message::{Answer, Meta, Mode, Operation, Range, Reply, Request, decode, encode};
use super::{STORE_PORT, attributes};
use crate::wire::{Address, Arrival, Net, Node, Sink, Socket};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::channel::oneshot;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    Attributes, CopyMode, CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result, UploadPart,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const NAME: &str = "simulated store";

/// Why a request has no answer; the source of `object_store::Error::Generic`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreFailure {
    /// The store said that it did nothing.
    #[error("503 service unavailable: the request had no effect")]
    Refused,
    /// Nobody knows: the request may have had its effect, or have it later, or never.
    #[error("timed out after {after_us} us: the request may or may not have an effect")]
    TimedOut {
        /// How long the client waited, in virtual microseconds.
        after_us: u64,
    },
}

/// The store as one process sees it. Clones are the same client; make a new one after a restart.
#[derive(Clone)]
pub struct SimObjectStore {
    inner: Arc<Client>,
}

struct Client {
    socket: Socket,
    store: Address,
    timeout_us: u64,
    waiting: Arc<Waiting>,
}

/// Requests without answer so far.
#[derive(Default)]
struct Waiting {
    state: Mutex<WaitingState>,
}

#[derive(Default)]
struct WaitingState {
    next: u64,
    answers: BTreeMap<u64, oneshot::Sender<(Answer, Bytes)>>,
}

impl Waiting {
    fn state(&self) -> MutexGuard<'_, WaitingState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Waiting {
    fn arrived(&self, arrival: Arrival) {
        match arrival {
            Arrival::Datagram { bytes, .. } => {
                let (Reply { id, answer }, body) = decode(&bytes);
                let waiting = self.state().answers.remove(&id);
                if let Some(waiting) = waiting {
                    // Whoever asked may have been cancelled meanwhile.
                    let _ = waiting.send((answer, body));
                }
            }
            // Dropping the sender is how the request learns of its timeout.
            Arrival::Timer(id) => drop(self.state().answers.remove(&id)),
        }
    }
}

impl SimObjectStore {
    /// A client on `node`, bound to `port` there, of the store at node `store`. Requests fail after
    /// `timeout_us` without an answer; nothing is repeated.
    ///
    /// # Panics
    /// If the port is in use.
    #[must_use]
    pub fn connect(net: &Net, node: Node, port: u16, store: Node, timeout_us: u64) -> Self {
        let waiting = Arc::new(Waiting::default());
        // An answer to an earlier life of this process, at the same address, must not be taken for an
        // answer to this one.
        waiting.state().next = net.unique() << 32;
        let socket = net.bind(node, port, waiting.clone());
        let store = Address { node: store, port: STORE_PORT };
        Self { inner: Arc::new(Client { socket, store, timeout_us, waiting }) }
    }

    async fn request(&self, operation: Operation, body: &[u8]) -> Result<(Answer, Bytes)> {
        self.inner.request(operation, body).await
    }

    /// One listing, page by page: other requests may come between two pages.
    fn pages(&self, prefix: Option<&Path>, after: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let prefix = prefix.map(ToString::to_string).unwrap_or_default();
        let client = self.inner.clone();
        stream::try_unfold(Some(after.map(ToString::to_string)), move |position| {
            let (client, prefix) = (client.clone(), prefix.clone());
            async move {
                let Some(after) = position else { return Ok(None) };
                match client.request(Operation::List { prefix, after }, &[]).await?.0 {
                    Answer::Page { objects, more } => {
                        let last = objects.last().map(|meta| meta.path.clone());
                        let page: Vec<_> = objects.into_iter().map(meta_of).collect();
                        Ok(Some((stream::iter(page), more.then_some(last))))
                    }
                    other => Err(failure("", other)),
                }
            }
        })
        .try_flatten()
        .boxed()
    }
}

impl Client {
    async fn request(&self, operation: Operation, body: &[u8]) -> Result<(Answer, Bytes)> {
        let (answer, answered) = oneshot::channel();
        let id = {
            let mut state = self.waiting.state();
            state.next += 1;
            let id = state.next;
            state.answers.insert(id, answer);
            id
        };
        self.socket.send(self.store, encode(&Request { id, operation }, body));
        self.socket.wake_after(self.timeout_us, id);
        answered.await.map_err(|_| Error::Generic {
            store: NAME,
            source: Box::new(StoreFailure::TimedOut { after_us: self.timeout_us }),
        })
    }
}

impl fmt::Debug for SimObjectStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimObjectStore")
            .field("address", &self.inner.socket.address())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for SimObjectStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)
    }
}

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
        Ok(Box::new(Upload {
            client: self.clone(),
            location: location.clone(),
            attributes: opts.attributes,
            parts: Vec::new(),
        }))
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
                let meta = meta_of(meta)?;
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
        let client = self.inner.clone();
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
        self.pages(prefix, None)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.pages(prefix, Some(offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let prefix = prefix.cloned().unwrap_or_default();
        let mut common_prefixes = BTreeSet::new();
        let mut objects = Vec::new();
        let mut all = self.pages(Some(&prefix), None);
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

/// A multipart upload: parts wait in the client, completing is one put. As with real stores nothing is
/// seen before that, and then everything.
#[derive(Debug)]
struct Upload {
    client: SimObjectStore,
    location: Path,
    attributes: Attributes,
    parts: Vec<Bytes>,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.parts.push(data.into());
        Box::pin(futures::future::ready(Ok(())))
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let payload = std::mem::take(&mut self.parts).into_iter().collect::<PutPayload>();
        let opts = PutOptions { attributes: self.attributes.clone(), ..PutOptions::default() };
        self.client.put_opts(&self.location, payload, opts).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.parts.clear();
        Ok(())
    }
}

fn put_result(etag: u64) -> PutResult {
    PutResult { e_tag: Some(format!("\"{etag}\"")), version: None, extensions: Default::default() }
}

fn meta_of(meta: Meta) -> Result<ObjectMeta> {
    Ok(ObjectMeta {
        location: Path::parse(meta.path)?,
        last_modified: modified(meta.modified_us),
        size: meta.size,
        e_tag: Some(format!("\"{}\"", meta.etag)),
        version: None,
    })
}

/// The store's calendar begins with the year of the flights.
fn modified(modified_us: u64) -> DateTime<Utc> {
    const BEGINNING_US: i64 = 1_356_998_400_000_000;
    DateTime::from_timestamp_micros(BEGINNING_US + modified_us as i64).expect("simulations end within years")
}

fn failure(path: &str, answer: Answer) -> Error {
    let path = path.to_owned();
    match answer {
        Answer::Missing => Error::NotFound { path, source: "no such object".into() },
        Answer::Exists => Error::AlreadyExists { path, source: "an object is there already".into() },
        Answer::Refused => Error::Generic { store: NAME, source: Box::new(StoreFailure::Refused) },
        Answer::BadRange(what) => Error::Generic { store: NAME, source: what.into() },
        Answer::Done { .. } | Answer::Found { .. } | Answer::Page { .. } | Answer::Changed => {
            unreachable!("the store answers what was asked")
        }
    }
}

fn not_supported(what: &str) -> Error {
    Error::NotSupported { source: format!("the simulated store knows no {what}").into() }
}
