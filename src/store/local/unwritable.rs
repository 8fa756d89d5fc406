//! Errors of the system, for people who know nothing of this library.

use std::{
    io,
    path::{Path as FilePath, PathBuf},
};

use object_store::Error;

use crate::store::{StoreError, error::local_error};

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
pub(super) fn explained(error: Error, directory: &FilePath) -> Error {
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

/// `error` of opening `directory`, with what somebody can do who knows nothing of this library.
pub(super) fn unusable(directory: PathBuf, error: io::Error) -> StoreError {
    let advice = match error.kind() {
        io::ErrorKind::NotADirectory => "a file is in the way: move it, or choose another directory",
        io::ErrorKind::ReadOnlyFilesystem => "mount that for writing, or choose another directory",
        io::ErrorKind::PermissionDenied => "let this user read and write there, or choose another directory",
        _ => return StoreError::Directory { directory, source: error },
    };
    let source = io::Error::new(error.kind(), format!("{error}; {advice}"));
    StoreError::Directory { directory, source }
}
