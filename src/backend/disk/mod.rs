//! Entries on disk: a log-structured merge tree, without a log.
//!
//! All key groups and states of a backend lie in one tree of `lsm-tree`, the one that the store fjall is
//! built on. A key there is key group, state and key, so a key group's state is a contiguous run in
//! the order of keys, which is the order a section is written in. docs/larger_than_memory.md says why this
//! store, and measures it. The ideas:
//!
//! - **Nothing is durable, on purpose.** Durability is the checkpoint's, so there is no log to write beside the
//!   tree, and a directory that a dead process has left is emptied ([`scratch`]).
//! - **Freezing pins files.** Files of the tree are never changed; what is frozen is the list of those that
//!   are there, the buffers in memory, and the number of the last write. Merging goes on, with no regard to
//!   what is frozen: a file that it has replaced is deleted once nothing pins it.
//! - **Memory is bounded.** A writer that is ahead of the disk waits ([`maintenance`]).
//! - **A failing disk is an answer.** A full disk loses nothing that was written: it stays in memory, the
//!   next write says what is wrong, and the one after tries again.

mod maintenance;
mod options;
mod scratch;

use std::{fmt, io, sync::Arc};

use bytes::Bytes;
use lsm_tree::{
    AbstractTree, AnyTree, Cache, Config, Guard, KvPair, SeqNo, SequenceNumberCounter, Slice, Tree,
};

pub use self::options::DiskOptions;
use self::{
    maintenance::Maintenance,
    scratch::{Scratch, disk_error},
};
use super::{
    BackendError,
    storage::{Place, StoredEntry},
    stored::StoredBytes,
};
use crate::{codec::Encoded, table::Memory};

/// Before every key: key group and state.
const PREFIX_BYTES: usize = 4;
/// The tree has two bytes for the length of a key.
const KEY_BYTES_MAX: usize = u16::MAX as usize - PREFIX_BYTES;
/// 1 GiB. The tree has four bytes for the length of a block and does not look whether they are enough; a block is a
/// value with what lies beside it.
const VALUE_BYTES_MAX: usize = 1 << 30;
/// Reads of the newest state see everything.
const NEWEST: SeqNo = SeqNo::MAX;

/// The entries of all key groups.
pub(super) struct Disk {
    tree: Tree,
    // Numbers every write, so that what is frozen can tell older ones from newer ones in a buffer.
    writes: SequenceNumberCounter,
    cache: Arc<Cache>,
    // Of the buffer that is written to, by the tree's own estimate.
    buffered: u64,
    buffer_bytes: u64,
    maintenance: Maintenance,
    // Last, so that nothing uses it any more when it is emptied.
    scratch: Arc<Scratch>,
}

impl Disk {
    pub(super) fn open(options: &DiskOptions) -> Result<Self, BackendError> {
        let scratch = Arc::new(Scratch::take(options.directory())?);
        let cache = Arc::new(Cache::with_capacity_bytes(options.memory_bytes() / 2));
        // One is written to, one or two wait for the disk.
        let buffer_bytes = options.memory_bytes() / 8;
        let writes = SequenceNumberCounter::default();
        let config = Config::new(scratch.state(), writes.clone(), SequenceNumberCounter::default());
        let opened = config.use_cache(Arc::clone(&cache)).open();
        let opened =
            opened.map_err(|error| disk_error("make a store", scratch.directory(), &said(&error)))?;
        let AnyTree::Standard(tree) = opened else {
            unreachable!("values are kept beside their keys unless asked otherwise");
        };
        let maintenance = Maintenance::start(tree.clone(), writes.clone(), buffer_bytes);
        let maintenance = maintenance
            .map_err(|error| disk_error("start the thread that writes", scratch.directory(), &error))?;
        Ok(Self { tree, writes, cache, buffered: 0, buffer_bytes, maintenance, scratch })
    }

    pub(super) fn get(&self, place: Place, key: &[u8]) -> Result<Option<StoredBytes<'_>>, BackendError> {
        // Nobody could put it, and the tree does not look for it.
        if key.len() > KEY_BYTES_MAX {
            return Ok(None);
        }
        let found = self.tree.get(stored_key(place.slot, place.state, key), NEWEST);
        let found = found.map_err(|error| self.unreadable(&error))?;
        Ok(found.map(|value| StoredBytes::on_disk(value, 0)))
    }

    pub(super) fn put(&mut self, place: Place, key: &[u8], value: &[u8]) -> Result<(), BackendError> {
        check_lengths(key.len(), value.len())?;
        self.make_room()?;
        let key = stored_key(place.slot, place.state, key);
        (_, self.buffered) = self.tree.insert(&*key, value, self.writes.next());
        Ok(())
    }

    pub(super) fn delete(&mut self, place: Place, key: &[u8]) -> Result<(), BackendError> {
        check_lengths(key.len(), 0)?;
        self.make_room()?;
        let key = stored_key(place.slot, place.state, key);
        (_, self.buffered) = self.tree.remove(&*key, self.writes.next());
        Ok(())
    }

    /// Where an entry can be written.
    fn make_room(&mut self) -> Result<(), BackendError> {
        if self.buffered < self.buffer_bytes {
            return Ok(());
        }
        self.maintenance
            .make_room()
            .map_err(|error| disk_error("write state", self.scratch.directory(), &error))?;
        self.buffered = 0;
        Ok(())
    }

    /// In the order of keys.
    pub(super) fn entries(
        &self,
        place: Place,
    ) -> impl Iterator<Item = Result<StoredEntry<'_>, BackendError>> {
        let entries = self.tree.range(run(place.slot, place.state), NEWEST, None);
        entries.map(|entry| match entry.into_inner() {
            Ok((key, value)) => Ok(stored_entry(key, value)),
            Err(error) => Err(self.unreadable(&error)),
        })
    }

    pub(super) fn is_empty(&self, slot: usize) -> Result<bool, BackendError> {
        let states = run(slot, 0).start..run(slot + 1, 0).start;
        match self.tree.range(states, NEWEST, None).next() {
            None => Ok(true),
            Some(entry) => entry.key().map(|_| false).map_err(|error| self.unreadable(&error)),
        }
    }

    /// Takes no time that depends on what is there.
    pub(super) fn freeze(&self) -> FrozenDisk {
        let before = self.writes.get();
        let files = self.tree.get_version_history_lock().latest_version();
        let entries = move |run: Run| -> FrozenEntries {
            let entries = Tree::create_internal_range(files.clone(), &run, before, None);
            Box::new(entries.map(|entry| entry.map(|entry| (entry.key.user_key, entry.value))))
        };
        FrozenDisk { entries: Arc::new(entries), scratch: Arc::clone(&self.scratch) }
    }

    pub(super) fn memory(&self) -> Memory {
        let buffers = self.tree.get_version_history_lock().memtable_size_sum();
        Memory {
            entries: self.tree.approximate_len(),
            live_bytes: 0,
            dead_bytes: 0,
            reserved_bytes: (buffers + self.cache.size()) as usize,
            index_bytes: self.tree.pinned_filter_size() + self.tree.pinned_block_index_size(),
        }
    }

    fn unreadable(&self, error: &lsm_tree::Error) -> BackendError {
        disk_error("read state", self.scratch.directory(), &said(error))
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk").field("scratch", &self.scratch).finish_non_exhaustive()
    }
}

