//! Traces that cannot be checked, or not to their end.

use std::{fmt, io};

use super::FORMAT;

/// Why a trace cannot be checked, or not to its end.
#[derive(Debug)]
#[non_exhaustive]
pub enum TraceError {
    /// It cannot be read.
    Read(io::Error),
    /// Its first line does not open a trace.
    NoTrace,
    /// Another format than [`FORMAT`].
    Format {
        /// Which.
        found: u32,
    },
    /// A line that is none of a trace.
    Json {
        /// From 1.
        line: u64,
        /// From 1.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// A line of a kind that this format does not have.
    Kind {
        /// From 1.
        line: u64,
        /// The kind.
        kind: String,
    },
    /// It ends in the middle of a line; everything before is fine.
    Cut {
        /// The line that is not whole, from 1.
        line: u64,
    },
    /// It ends without a closing line; everything before is fine.
    Unclosed {
        /// How many lines there are.
        lines: u64,
    },
    /// Its closing line speaks of another number of lines; everything before is fine.
    Count {
        /// How many lines there are before the closing one.
        found: u64,
        /// How many were written.
        written: u64,
    },
    /// Something follows the closing line; everything before is fine.
    Continued {
        /// The first line after it, from 1.
        line: u64,
    },
}

impl TraceError {
    pub(super) fn json(line: u64, begin: usize, error: &serde_json::Error) -> Self {
        let message = error.to_string();
        // serde_json appends its own position, which knows nothing of the line.
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
        Self::Json { line, column: begin + error.column(), message: message.to_owned() }
    }

    /// The lines that were checked and are fine, where that says something.
    pub fn checked(&self) -> Option<u64> {
        match self {
            Self::Read(_) | Self::NoTrace | Self::Format { .. } => None,
            Self::Json { line, .. } | Self::Kind { line, .. } | Self::Cut { line } => Some(line - 1),
            Self::Continued { line } => Some(line - 1),
            Self::Unclosed { lines } => Some(*lines),
            Self::Count { found, .. } => Some(*found),
        }
    }
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "cannot be read: {error}"),
            Self::NoTrace => write!(f, "is no trace: its first line does not open one"),
            Self::Format { found } => {
                write!(f, "is a trace of format {found}, and this build reads format {FORMAT}")
            }
            Self::Json { line, column, message } => write!(f, "line {line}, column {column}: {message}"),
            Self::Kind { line, kind } => write!(f, "line {line}: a trace has no lines of kind {kind:?}"),
            Self::Cut { line } => write!(f, "ends in the middle of line {line}"),
            Self::Unclosed { lines } => {
                write!(f, "ends after line {lines} without a closing line, so the run is not complete")
            }
            Self::Count { found, written } => {
                write!(f, "{written} lines were written before the closing one, and {found} are here")
            }
            Self::Continued { line } => write!(f, "goes on in line {line}, after the closing line"),
        }?;
        match self.checked() {
            Some(lines) => write!(f, "; what was checked, up to line {lines}, conforms"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for TraceError {}
