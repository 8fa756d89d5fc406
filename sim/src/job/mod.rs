//! Jobs that the simulation can run: where records come from, what is kept of them, what it must come to.
//!
//! ```text
//! partitions of a Source ─▶ key by ─▶ an Operator per key group ─▶ output, exactly once
//! ```
//!
//! A [`Job`] says what is simulated; everything around it is the cluster's: tasks, channels, barriers,
//! checkpoints, rescales. [`Simulation`](crate::simulation::Simulation) runs one. The cluster's own job,
//! flights per aircraft, is one of them.

mod committed;
mod fold;
mod invariant;
mod operator;
mod oracle;
mod rerun;
mod source;
mod with;

pub use committed::Committed;
pub use fold::Fold;
pub(crate) use invariant::AtEnd;
pub(crate) use invariant::OnCommit;
pub use invariant::{Invariant, Judgement};
pub use operator::{Context, Operator};
pub(crate) use oracle::entries_of;
pub use oracle::{Entry, Oracle, certificate_of};
pub use rerun::Rerun;
pub use source::{Records, Source};
pub use with::{With, with};

use keygroups::backend::{BackendError, StateBackend};
use keygroups::key_group::MaxParallelism;
use serde::{Deserialize, Serialize};

/// Where a record was read. A partition and an offset name the same record in every attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The partition of the source, from 0.
    pub partition: u16,
    /// The record's number in it, from 0.
    pub offset: u64,
}

/// What an oracle of the job `J` is: everything it must come to.
pub type OracleOf<J> = Box<dyn Oracle<Record = RecordOf<J>, Output = OutputOf<J>>>;
/// The records of the job `J`.
pub type RecordOf<J> = <<J as Job>::Operator as Operator>::Record;
/// What the job `J` puts out.
pub type OutputOf<J> = <<J as Job>::Operator as Operator>::Output;

/// A job: a source, a keyed operator, and what both must come to.
///
/// One value of it serves many runs on several threads, so it holds configuration and input, and nothing
/// that changes.
pub trait Job: Send + Sync + 'static {
    /// Where records come from.
    type Source: Source;
    /// What is done with them.
    type Operator: Operator<Record = <Self::Source as Source>::Record>;

    /// The name of the operator's vertex in manifests.
    fn name(&self) -> &str {
        "operator"
    }

    /// Where records come from.
    fn source(&self) -> &Self::Source;

    /// An operator for a task that begins or was restored: registers its states in `backend`, which holds
    /// whatever was restored, and keeps the handles. Everything else in it begins anew.
    ///
    /// # Errors
    ///
    /// Those of registering.
    fn operator(&self, backend: &mut StateBackend) -> Result<Self::Operator, BackendError>;

    /// What state and output must be after given records. By default what [the operator itself](Rerun) makes
    /// of them alone, without failures and in one task; [`Fold`] says it in other words.
    fn oracle(&self, max_parallelism: MaxParallelism) -> OracleOf<Self>
    where
        Self: Sized,
    {
        Box::new(Rerun::new(self, max_parallelism))
    }
}
