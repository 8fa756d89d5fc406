//! What a caller can do about an error.

use std::fmt;

/// What a caller can do about an error. Every error type of this crate has a `kind()`; its message
/// says what happened and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The same call may succeed later: the store is slow, away or full.
    Retry,
    /// Somebody newer has taken over. Repeating the call is useless; step down.
    Fenced,
    /// Durable data is damaged or missing. Nobody can continue without a decision of a person:
    /// continuing from something older would lose what was committed.
    Corrupt,
    /// The call, its arguments or the configuration is wrong and stays wrong until changed.
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
