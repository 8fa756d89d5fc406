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
        match violation {
            Violation::Broken { rule, detail } => Self { rule: rule.clone(), detail: detail.clone() },
            Violation::Panicked { location, message } => {
                Self { rule: NO_PANIC.to_owned(), detail: format!("at {location}: {message}") }
            }
        }
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
