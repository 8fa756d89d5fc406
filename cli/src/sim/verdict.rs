//! What was found, for programs and for the exit code.

use keygroups_sim::run::{Run, Violation};
use serde::Serialize;

use crate::Verdict;

/// A violation in JSON.
#[derive(Serialize)]
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
                Self { rule: "no_panic".to_owned(), detail: format!("at {location}: {message}") }
            }
        }
    }
}

pub(crate) fn judged<T>(run: &Run<T>) -> Verdict {
    if run.outcome.is_ok() { Verdict::Holds } else { Verdict::Violated }
}
