//! What can go wrong between this process and the store.

use std::{error::Error, io, ops::Range, path::PathBuf};

use object_store::path::Path;

use crate::{
    ErrorKind,
    checkpoint::{ContentError, FormatError, ManifestVersion},
};

/// What went wrong, and where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store did not answer, or not with yes or no.
    #[error("cannot {operation} {path}: {source}")]
    Unavailable {
        /// What was tried.
        operation: &'static str,
        /// The path of the object in the store, or the prefix that was listed.
        path: String,
        /// What the store said.
        source: object_store::Error,
    },
    /// The store answered no, and nothing has happened.
    #[error("the store refuses to {operation} {path}: {source}")]
    Refused {
        /// What was tried.
        operation: &'static str,
        /// The path of the object in the store, or the prefix that was listed.
        path: String,
        /// What the store said.
        source: object_store::Error,
    },
    /// A named object is not there.
    #[error("{path} is missing: if the newest manifest names it, state was lost")]
    Missing {
        /// Where it should be.
        path: String,
    },
    /// An object ends before the bytes asked for.
    #[error("{path} ends at byte {end}, and bytes {}..{} were asked for: it is truncated", wanted.start, wanted.end)]
    ShortRead {
        /// The object.
        path: String,
        /// The bytes asked for.
        wanted: Range<u64>,
        /// The end of what is there.
        end: u64,
    },
    /// A manifest or output list is damaged.
    #[error("{path}: {source}")]
    Damaged {
        /// The object.
        path: String,
        /// What is wrong with it.
        source: FormatError,
    },
    /// An output object is not the one that its handle describes.
    #[error(
        "{path} holds {found} bytes that are not the {expected} bytes of output that were committed: \
         it is damaged, or another object"
    )]
    DamagedOutput {
        /// The object.
        path: String,
        /// How many bytes were committed.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// What should be written is not a manifest or output list that could be read back.
    #[error("{path} is not written: {source}")]
    Content {
        /// Where it should go.
        path: String,
        /// Which rule it breaks.
        source: ContentError,
    },
    /// A write-once name already holds other bytes.
    #[error("{path} already holds {found} other bytes: {bytes} bytes cannot be written there")]
    Conflict {
        /// The object.
        path: String,
        /// Length of what should be written.
        bytes: u64,
        /// Length of what is there.
        found: u64,
    },
    /// Manifests were pruned faster than they could be read.
    #[error("{path}: every manifest listed was pruned before it could be read, {listings} times")]
    Unsettled {
        /// The directory of manifests.
        path: String,
        /// How often it was listed.
        listings: u32,
    },
    /// Pruning would delete the newest manifest, which is the truth.
    #[error("manifests below {below} cannot be pruned: the newest is {newest:?}")]
    PruneNewest {
        /// The version below which all should go.
        below: ManifestVersion,
        /// The newest version there is.
        newest: Option<ManifestVersion>,
    },
    /// A range whose end is before its start.
    #[error("{path}: bytes {}..{} are no range", range.start, range.end)]
    Range {
        /// The object.
        path: String,
        /// What was asked for.
        range: Range<u64>,
    },
    /// A directory that cannot hold checkpoints or local copies.
    #[error("cannot keep checkpoints or copies in {}: {source}", directory.display())]
    Directory {
        /// The directory.
        directory: PathBuf,
        /// Why, and what to do.
        source: io::Error,
    },
    /// A URL that names no checkpoint store.
    #[error("cannot open the checkpoint store {url}: {reason}")]
    Url {
        /// The URL.
        url: String,
        /// What is wrong with the URL, or with what it names.
        reason: String,
    },
}

impl StoreError {
    /// What the caller can do about it. [`ErrorKind::Fenced`] never comes from here: who leads is
    /// decided by what is read, not by an error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Unavailable { .. } | Self::Unsettled { .. } => ErrorKind::Retry,
            Self::Refused { source, .. } => match local_error(source) {
                // Garbage collection may make room.
                Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => ErrorKind::Retry,
                _ => ErrorKind::Invalid,
            },
            Self::Missing { .. } | Self::ShortRead { .. } | Self::DamagedOutput { .. } => ErrorKind::Corrupt,
            Self::Damaged { source, .. } => source.kind(),
            Self::Content { .. }
            | Self::Conflict { .. }
            | Self::PruneNewest { .. }
            | Self::Range { .. }
            | Self::Directory { .. }
            | Self::Url { .. } => ErrorKind::Invalid,
        }
    }

    pub(super) fn access(operation: &'static str, path: &Path, source: object_store::Error) -> Self {
        let path = path.to_string();
        match Refusal::of(&source) {
            Refusal::None => Self::Unavailable { operation, path, source },
            Refusal::Remote | Refusal::Local => Self::Refused { operation, path, source },
        }
    }

    pub(super) fn short(path: &Path, wanted: Range<u64>, end: u64) -> Self {
        Self::ShortRead { path: path.to_string(), wanted, end }
    }

    pub(super) fn damaged(path: &Path, source: FormatError) -> Self {
        Self::Damaged { path: path.to_string(), source }
    }
}

/// Whether an error proves that the store has said no.
///
/// Conservative: what is not listed may have happened all the same. A request that timed out can
/// be carried out later, and a 5xx answer says nothing about the effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It proves nothing.
    None,
    /// A store behind a network understood the request and turned it down.
    Remote,
    /// The local file system turned down one step of the operation; an earlier step may have had
    /// its effect, but nothing will happen later.
    Local,
}

impl Refusal {
    pub(super) fn of(error: &object_store::Error) -> Self {
        use object_store::Error as E;
        match error {
            // For a write, `NotFound` means that there is no such bucket or container.
            E::PermissionDenied { .. }
            | E::Unauthenticated { .. }
            | E::NotSupported { .. }
            | E::NotImplemented { .. }
            | E::InvalidPath { .. }
            | E::UnknownConfigurationKey { .. }
            | E::NotFound { .. } => Self::Remote,
            _ => match local_error(error) {
                Some(
                    io::ErrorKind::PermissionDenied
                    | io::ErrorKind::NotFound
                    | io::ErrorKind::StorageFull
                    | io::ErrorKind::QuotaExceeded
                    | io::ErrorKind::FileTooLarge
                    | io::ErrorKind::ReadOnlyFilesystem
                    | io::ErrorKind::NotADirectory
                    | io::ErrorKind::IsADirectory
                    | io::ErrorKind::InvalidFilename
                    | io::ErrorKind::Unsupported,
                ) => Self::Local,
                _ => Self::None,
            },
        }
    }
}

/// Whether an error proves that nothing is at a path.
pub(super) fn is_absence(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::NotFound { .. })
        || local_error(error) == Some(io::ErrorKind::NotADirectory)
}

/// The operating system's error behind an error of object_store's local file system. Errors of the
/// other stores can hold one too, but there it is the network's and says nothing about the store.
pub(super) fn local_error(error: &object_store::Error) -> Option<io::ErrorKind> {
    let object_store::Error::Generic { store: "LocalFileSystem", source } = error else { return None };
    let mut cause: Option<&(dyn Error + 'static)> = Some(source.as_ref());
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        cause = error.source();
    }
    None
}
