//! A directory that belongs to one backend.
//!
//! Whoever empties a directory must be sure that it is his. A file in it says so and is locked while
//! a backend is there; a directory that holds anything without that file is refused.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;

use crate::{backend::BackendError, raw::memory};

/// The file that says whose the directory is.
const MARKER: &str = "keygroups-scratch";
const MARKER_TEXT: &str = "Scratch space of a keygroups state backend. While no process uses it, everything here \
                           can be deleted: checkpoints are elsewhere.\n";
/// What is emptied.
const STATE: &str = "state";
const KEPT: &str = "kept";

/// A directory while a backend, or what was frozen of it, is there.
#[derive(Debug)]
pub(super) struct Scratch {
    directory: PathBuf,
    // How many files were written there to be kept.
    kept: AtomicU64,
    // Locked as long as it is open.
    _marker: File,
}

impl Scratch {
    /// Takes `directory` and empties it.
    pub(super) fn take(directory: &Path) -> Result<Self, BackendError> {
        let failed = |error: io::Error| disk_error("make a scratch directory", directory, &error);
        fs::create_dir_all(directory).map_err(failed)?;
        let mut found = Vec::new();
        for entry in fs::read_dir(directory).map_err(failed)? {
            found.push(entry.map_err(failed)?.file_name());
        }
        let is_ours = found.is_empty() || found.iter().any(|name| name == MARKER);
        let foreign =
            found.iter().find(|name| !is_ours || ![MARKER, STATE, KEPT].iter().any(|ours| **name == **ours));
        if let Some(foreign) = foreign {
            let found = foreign.to_string_lossy().into_owned();
            return Err(BackendError::ForeignDirectory { directory: directory.to_owned(), found });
        }
        let marker = File::options().append(true).create(true).open(directory.join(MARKER));
        let mut marker = marker.map_err(failed)?;
        match marker.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(BackendError::DirectoryInUse { directory: directory.to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        if marker.metadata().map_err(failed)?.len() == 0 {
            marker.write_all(MARKER_TEXT.as_bytes()).map_err(failed)?;
        }
        let scratch = Self { directory: directory.to_owned(), kept: AtomicU64::new(0), _marker: marker };
        scratch.empty().map_err(failed)?;
        Ok(scratch)
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where the state lies.
    pub(super) fn state(&self) -> PathBuf {
        self.directory.join(STATE)
    }

    /// Writes `bytes` to a file of their own and gives them as they lie there; see [`memory::of_nameless_file`]. Where an
    /// open file cannot be deleted, it is when the directory is emptied.
    pub(super) fn keep(&self, bytes: &[u8]) -> io::Result<Bytes> {
        let directory = self.directory.join(KEPT);
        fs::create_dir_all(&directory)?;
        let path = directory.join(self.kept.fetch_add(1, Ordering::Relaxed).to_string());
        memory::of_nameless_file(&path, bytes)
    }

    fn empty(&self) -> io::Result<()> {
        for directory in [self.state(), self.directory.join(KEPT)] {
            match fs::remove_dir_all(directory) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Whoever takes the directory next empties it, so nothing is lost where this fails.
        drop(self.empty());
    }
}

/// What the system says of the scratch space in `directory`.
pub(super) fn disk_error(
    operation: &'static str,
    directory: &Path,
    reason: &dyn std::fmt::Display,
) -> BackendError {
    BackendError::Disk { operation, directory: directory.to_owned(), reason: reason.to_string() }
}
