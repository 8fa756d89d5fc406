//! Directories whose names are on disk.

use std::{
    collections::BTreeSet,
    io,
    path::{Path as FilePath, PathBuf},
    sync::{Mutex, PoisonError},
};

use super::Durability;

/// Creates `directory` and what it lies in, each durably: a synced object in a directory whose own
/// entry a power failure takes back would be lost with it.
pub(super) fn create_directory(directory: &FilePath, durability: Durability) -> io::Result<()> {
    let is_named = |parent: &&FilePath| !parent.as_os_str().is_empty();
    match std::fs::create_dir(directory) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // A file of that name, too, "already exists".
            return std::fs::read_dir(directory).map(drop).map_err(|error| named(directory, error));
        }
        Err(error) => match (error.kind(), directory.parent().filter(is_named)) {
            (io::ErrorKind::NotFound, Some(parent)) => {
                create_directory(parent, durability)?;
                // Somebody else may have made it meanwhile.
                return create_directory(directory, durability);
            }
            _ => return Err(named(directory, error)),
        },
    }
    match durability {
        Durability::Synced => {
            let parent = directory.parent().filter(is_named).unwrap_or(FilePath::new("."));
            sync_directory(parent).map_err(|error| named(parent, error))
        }
        Durability::Unsynced => Ok(()),
    }
}

/// Syncs the names of `directory` and of all directories above it: whoever made them may have been killed before it did,
/// or have had no reason to. Above it may lie what this process may not read, or file systems that do not sync
/// directories: those are others' business.
pub(super) fn sync_names(directory: &FilePath) -> io::Result<()> {
    use io::ErrorKind::{InvalidInput, PermissionDenied, ReadOnlyFilesystem, Unsupported};
    for parent in directory.ancestors().skip(1) {
        match sync_directory(parent) {
            Err(error)
                if matches!(
                    error.kind(),
                    InvalidInput | PermissionDenied | ReadOnlyFilesystem | Unsupported
                ) => {}
            done => done.map_err(|error| named(parent, error))?,
        }
    }
    Ok(())
}

/// The same error with what it is about.
pub(super) fn named(path: &FilePath, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

pub(super) fn sync_directory(directory: &FilePath) -> io::Result<()> {
    #[cfg(unix)]
    std::fs::File::open(directory)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = directory;
    Ok(())
}

/// The directories of a store, and those whose names this process has synced.
#[derive(Debug)]
pub(super) struct Directories {
    pub(super) root: PathBuf,
    synced: Mutex<BTreeSet<PathBuf>>,
    // The manifest that this process has written or synced last: most reads are of that one.
    durable: Mutex<Option<PathBuf>>,
}

impl Directories {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root, synced: Mutex::default(), durable: Mutex::default() }
    }

    /// The directory of `object`, and those above it below the root, innermost first.
    fn above<'a>(&'a self, object: &'a FilePath) -> impl Iterator<Item = &'a FilePath> {
        object.ancestors().skip(1).take_while(|directory| *directory != self.root)
    }

    pub(super) fn are_synced(&self, object: &FilePath) -> bool {
        let synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        self.above(object).all(|directory| synced.contains(directory))
    }

    /// Syncs the names of all directories above `object` that this process has not synced yet.
    pub(super) fn sync_above(&self, object: &FilePath) -> io::Result<()> {
        for directory in self.above(object) {
            let is_synced = |synced: &BTreeSet<PathBuf>| synced.contains(directory);
            if is_synced(&self.synced.lock().unwrap_or_else(PoisonError::into_inner)) {
                continue;
            }
            sync_directory(directory.parent().unwrap_or(&self.root))?;
            self.synced.lock().unwrap_or_else(PoisonError::into_inner).insert(directory.to_owned());
        }
        Ok(())
    }

    /// Syncs the name of `object`, which is there, and those of all directories above it.
    pub(super) fn sync_all(&self, object: &FilePath) -> io::Result<()> {
        sync_directory(object.parent().unwrap_or(&self.root))?;
        self.sync_above(object)
    }

    /// Whether `manifest` is known to be on disk.
    pub(super) fn is_durable(&self, manifest: &FilePath) -> bool {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner).as_deref() == Some(manifest)
    }

    pub(super) fn set_durable(&self, manifest: PathBuf) {
        *self.durable.lock().unwrap_or_else(PoisonError::into_inner) = Some(manifest);
    }
}
