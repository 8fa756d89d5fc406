//! A local directory whose answers a power failure does not take back.
//!
//! What a write has reported as done is on disk: its bytes, its name, and the names of all
//! directories above it. object_store's `LocalFileSystem`, built `with_fsync(true)`, syncs the
//! bytes before the name can be seen, and the name before it answers. That leaves three ways to
//! believe what is not on disk yet, and each is closed here:
//!
//! - **A name that is there already** may have been made by a write that was given up, or killed,
//!   between making it and syncing it. `AlreadyExists` is answered after the directory is synced,
//!   because the callers take it for "written" if the bytes are theirs.
//! - **A directory that is there already** may have been made by a process that died before its
//!   entry was synced. Every directory above an object is synced once by each process that writes
//!   there, whoever made it.
//! - **A manifest that is read** decides what is done next: objects are deleted, output is taken
//!   for committed. It is synced before it is given, so that history cannot go back on a reader.
//!
//! What is deleted may come back with a power failure. That is harmless: what was garbage is
//! garbage for ever, and the newest manifest is the truth whatever lies beside it.
//!
//! Only Unix can sync a directory; elsewhere the file system must keep names by itself, as NTFS
//! does with its journal.

use std::{
    collections::BTreeSet,
    fmt, io,
    path::{Path as FilePath, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, local::LocalFileSystem, path::Path,
};

use super::{CheckpointStore, StoreError, error::local_error, paths::MANIFEST};

/// Whether writes to a local directory are synced to disk before they are reported as done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// A committed checkpoint survives a power failure. The default.
    #[default]
    Synced,
    /// It survives the death of the process, not that of the machine: for tests, and for state that
    /// can be made again.
    Unsynced,
}

impl CheckpointStore {
    /// The checkpoint store in `directory`, which is created if it is absent. Blocks for a few
    /// system calls.
    ///
    /// Writes are staged in a file and become visible by a hard link, so the file system must have
    /// hard links, and no crash leaves a half-written object visible; it can leave a staging file
    /// `<name>#<n>`, which nothing ever reads.
    ///
    /// # Errors
    ///
    /// [`StoreError::Directory`].
    pub fn local(directory: impl Into<PathBuf>, sync: Durability) -> Result<Self, StoreError> {
        let directory = directory.into();
        let at_fault = |source| StoreError::Directory { directory: directory.clone(), source };
        create_directory(&directory, sync).map_err(at_fault)?;
        let files = LocalFileSystem::new_with_prefix(&directory)
            .map_err(|error| at_fault(error.into()))?
            .with_fsync(sync == Durability::Synced);
        let store: Arc<dyn ObjectStore> = match sync {
            Durability::Synced => {
                Arc::new(Durable::new(files, std::path::absolute(&directory).map_err(at_fault)?))
            }
            Durability::Unsynced => Arc::new(files),
        };
        Ok(Self::new(store, Path::default()))
    }
}

/// Creates `directory` and what it lies in, each durably: a synced object in a directory whose own
/// entry a power failure takes back would be lost with it.
fn create_directory(directory: &FilePath, sync: Durability) -> io::Result<()> {
    let is_named = |parent: &&FilePath| !parent.as_os_str().is_empty();
    match std::fs::create_dir(directory) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // A file of that name, too, "already exists".
            return std::fs::read_dir(directory).map(drop);
        }
        Err(error) => match (error.kind(), directory.parent().filter(is_named)) {
            (io::ErrorKind::NotFound, Some(parent)) => {
                create_directory(parent, sync)?;
                std::fs::create_dir(directory)?;
            }
            _ => return Err(error),
        },
    }
    match sync {
        Durability::Synced => {
            sync_directory(directory.parent().filter(is_named).unwrap_or(FilePath::new(".")))
        }
        Durability::Unsynced => Ok(()),
    }
}

fn sync_directory(directory: &FilePath) -> io::Result<()> {
    #[cfg(unix)]
    std::fs::File::open(directory)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = directory;
    Ok(())
}

/// Why nothing can be written in a directory, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{problem} {}: {advice}; {ON}: {source}", directory.display())]
struct Unwritable {
    problem: &'static str,
    directory: PathBuf,
    advice: &'static str,
    source: Error,
}

const ON: &str = "what is committed stays usable, and the job goes on by itself when it can write again";

