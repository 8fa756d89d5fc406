//! A network that loses, repeats, delays and reorders; a store that fails in every ambiguous way.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::{FutureExt, channel::mpsc::UnboundedSender, future, stream::BoxStream};
use keygroups::driver::Runtime;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, memory::InMemory, path::Path,
};

use crate::clock::Clock;

/// One sequence of throws decides every fault, so that a seed replays them all.
#[derive(Clone)]
pub struct Faults {
    clock: Clock,
    dice: Arc<AtomicU64>,
    percent: u64,
}

impl Faults {
    pub fn new(clock: Clock, seed: u64, percent: u64) -> Self {
        Self { clock, dice: Arc::new(AtomicU64::new(seed)), percent }
    }

    // SplitMix64.
    fn below(&self, bound: u64) -> u64 {
        let mut z = self.dice.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }

    fn strike(&self) -> bool {
        self.percent > 0 && self.below(100) < self.percent
    }

    pub fn deliver<T: Clone + Send + 'static>(&self, inbox: &UnboundedSender<T>, message: T) {
        if self.percent == 0 {
            // The process may be gone.
            let _ = inbox.unbounded_send(message);
            return;
        }
        let copies = if self.strike() { 2 * self.below(2) } else { 1 };
        for _ in 0..copies {
            let delay = Duration::from_millis(if self.strike() { self.below(900) } else { self.below(15) });
            let (inbox, message) = (inbox.clone(), message.clone());
            self.clock.later(delay, move || {
                let _ = inbox.unbounded_send(message);
            });
        }
    }
}

/// Strong like every real store, but its answers get lost and its writes can be late.
pub struct FaultyStore {
    inner: Arc<InMemory>,
    faults: Faults,
    refuses_state: Arc<AtomicBool>,
}

impl FaultyStore {
    pub fn new(inner: Arc<InMemory>, faults: Faults) -> Self {
        Self { inner, faults, refuses_state: Arc::default() }
    }

    /// Whether nothing can be written below `state`.
    pub fn refuses_state(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.refuses_state)
    }

    async fn answer<T>(&self, effect: impl Future<Output = Result<T>>) -> Result<T> {
        let lost = || Error::Generic { store: "faulty", source: "the connection was lost".into() };
        if self.faults.percent > 0 {
            self.faults.clock.sleep(Duration::from_millis(self.faults.below(5))).await;
        }
        if !self.faults.strike() {
            return effect.await;
        }
        match self.faults.below(5) {
            0 => Err(lost()),
            1 => effect.await.and(Err(lost())),
            2 => future::pending().await,
            3 => {
                let _ = effect.await;
                future::pending().await
            }
            _ => {
                self.faults.clock.sleep(Duration::from_millis(self.faults.below(180))).await;
                effect.await
            }
        }
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(&self, at: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        if self.refuses_state.load(Ordering::Relaxed) && at.as_ref().starts_with("state/") {
            return Err(Error::Generic { store: "faulty", source: "no room for state".into() });
        }
        if self.faults.strike() {
            // Long after the caller has given up, and after others may have looked.
            let (inner, at) = (Arc::clone(&self.inner), at.clone());
            self.faults.clock.later(Duration::from_millis(self.faults.below(3_000)), move || {
                let _ = inner.put_opts(&at, payload, options).now_or_never();
            });
            return future::pending().await;
        }
        self.answer(self.inner.put_opts(at, payload, options)).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        self.answer(self.inner.get_opts(at, options)).await
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(at, options).await
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultyStore")
    }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("faulty")
    }
}
