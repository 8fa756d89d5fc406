//! What was found, for programs and for the exit code.

use std::fmt;

use keygroups_sim::run::{Run, Violation};
use serde::{Deserialize, Serialize};

use crate::Verdict;

/// The rule of a violation that is a panic.
const NO_PANIC: &str = "no_panic";

/// A violation in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ViolationDocument {
    /// The invariant or oracle that said no, or `no_panic`.
    rule: String,
    /// What it saw.
    detail: String,
}

impl From<&Violation> for ViolationDocument {
    fn from(violation: &Violation) -> Self {
        let detail = match violation {
            Violation::Broken { detail, .. } => detail.clone(),
            Violation::Panicked { location, message } => format!("at {location}: {message}"),
        };
        Self { rule: violation.rule().to_owned(), detail }
    }
}

impl fmt::Display for ViolationDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.rule {
            NO_PANIC => write!(f, "panic {}", self.detail),
            rule => write!(f, "{rule}: {}", self.detail),
        }
    }
}

pub(crate) fn judged<T>(run: &Run<T>) -> Verdict {
    if run.outcome.is_ok() { Verdict::Holds } else { Verdict::Violated }
}