/// `error` of a write in `directory`, with what somebody can do who knows nothing of this library.
fn explained(error: Error, directory: &FilePath) -> Error {
    let (problem, advice) = match local_error(&error) {
        Some(io::ErrorKind::StorageFull) => ("no space is left in", "free some or enlarge it"),
        Some(io::ErrorKind::QuotaExceeded) => {
            ("the quota is used up in", "free some space or raise the quota")
        }
        Some(io::ErrorKind::ReadOnlyFilesystem) => {
            ("there is a read-only file system under", "mount it for writing")
        }
        Some(io::ErrorKind::PermissionDenied) => {
            ("this user may not write in", "change owner or permissions of it and of all that lies in it")
        }
        Some(io::ErrorKind::FileTooLarge) => {
            ("a file is too large for", "raise the limit of the process (`ulimit -f`) or of the file system")
        }
        _ => return error,
    };
    let directory = directory.to_owned();
    // Named like the store below, so that errors of the system are recognised as such.
    Error::Generic {
        store: "LocalFileSystem",
        source: Box::new(Unwritable { problem, directory, advice, source: error }),
    }
}

/// `LocalFileSystem` with the three gaps closed.
#[derive(Debug)]
struct Durable {
    files: LocalFileSystem,
    directories: Arc<Directories>,
}

/// The directories of a store, and those whose names this process has synced.
#[derive(Debug)]
struct Directories {
    root: PathBuf,
    synced: Mutex<BTreeSet<PathBuf>>,
}

impl Directories {
    /// The directory of `object`, and those above it below the root, innermost first.
    fn above<'a>(&'a self, object: &'a FilePath) -> impl Iterator<Item = &'a FilePath> {
        object.ancestors().skip(1).take_while(|directory| *directory != self.root)
    }

    fn are_synced(&self, object: &FilePath) -> bool {
        let synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        self.above(object).all(|directory| synced.contains(directory))
    }

    /// Syncs the names of all directories above `object` that this process has not synced yet.
    fn sync_above(&self, object: &FilePath) -> io::Result<()> {
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
    fn sync_all(&self, object: &FilePath) -> io::Result<()> {
        sync_directory(object.parent().unwrap_or(&self.root))?;
        self.sync_above(object)
    }
}

impl Durable {
    fn new(files: LocalFileSystem, root: PathBuf) -> Self {
        Self { files, directories: Arc::new(Directories { root, synced: Mutex::default() }) }
    }

    /// Where `location` lies, with the root spelled as in [`Directories`].
    fn file(&self, location: &Path) -> PathBuf {
        location.parts().fold(self.directories.root.clone(), |file, part| file.join(part.as_ref()))
    }

    /// Runs `sync` for `location` where blocking holds up nobody, if the runtime has such a place.
    async fn blocking(
        &self,
        location: &Path,
        sync: impl FnOnce(&Directories, &FilePath) -> io::Result<()> + Send + 'static,
    ) -> Result<()> {
        let (file, directories) = (self.file(location), Arc::clone(&self.directories));
        let sync = move || sync(&directories, &file);
        let synced = match tokio::runtime::Handle::try_current() {
            Ok(runtime) => runtime.spawn_blocking(sync).await?,
            Err(_) => sync(),
        };
        // Named like the store below, so that errors of the system are recognised as such.
        synced.map_err(|source| Error::Generic { store: "LocalFileSystem", source: source.into() })
    }
}

#[async_trait]
impl ObjectStore for Durable {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let answer = self.files.put_opts(location, payload, options).await;
        match &answer {
            Ok(_) if self.directories.are_synced(&self.file(location)) => {}
            Ok(_) => self.blocking(location, Directories::sync_above).await?,
            Err(Error::AlreadyExists { .. }) => self.blocking(location, Directories::sync_all).await?,
            Err(_) => {}
        }
        answer.map_err(|error| explained(error, &self.directories.root))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let answer = self.files.get_opts(location, options).await?;
        if location.parts().next().is_some_and(|directory| directory.as_ref() == MANIFEST) {
            self.blocking(location, Directories::sync_all).await?;
        }
        Ok(answer)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.files.put_multipart_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.files.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.files.copy_opts(from, to, options).await
    }
}

impl fmt::Display for Durable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.files.fmt(f)
    }
}
