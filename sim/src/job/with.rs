//! A job of parts.

use super::{Job, Operator, Source};
use keygroups::backend::{BackendError, StateBackend};
use std::fmt;

/// A job of a source and a function that makes operators; see [`with`].
#[derive(Clone)]
pub struct With<S, F> {
    source: S,
    operator: F,
}

/// The job that does with the records of `source` what the operators do that `operator` makes: a function
/// that registers the states and keeps their handles, as [`Job::operator`] does.
///
/// Its oracle is [the operator itself](super::Rerun).
pub fn with<S, P, F>(source: S, operator: F) -> With<S, F>
where
    S: Source,
    P: Operator<Record = S::Record>,
    F: Fn(&mut StateBackend) -> Result<P, BackendError> + Send + Sync + 'static,
{
    With { source, operator }
}

impl<S, P, F> Job for With<S, F>
where
    S: Source,
    P: Operator<Record = S::Record>,
    F: Fn(&mut StateBackend) -> Result<P, BackendError> + Send + Sync + 'static,
{
    type Source = S;
    type Operator = P;

    fn source(&self) -> &S {
        &self.source
    }

    fn operator(&self, backend: &mut StateBackend) -> Result<P, BackendError> {
        (self.operator)(backend)
    }
}

impl<S: fmt::Debug, F> fmt::Debug for With<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("With").field("source", &self.source).finish_non_exhaustive()
    }
}
