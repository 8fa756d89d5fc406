//! What a caller can do about an error.

use std::fmt;

/// What a caller can do about an error. Every error of this crate has a `kind()`; its message says
/// what happened and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorKind {
    /// The same call may succeed later: a timeout, a store that is busy.
    Retry,
    /// A newer attempt or leader has taken over: stop, and write nothing more.
    Fenced,
    /// Bytes are not what was written: read another copy or an older checkpoint. Repeating the
    /// call does not help.
    Corrupt,
    /// The call cannot work with these arguments, this configuration or this version.
    Invalid,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Retry => "retry",
            Self::Fenced => "fenced",
            Self::Corrupt => "corrupt",
            Self::Invalid => "invalid",
        })
    }
}