/// A run of the tree's keys.
type Run = std::ops::Range<[u8; PREFIX_BYTES]>;
type FrozenEntries = Box<dyn Iterator<Item = lsm_tree::Result<KvPair>>>;

/// The entries of a moment: the files that were there then, which nobody changes, and the buffers.
#[derive(Clone)]
pub(super) struct FrozenDisk {
    entries: Arc<dyn Fn(Run) -> FrozenEntries + Send + Sync>,
    // Last, so that nothing uses it any more when it is emptied.
    scratch: Arc<Scratch>,
}

impl FrozenDisk {
    /// In the order of keys.
    pub(super) fn entries(
        &self,
        slot: usize,
        state: usize,
    ) -> impl Iterator<Item = Result<(StoredBytes<'static>, StoredBytes<'static>), BackendError>> {
        let read = (self.entries)(run(slot, state));
        read.map(|entry| match entry {
            Ok((key, value)) => Ok(stored_entry(key, value)),
            Err(error) => Err(disk_error("read frozen state", self.scratch.directory(), &said(&error))),
        })
    }

    /// Moves bytes out of memory, and maps them where they are then.
    pub(super) fn keep(&self, bytes: &[u8]) -> Result<Bytes, BackendError> {
        let failed = |error: io::Error| disk_error("keep a snapshot", self.scratch.directory(), &error);
        self.scratch.keep(bytes).map_err(failed)
    }
}

impl fmt::Debug for FrozenDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrozenDisk").field("scratch", &self.scratch).finish_non_exhaustive()
    }
}

fn stored_entry<'a>(key: Slice, value: Slice) -> StoredEntry<'a> {
    (StoredBytes::on_disk(key, PREFIX_BYTES), StoredBytes::on_disk(value, 0))
}

/// Big endian, so that key groups and states are runs. There are at most 32,768 and 65,535 of them.
fn prefix(slot: usize, state: usize) -> u32 {
    (slot as u32) << 16 | state as u32
}

fn run(slot: usize, state: usize) -> Run {
    let prefix = prefix(slot, state);
    prefix.to_be_bytes()..(prefix + 1).to_be_bytes()
}

fn stored_key(slot: usize, state: usize, key: &[u8]) -> Encoded {
    let mut stored = Encoded::from_slice(&prefix(slot, state).to_be_bytes());
    stored.extend_from_slice(key);
    stored
}

/// Whether the tree can hold an entry.
const fn check_lengths(key_bytes: usize, value_bytes: usize) -> Result<(), BackendError> {
    if key_bytes > KEY_BYTES_MAX {
        return Err(BackendError::LongKey { bytes: key_bytes, max: KEY_BYTES_MAX });
    }
    if value_bytes > VALUE_BYTES_MAX {
        return Err(BackendError::LongValue { bytes: value_bytes, max: VALUE_BYTES_MAX });
    }
    Ok(())
}

/// What the store says, in the system's words where they are the system's.
fn said(error: &lsm_tree::Error) -> String {
    match error {
        lsm_tree::Error::Io(error) => error.to_string(),
        damaged => format!("what was written is damaged: {damaged}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value of nearly 4 GiB was accepted, and its block, longer than four bytes can say, was written with another length:
    /// the value was lost with what was merged with it.
    #[test]
    fn entries_longer_than_the_tree_can_hold_are_refused() {
        assert_eq!(check_lengths(KEY_BYTES_MAX, VALUE_BYTES_MAX), Ok(()));
        for bytes in [VALUE_BYTES_MAX + 1, u32::MAX as usize, usize::MAX] {
            assert_eq!(check_lengths(3, bytes), Err(BackendError::LongValue { bytes, max: 1 << 30 }));
        }
        let bytes = KEY_BYTES_MAX + 1;
        assert_eq!(check_lengths(bytes, 3), Err(BackendError::LongKey { bytes, max: 65_531 }));
    }
}
