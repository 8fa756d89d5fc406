//! Why a backend refuses.

#[cfg(feature = "disk")]
use std::path::PathBuf;

use crate::{
    codec::{CodecError, CodecTag},
    error::ErrorKind,
    key_group::{KeyGroup, KeyGroupRange, MaxParallelism},
    snapshot::StateKind,
    table::PutError,
};

/// Why a backend refuses an access or a restore. The backend is then unchanged, unless it says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// A key group of another subtask.
    #[error("key group {key_group} is not owned: this backend has key groups {key_groups}")]
    NotOwned {
        /// The key group.
        key_group: KeyGroup,
        /// What is owned.
        key_groups: KeyGroupRange,
    },
    /// A range that a job of this max parallelism does not have.
    #[error("key groups {key_groups} are out of bounds: max parallelism {max_parallelism} has key groups {}", max_parallelism.all())]
    OutOfBounds {
        /// The range.
        key_groups: KeyGroupRange,
        /// The bound.
        max_parallelism: MaxParallelism,
    },
    /// A handle that another backend gave out.
    #[error("state '{name}' was registered with another backend")]
    ForeignState {
        /// Its name.
        name: String,
    },
    /// A name that stands for another kind of state.
    #[error("state '{name}' is a {known:?} state, not a {wanted:?} state")]
    KindMismatch {
        /// The name.
        name: String,
        /// The kind of the state that has the name.
        known: StateKind,
        /// What it was taken for.
        wanted: StateKind,
    },
    /// A name that was registered with other types.
    #[error("state '{name}' was registered as {registered}, not as {wanted}")]
    TypeMismatch {
        /// The name.
        name: String,
        /// Types of key and value it was registered with.
        registered: String,
        /// Types of key and value it was taken for.
        wanted: String,
    },
    /// A name that is too long.
    #[error("the name of a state has {bytes} bytes: at most 65535 are possible")]
    Name {
        /// How long it is.
        bytes: usize,
    },
    /// More states than a snapshot can name.
    #[error("state '{name}' is one too many: a task has at most 65535")]
    TooManyStates {
        /// The first that is too many.
        name: String,
    },
    /// A key or value that is too long.
    #[error("a {what} has {bytes} bytes: it must be shorter than 4 GiB")]
    TooLarge {
        /// Key or value.
        what: &'static str,
        /// How long it is.
        bytes: usize,
    },
    /// More state in one key group than can be addressed: some 32 GiB for each state.
    #[error(
        "key group {key_group} is full: raise the max parallelism, which is possible only for a new job, or use a backend on disk"
    )]
    Full {
        /// The key group.
        key_group: KeyGroup,
    },
    /// A key that is too long for a backend on disk.
    #[cfg(feature = "disk")]
    #[error("a key has {bytes} bytes: a backend on disk takes keys of at most {max}")]
    LongKey {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        max: usize,
    },
    /// A value that is too long for a backend on disk.
    #[cfg(feature = "disk")]
    #[error("a value has {bytes} bytes: a backend on disk takes values of at most {max}")]
    LongValue {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        max: usize,
    },
    /// The scratch space of a backend on disk cannot be written or read.
    #[cfg(feature = "disk")]
    #[error(
        "cannot {operation} in {}: {reason}; what was checkpointed is safe: make room, or give another \
         directory, and restore the newest checkpoint",
        directory.display()
    )]
    Disk {
        /// What was tried.
        operation: &'static str,
        /// The scratch directory.
        directory: PathBuf,
        /// What the system or the store says.
        reason: String,
    },
    /// A directory that is no scratch space: it would have been emptied.
    #[cfg(feature = "disk")]
    #[error(
        "{} holds {found}, which is nothing that a backend on disk has left: give it a directory of its own",
        directory.display()
    )]
    ForeignDirectory {
        /// The directory.
        directory: PathBuf,
        /// The name of what is there.
        found: String,
    },
    /// A scratch directory that another backend uses, of this process or another.
    #[cfg(feature = "disk")]
    #[error("{} is the scratch space of another backend: give each one a directory of its own", directory.display())]
    DirectoryInUse {
        /// The directory.
        directory: PathBuf,
    },
    /// A key or value that is not what its type says.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// State of another codec.
    #[error("state was written with codec {found}, and this build has codec {expected}")]
    CodecMismatch {
        /// The codec of this build.
        expected: CodecTag,
        /// The codec of the state.
        found: CodecTag,
    },
    /// State of another max parallelism: its keys are in other key groups.
    #[error(
        "state was written at max parallelism {found}, and this job has {expected}: max parallelism \
         never changes"
    )]
    MaxParallelismMismatch {
        /// That of this backend.
        expected: MaxParallelism,
        /// That of the state.
        found: MaxParallelism,
    },
    /// A key group that was restored or written to before.
    #[error("key group {key_group} cannot be restored: it was restored before, or has entries")]
    NotFresh {
        /// The key group.
        key_group: KeyGroup,
    },
    /// An owned key group that no handle has brought.
    #[error("key group {key_group} was not restored")]
    NotRestored {
        /// The first that is missing.
        key_group: KeyGroup,
    },
}

impl BackendError {
    /// That of a table of `key_group`.
    pub(super) const fn refused(refusal: PutError, key_group: KeyGroup) -> Self {
        match refusal {
            PutError::TooLarge { what, bytes } => Self::TooLarge { what, bytes },
            PutError::Full => Self::Full { key_group },
        }
    }

    /// That of the codec for [`BackendError::Codec`]; [`ErrorKind::Retry`] where the disk failed or another
    /// backend still has the directory; else [`ErrorKind::Invalid`].
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Codec(error) => error.kind(),
            #[cfg(feature = "disk")]
            Self::Disk { .. } | Self::DirectoryInUse { .. } => ErrorKind::Retry,
            #[cfg(feature = "disk")]
            Self::LongKey { .. } | Self::LongValue { .. } | Self::ForeignDirectory { .. } => {
                ErrorKind::Invalid
            }
            Self::NotOwned { .. }
            | Self::OutOfBounds { .. }
            | Self::ForeignState { .. }
            | Self::KindMismatch { .. }
            | Self::TypeMismatch { .. }
            | Self::Name { .. }
            | Self::TooManyStates { .. }
            | Self::TooLarge { .. }
            | Self::Full { .. }
            | Self::CodecMismatch { .. }
            | Self::MaxParallelismMismatch { .. }
            | Self::NotFresh { .. }
            | Self::NotRestored { .. } => ErrorKind::Invalid,
        }
    }
}
