//! The checkpoint and rescale protocol as pure state machines.
//!
//! # The contract of a machine
//!
//! `handle(input, &mut Vec<Output>)`: inputs come in, outputs are appended in the order in which
//! the driver must carry them out, nothing else happens. A machine has no clock (it asks for named
//! timers), no randomness (what must be unique is given to it), does no I/O and is never async. It
//! is `Clone + Eq + Hash` with canonical contents, so that a model checker merges equal states.
//! Late, repeated and foreign inputs are ordinary: they change nothing.
//!
//! # Who decides what
//!
//! | decision | taken by |
//! |---|---|
//! | whose step of history it is | [`write::ManifestWrite`] |
//! | who leads, what the leader does next | [`Coordinator`] |
//! | which attempt a process obeys | [`Host`] |
//! | when one subtask restores, runs, snapshots, believes a notice | [`Task`] |
//! | where the cut of a checkpoint goes through the channels | [`Aligner`] |
//! | what may be deleted | [`garbage`] |
//!
//! # The life of a job
//!
//! ```text
//! campaign ── manifest v+1, epoch e+1 ──▶ lead ──▶ deploy ──▶ all ready, conserved ──▶ start ──▶ run
//!                                          ▲                                                     │
//!                 ┌── manifest v+1 ◀── all acknowledged ◀── aligned, uploaded ◀── trigger ◀──────┤
//!                 └── notify, subsume, collect garbage ──────────────────────────────────────────▶┤
//!     new attempt ◀── stop-with-checkpoint committed ◀── rescale wanted ◀────────────────────────┤
//!     new attempt ◀── restart, newest committed checkpoint ◀── task, host or checkpoint failed ◀─┘
//! ```
//!
//! Sources: Flink 2.3.0, `CheckpointCoordinator` and `StateAssignmentOperation`, for the phases; Chandy and
//! Lamport, 1985, and Carbone et al., 2015, for barriers.

// A new input asks every phase for an answer.
#![warn(clippy::wildcard_enum_match_arm)]

mod aligner;
mod coordinator;
mod event;
pub mod garbage;
mod host;
pub mod invariant;
mod message;
mod restore;
mod task;
mod words;
mod words_of_inputs;
pub mod write;

pub use aligner::{Aligner, AlignerInput, AlignerOutput};
pub use coordinator::{Coordinator, CoordinatorPhase, Options, OptionsError};
pub use event::{AbortReason, Event, RefusalReason, RestartReason};
pub use host::Host;
pub use message::{
    Barrier, CoordinatorId, CoordinatorInput, CoordinatorOutput, CoordinatorTimer, CreateOutcome, Deployment,
    FailureCause, HostId, HostInput, HostOutput, Incarnation, Layout, PutOutcome, ReadOutcome, SweepRequest,
    Swept, ToCoordinator, ToHost,
};
pub use restore::{OperatorRead, Restore, RestoreError, StateRead};
pub use task::{Task, TaskPhase};
