//! The application's ends of a reliable channel.

use super::Node;
use super::bell::Bell;
use super::channel::{ReceiveHalf, SendHalf};
use super::core::ConnectionKey;
use super::net::Net;
use crate::encoding::encode;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use xxhash_rust::xxh3::xxh3_128;

/// Names a connection between two nodes. Both ends must derive it from the same facts, the attempt among
/// them: then frames of an older attempt find nobody.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConnectionTag(pub u128);

impl ConnectionTag {
    /// The tag for these facts: a hash of their encoding.
    ///
    /// # Panics
    /// If `facts` cannot be encoded: they are plain data.
    #[must_use]
    pub fn of<T: Serialize>(facts: &T) -> Self {
        Self(xxh3_128(&encode(facts)))
    }
}

impl fmt::Debug for ConnectionTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The sending end. Dropping it lets what was sent still arrive, if the node lives.
#[derive(Debug)]
pub struct ChannelSender {
    net: Net,
    key: ConnectionKey,
    half: u64,
    bell: Bell,
}

/// The receiving end. Dropping it leaves the sender without answer.
#[derive(Debug)]
pub struct ChannelReceiver {
    net: Net,
    key: ConnectionKey,
    half: u64,
    bell: Bell,
    // Says no for sure while the half lives; looking there costs much more.
    has_ready: Arc<AtomicBool>,
}

impl Net {
    /// Opens the sending end of a connection. `bell` rings when a full channel has room again.
    ///
    /// An older sender of the same connection is replaced; the receiver will not mistake one for the
    /// other, it goes on waiting for the one it heard first.
    #[must_use]
    pub fn open(&self, from: Node, to: Node, tag: ConnectionTag, bell: &Bell) -> ChannelSender {
        let mut core = self.core();
        let (half, key, window) = (core.new_half(), ConnectionKey { from, to, tag }, core.window);
        if core.is_up(from) {
            core.senders.insert(key, SendHalf::new(half, bell.clone(), window));
        }
        ChannelSender { net: self.clone(), key, half, bell: bell.clone() }
    }

    /// Opens the receiving end of a connection, before or after the sender did. `bell` rings when messages
    /// have arrived.
    #[must_use]
    pub fn accept(&self, from: Node, to: Node, tag: ConnectionTag, bell: &Bell) -> ChannelReceiver {
        let mut core = self.core();
        let (half, key, window) = (core.new_half(), ConnectionKey { from, to, tag }, core.window);
        let receiver = ReceiveHalf::new(half, bell.clone(), window);
        let has_ready = receiver.has_ready.clone();
        if core.is_up(to) {
            core.receivers.insert(key, receiver);
        }
        ChannelReceiver { net: self.clone(), key, half, bell: bell.clone(), has_ready }
    }
}

impl ChannelSender {
    /// Queues a message, in order; what is queued until the task yields travels in one frame.
    ///
    /// # Errors
    /// Gives the message back if the channel is full, as it is for ever once this end's node has crashed.
    pub fn try_send(&self, message: Bytes) -> Result<(), Bytes> {
        let mut core = self.net.core();
        match core.senders.get_mut(&self.key).filter(|half| half.id == self.half) {
            Some(half) if half.has_room() => {
                half.push(message);
                core.order_flush(self.key);
                Ok(())
            }
            Some(_) => {
                core.counts.full += 1;
                Err(message)
            }
            None => Err(message),
        }
    }

    /// True if [`try_send`](Self::try_send) would take a message now.
    #[must_use]
    pub fn has_room(&self) -> bool {
        let core = self.net.core();
        core.senders.get(&self.key).is_some_and(|half| half.id == self.half && half.has_room())
    }

    /// Queues a message as soon as there is room. Only if no other task waits for the same bell.
    pub async fn send(&self, mut message: Bytes) {
        while let Err(back) = self.try_send(message) {
            message = back;
            self.bell.heard().await;
        }
    }
}

impl Drop for ChannelSender {
    fn drop(&mut self) {
        let mut core = self.net.core();
        if let Some(half) = core.senders.get_mut(&self.key).filter(|half| half.id == self.half) {
            half.lingering = true;
            if half.is_idle() {
                core.senders.remove(&self.key);
            }
        }
    }
}

impl ChannelReceiver {
    /// The next message in order, if it has arrived.
    #[must_use]
    pub fn try_recv(&self) -> Option<Bytes> {
        if !self.has_ready.load(Ordering::Relaxed) {
            return None;
        }
        let mut core = self.net.core();
        let half = core.receivers.get_mut(&self.key).filter(|half| half.id == self.half)?;
        let (message, notice) = half.take()?;
        let severed = half.severed;
        if let Some(notice) = notice {
            core.acknowledge(self.key, notice, severed);
        }
        Some(message)
    }

    /// The next message in order. Only if no other task waits for the same bell.
    pub async fn recv(&self) -> Bytes {
        loop {
            if let Some(message) = self.try_recv() {
                return message;
            }
            self.bell.heard().await;
        }
    }
}

impl Drop for ChannelReceiver {
    fn drop(&mut self) {
        let mut core = self.net.core();
        if core.receivers.get(&self.key).is_some_and(|half| half.id == self.half) {
            core.receivers.remove(&self.key);
        }
    }
}
