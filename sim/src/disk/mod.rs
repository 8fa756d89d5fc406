//! The disk of a machine: it outlives processes, and what lies on it can be lost, torn, stale or rotten.
//!
//! A process sees its disk as an `object_store::ObjectStore` ([`LocalDisk`]), so that the production code for
//! local copies runs on it unchanged. Nothing is synced: the operating system has written what was written a
//! while ago, and what a crash leaves of the rest, [`DiskDamage`] says. A disk belongs to a machine: whoever
//! comes back on another one, or leaves for good, leaves it behind.

mod client;
mod damage;
#[cfg(test)]
mod tests;

pub use client::LocalDisk;
pub use damage::{DiskDamage, DiskDamageKind};

use crate::wire::now_us;
use bytes::Bytes;
use object_store::path::Path;
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How a disk behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DiskManners {
    /// Nothing can be written.
    pub full: bool,
    /// Nothing can be read.
    pub unreadable: bool,
    /// Virtual microseconds that everything takes longer than on a good disk.
    pub slow_us: u64,
}

/// The disk of one machine. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<Path, File>,
    // The newest that were deleted, the oldest first.
    deleted: VecDeque<Deleted>,
    manners: DiskManners,
}

#[derive(Debug)]
struct File {
    bytes: Bytes,
    written_us: u64,
}

#[derive(Debug)]
struct Deleted {
    path: Path,
    bytes: Bytes,
    at_us: u64,
}

/// How many deleted files can come back.
const DELETED_MAX: usize = 32;

impl Disk {
    /// The bytes of every file, by path.
    #[must_use]
    pub fn files(&self) -> BTreeMap<String, Bytes> {
        self.state().files.iter().map(|(path, file)| (path.to_string(), file.bytes.clone())).collect()
    }

    /// How it behaves from now on.
    pub(crate) fn behave(&self, manners: DiskManners) {
        self.state().manners = manners;
    }

    /// An empty disk is in its place: the process runs on another machine now.
    pub(crate) fn replace(&self) {
        let mut state = self.state();
        state.files.clear();
        state.deleted.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn write(&mut self, path: Path, bytes: Bytes) {
        self.files.insert(path, File { bytes, written_us: now_us() });
    }

    fn delete(&mut self, path: &Path) -> bool {
        let Some(File { bytes, .. }) = self.files.remove(path) else { return false };
        if self.deleted.len() == DELETED_MAX {
            self.deleted.pop_front();
        }
        self.deleted.push_back(Deleted { path: path.clone(), bytes, at_us: now_us() });
        true
    }
}
