//! The client's side: requests that may never be answered.

use super::STORE_PORT;
use super::message::{Answer, Operation, Reply, Request, decode, encode};
use crate::wire::{Address, Arrival, Net, Node, Sink, Socket};
use bytes::Bytes;
use futures::channel::oneshot;
use object_store::{Error, Result};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) const NAME: &str = "simulated store";

/// Why a request has no answer; the source of `object_store::Error::Generic`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreFailure {
    /// The store said that it did nothing.
    #[error("503 service unavailable: the request had no effect")]
    Refused,
    /// The store said that it did nothing, for there are too many requests.
    #[error("503 slow down: too many requests, this one had no effect")]
    SlowDown,
    /// The store said that it has no room.
    #[error("507 insufficient storage: the request had no effect")]
    Full,
    /// The store said that something went wrong inside: the request may or may not have had its effect.
    #[error("500 internal error: the request may or may not have an effect")]
    ServerError,
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

    pub(super) async fn request(&self, operation: Operation, body: &[u8]) -> Result<(Answer, Bytes)> {
        self.inner.request(operation, body).await
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
