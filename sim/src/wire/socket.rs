//! A bound address.

use super::core::Bound;
use super::hub::What;
use super::net::Net;
use super::{Address, now_us};
use bytes::Bytes;

/// A bound address of one incarnation of a node. Dropping it frees the address.
#[derive(Debug)]
pub struct Socket {
    net: Net,
    address: Address,
    incarnation: u32,
}

impl Socket {
    pub(super) fn new(net: Net, address: Address, incarnation: u32) -> Self {
        Self { net, address, incarnation }
    }

    /// The bound address.
    #[must_use]
    pub fn address(&self) -> Address {
        self.address
    }

    /// The network it belongs to.
    #[must_use]
    pub fn net(&self) -> &Net {
        &self.net
    }

    /// False from the crash of this incarnation on.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.net.core().lives(self.address.node, self.incarnation)
    }

    /// Sends a datagram; it may be lost, delayed, repeated, overtaken. A dead socket sends nothing.
    pub fn send(&self, to: Address, bytes: Bytes) {
        self.send_after(0, to, bytes);
    }

    /// Sends a datagram that leaves `delay_us` later, unless it is dead now. What happens to it on the
    /// way is decided now.
    pub fn send_after(&self, delay_us: u64, to: Address, bytes: Bytes) {
        let mut core = self.net.core();
        if core.lives(self.address.node, self.incarnation) {
            core.post_datagram(delay_us, self.address, to, bytes);
        }
    }

    /// Makes [`Arrival::Timer`](super::Arrival::Timer) arrive here after `delay_us`, unless the node crashes or the socket is
    /// dropped before. Timers cannot be taken back: whoever gets one looks whether it still matters.
    pub fn wake_after(&self, delay_us: u64, token: u64) {
        let mut core = self.net.core();
        let now_us = now_us();
        core.schedule.post(
            now_us,
            now_us + delay_us,
            What::Timer { address: self.address, incarnation: self.incarnation, token },
        );
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _sink = {
            let mut core = self.net.core();
            let bound = &mut core.nodes[usize::from(self.address.node.0)].bound;
            let ours = |it: &Bound| (it.port, it.incarnation) == (self.address.port, self.incarnation);
            bound.iter().position(ours).map(|place| bound.swap_remove(place))
        };
    }
}
