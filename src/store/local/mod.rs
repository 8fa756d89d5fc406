//! A local directory whose answers a power failure does not take back.
//!
//! What a write has reported as done is on disk: its bytes, its name, and the names of all
//! directories above it. Objects are created here ([`create`]), read and deleted by object_store's
//! `LocalFileSystem`; the bytes are synced before the name can be seen, and the name before that is
//! answered. That leaves three ways to believe what is not on disk yet, and each is closed here:
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
//! Files that killed processes have left behind are listed and deleted like the objects that they would
//! have become.
//!
//! What is deleted may come back with a power failure. That is harmless: what was garbage is
//! garbage for ever, and the newest manifest is the truth whatever lies beside it.
//!
//! Only Unix can sync a directory; elsewhere the file system must keep names by itself, as NTFS
//! does with its journal.

mod create;
mod directories;
mod mapped;
#[cfg(feature = "driver")]
mod owned;
pub(super) mod read;
mod staged;
mod unwritable;

use std::{
    fmt, io,
    path::{Path as FilePath, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, local::LocalFileSystem, path::Path,
};

pub use self::mapped::MappedFiles;
use self::{
    directories::{Directories, create_directory, sync_names},
    unwritable::{explained, unusable},
};
use super::{CheckpointStore, StoreError, paths::MANIFEST};

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
    /// hard links, and no crash leaves a half-written object visible. What it leaves of a file
    /// `<name>#<n>` nothing ever reads; it is deleted when the object `<name>` would be garbage.
    ///
    /// # Errors
    ///
    /// [`StoreError::Directory`].
    pub fn local(directory: impl Into<PathBuf>, durability: Durability) -> Result<Self, StoreError> {
        let local = Arc::new(Local::new(directory.into(), durability)?);
        // A file has no limit, and only what is put whole is created by our own writer, which syncs it.
        Ok(Self::new(local, Path::default()).without_parts())
    }

    /// The same, with restores that copy nothing: the files of snapshots are mapped into memory, as
    /// [`MappedFiles`] says, with what that asks of them.
    ///
    /// # Errors
    ///
    /// [`StoreError::Directory`].
    pub fn local_mapped(directory: impl Into<PathBuf>, durability: Durability) -> Result<Self, StoreError> {
        Ok(Self::local(directory, durability)?.with_mapped_files())
    }
}

/// `LocalFileSystem` with the gaps closed.
#[derive(Debug)]
struct Local {
    files: LocalFileSystem,
    directories: Arc<Directories>,
    durability: Durability,
}

impl Local {
    /// In `directory`, which is created if it is absent.
    fn new(directory: PathBuf, durability: Durability) -> Result<Self, StoreError> {
        let at_fault = |source| unusable(directory.clone(), source);
        create_directory(&directory, durability).map_err(at_fault)?;
        let root = std::path::absolute(&directory).map_err(at_fault)?;
        if durability == Durability::Synced {
            sync_names(&root).map_err(at_fault)?;
        }
        let files = LocalFileSystem::new_with_prefix(&directory)
            .map_err(|error| at_fault(error.into()))?
            .with_fsync(durability == Durability::Synced);
        Ok(Self { files, directories: Arc::new(Directories::new(root)), durability })
    }

    /// Where `location` lies, with the root spelled as in [`Directories`].
    fn file(&self, location: &Path) -> PathBuf {
        location.parts().fold(self.directories.root.clone(), |file, part| file.join(part.as_ref()))
    }

    async fn create(&self, location: &Path, payload: PutPayload) -> Result<PutResult> {
        let (file, durability) = (self.file(location), self.durability);
        if blocking(move || create::create(&file, &payload, durability)).await? {
            return Ok(PutResult { e_tag: None, version: None, extensions: Default::default() });
        }
        let source = io::Error::from(io::ErrorKind::AlreadyExists).into();
        Err(Error::AlreadyExists { path: location.to_string(), source })
    }

    /// Runs `sync` for `location`, if anything is synced.
    async fn synced(
        &self,
        location: &Path,
        sync: impl FnOnce(&Directories, &FilePath) -> io::Result<()> + Send + 'static,
    ) -> Result<()> {
        if self.durability == Durability::Unsynced {
            return Ok(());
        }
        let (file, directories) = (self.file(location), Arc::clone(&self.directories));
        blocking(move || sync(&directories, &file)).await
    }
}

fn is_manifest(location: &Path) -> bool {
    location.parts().next().is_some_and(|directory| directory.as_ref() == MANIFEST)
}

/// Runs `work` where blocking holds up nobody, if the runtime has such a place.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T> {
    let done = match tokio::runtime::Handle::try_current() {
        Ok(runtime) => runtime.spawn_blocking(work).await?,
        Err(_) => work(),
    };
    // Named like the store below, so that errors of the system are recognised as such.
    done.map_err(|source| Error::Generic { store: "LocalFileSystem", source: source.into() })
}

#[async_trait]
impl ObjectStore for Local {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let answer = match options.mode {
            PutMode::Create => self.create(location, payload).await,
            PutMode::Overwrite | PutMode::Update(_) => self.files.put_opts(location, payload, options).await,
        };
        match &answer {
            Ok(_) => {
                if !self.directories.are_synced(&self.file(location)) {
                    self.synced(location, Directories::sync_above).await?;
                }
                if is_manifest(location) {
                    self.directories.set_durable(self.file(location));
                }
            }
            Err(Error::AlreadyExists { .. }) => self.synced(location, Directories::sync_all).await?,
            Err(_) => {}
        }
        answer.map_err(|error| explained(error, &self.directories.root))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let answer = self.files.get_opts(location, options).await?;
        if is_manifest(location) && !self.directories.is_durable(&self.file(location)) {
            self.synced(location, Directories::sync_all).await?;
            self.directories.set_durable(self.file(location));
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
        let directories = Arc::clone(&self.directories);
        let locations = locations.and_then(move |location| {
            let file = location.parts().fold(directories.root.clone(), |file, part| file.join(part.as_ref()));
            async move { blocking(move || staged::delete(&file)).await.map(|()| location) }
        });
        self.files.delete_stream(locations.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list(prefix)
    }

    /// With what was being written by processes that may be dead, under the names that it would have got.
    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let (prefix, offset) = (prefix.cloned().unwrap_or_default(), offset.clone());
        let whole = self.files.list_with_offset(Some(&prefix), &offset);
        let directory = self.file(&prefix);
        let staged = blocking(move || {
            let mut staged = staged::list(&directory, &prefix)?;
            staged.retain(|meta| meta.location > offset);
            Ok(staged)
        });
        let staged = stream::once(staged).map_ok(|found| stream::iter(found).map(Ok)).try_flatten();
        whole.chain(staged).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.files.copy_opts(from, to, options).await
    }
}

impl fmt::Display for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.files.fmt(f)
    }
}
