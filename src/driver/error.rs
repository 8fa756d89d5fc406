//! What went wrong while outputs were executed; for people. The machines hear outcomes.

use std::time::Duration;

use crate::{
    ErrorKind,
    backend::BackendError,
    checkpoint::{ObjectName, TaskId},
    snapshot::{SnapshotError, Wanted},
    store::StoreError,
};

/// Why something could not be executed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriverError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store did not answer in time. A write may still land.
    #[error("the store did not {operation} within {} ms", limit.as_millis())]
    TimedOut {
        /// What was asked of it.
        operation: &'static str,
        /// How long it had.
        limit: Duration,
    },
    /// A snapshot that cannot be trusted, or not be written.
    #[error("{object}: {source}")]
    Snapshot {
        /// The object.
        object: ObjectName,
        /// What is wrong with it.
        source: SnapshotError,
    },
    /// What a task is to start from cannot be read, or is not what was written. Names everything that
    /// is lost with it if nobody repairs the object.
    #[error("task {task} cannot restore {wanted} from {object}: {source}")]
    Restore {
        /// The task.
        task: TaskId,
        /// The snapshot that it reads.
        object: ObjectName,
        /// What it wants of that.
        wanted: Wanted,
        /// Why it does not get it.
        source: Box<DriverError>,
    },
    /// Key groups that do not fit the task they were read for.
    #[error("task {task} cannot restore: {source}")]
    Backend {
        /// The task.
        task: TaskId,
        /// What the backend refused, and for which key group.
        source: BackendError,
    },
    /// [`Runtime::compute`](super::Runtime::compute) has not run what it was given.
    #[error("the runtime has dropped a computation")]
    ComputeDropped,
}

impl DriverError {
    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::TimedOut { .. } | Self::ComputeDropped => ErrorKind::Retry,
            Self::Snapshot { source, .. } => source.kind(),
            Self::Restore { source, .. } => source.kind(),
            Self::Backend { source, .. } => source.kind(),
        }
    }
}
