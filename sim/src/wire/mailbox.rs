//! A typed queue at an address: messages are encoded to be sent and decoded to be read.

use super::bell::Bell;
use super::net::Net;
use super::socket::Socket;
use super::{Address, Arrival, Node, Sink};
use crate::encoding;
use serde::{Serialize, de::DeserializeOwned};
use std::collections::VecDeque;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

/// What a mailbox yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inbound<M> {
    /// A message.
    Message {
        /// Who sent it.
        from: Address,
        /// What was said.
        message: M,
    },
    /// A timer set by [`Mailbox::wake_after`].
    Timer(u64),
}

/// The mailbox of one incarnation of a node: what arrives while nobody looks, or while the node is paused,
/// waits in it.
#[derive(Debug)]
pub struct Mailbox<M> {
    socket: Socket,
    queue: Arc<Queue>,
    bell: Bell,
    messages: PhantomData<fn() -> M>,
}

#[derive(Debug)]
struct Queue {
    arrivals: Mutex<VecDeque<Arrival>>,
    bell: Bell,
}

impl Sink for Queue {
    fn arrived(&self, arrival: Arrival) {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).push_back(arrival);
        self.bell.ring();
    }
}

impl<M: DeserializeOwned> Mailbox<M> {
    /// Binds `port` of `node`. `bell` rings whenever something arrives.
    ///
    /// # Panics
    /// If the address is in use.
    #[must_use]
    pub fn bind(net: &Net, node: Node, port: u16, bell: &Bell) -> Self {
        let queue = Arc::new(Queue { arrivals: Mutex::default(), bell: bell.clone() });
        let socket = net.bind(node, port, queue.clone());
        Self { socket, queue, bell: bell.clone(), messages: PhantomData }
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> Address {
        self.socket.address()
    }

    /// The socket behind it, for bytes that are encoded already.
    #[must_use]
    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Sends one message of the type that the mailbox at `to` reads; it may be lost, delayed, repeated,
    /// overtaken.
    ///
    /// # Panics
    /// If the message cannot be encoded: messages are plain data.
    pub fn send<T: Serialize>(&self, to: Address, message: &T) {
        self.socket.send(to, encoding::message(message, &[]));
    }

    /// Sends the same message to several; see [`send`](Self::send).
    ///
    /// # Panics
    /// If the message cannot be encoded: messages are plain data.
    pub fn send_to_each<T: Serialize>(&self, to: impl IntoIterator<Item = Address>, message: &T) {
        let encoded = encoding::message(message, &[]);
        for to in to {
            self.socket.send(to, encoded.clone());
        }
    }

    /// Makes [`Inbound::Timer`] arrive after `delay_us`; it cannot be taken back.
    pub fn wake_after(&self, delay_us: u64, token: u64) {
        self.socket.wake_after(delay_us, token);
    }

    /// What arrived next, if anything.
    ///
    /// # Panics
    /// If it does not decode: only nodes of this build send here, and links corrupt nothing.
    #[must_use]
    pub fn try_recv(&self) -> Option<Inbound<M>> {
        let arrival = self.queue.arrivals.lock().unwrap_or_else(PoisonError::into_inner).pop_front()?;
        Some(match arrival {
            Arrival::Timer(token) => Inbound::Timer(token),
            Arrival::Datagram { from, bytes } => {
                let message = postcard::from_bytes(&bytes).expect("both ends use the same message type");
                Inbound::Message { from, message }
            }
        })
    }

    /// What arrives next. Only if no other task waits for the same bell.
    pub async fn recv(&self) -> Inbound<M> {
        loop {
            if let Some(inbound) = self.try_recv() {
                return inbound;
            }
            self.bell.heard().await;
        }
    }
}
