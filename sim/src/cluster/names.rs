//! Where processes can be reached: what a name service says, and what a coordinator learns of its hosts.

use super::MAIL_PORT;
use crate::nodes::Place;
use crate::wire::{Address, Node, now_us};
use keygroups::protocol::{HostId, Incarnation};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Addresses by process. Each process tells its address when it begins; others may be given the one before
/// for a while.
#[derive(Debug)]
pub(super) struct Names {
    entries: Mutex<BTreeMap<Node, Entry>>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    address: Address,
    known_from_us: u64,
    before: Address,
}

impl Entry {
    fn known(&self) -> Address {
        if now_us() >= self.known_from_us { self.address } else { self.before }
    }
}

/// The mailbox of a process at this place.
pub(super) fn address(node: Node, place: Place) -> Address {
    Address { node, port: MAIL_PORT + place.moves }
}

impl Names {
    /// Everybody is at the first address.
    pub(super) fn new(nodes: impl IntoIterator<Item = Node>) -> Self {
        let entry = |node| {
            let address = address(node, Place::default());
            (node, Entry { address, known_from_us: 0, before: address })
        };
        Self { entries: Mutex::new(nodes.into_iter().map(entry).collect()) }
    }

    /// The process has begun a life at this place.
    pub(super) fn announce(&self, node: Node, place: Place) {
        if let Some(entry) = self.entries().get_mut(&node) {
            let address = address(node, place);
            if address != entry.address {
                let before = entry.known();
                *entry = Entry { address, known_from_us: now_us() + place.known_after_us, before };
            }
        }
    }

    /// Where to find the process, as far as is known.
    pub(super) fn lookup(&self, node: Node) -> Option<Address> {
        self.entries().get(&node).map(Entry::known)
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<Node, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where hosts registered from. A coordinator speaks to a host only after that.
#[derive(Debug, Default)]
pub(super) struct AddressBook {
    hosts: BTreeMap<HostId, (Incarnation, Address)>,
}

impl AddressBook {
    /// A host has registered; one that is late from an earlier life changes nothing.
    pub(super) fn registered(&mut self, host: HostId, incarnation: Incarnation, from: Address) {
        let known = self.hosts.get(&host);
        if known.is_none_or(|(newest, _)| *newest <= incarnation) {
            self.hosts.insert(host, (incarnation, from));
        }
    }

    pub(super) fn host(&self, host: HostId) -> Option<Address> {
        self.hosts.get(&host).map(|(_, address)| *address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_registration_of_an_earlier_life_does_not_win_back_the_old_address() {
        let at = |moves| address(Node(3), Place { moves, known_after_us: 0 });
        let mut book = AddressBook::default();
        assert_eq!(book.host(HostId(0)), None);
        book.registered(HostId(0), Incarnation(1), at(0));
        book.registered(HostId(0), Incarnation(2), at(1));
        book.registered(HostId(0), Incarnation(1), at(0));
        assert_eq!(book.host(HostId(0)), Some(at(1)));
    }
}
