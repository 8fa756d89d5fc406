//! Why a backend refuses.

use crate::{
    codec::{CodecError, CodecTag},
    error::ErrorKind,
    key_group::{KeyGroup, KeyGroupRange, MaxParallelism},
    snapshot::StateKind,
};

/// Why a backend refuses an access or a restore. The backend is then unchanged.
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
        /// What it is.
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
    /// That of the codec for [`BackendError::Codec`], else [`ErrorKind::Invalid`].
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Codec(error) => error.kind(),
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
