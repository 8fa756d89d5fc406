//! Which key groups of a task a checkpoint need not write again, because what they hold lies durably
//! in objects that it can lean on.
//!
//! Two decisions, both pure, both taken by the production backend and by the model alike:
//!
//! - [`Lineage`] knows where the contents of each key group lie as of each checkpoint, and which were
//!   written to since. It answers for one checkpoint only: the one that a barrier names as
//!   [`confirmed`](crate::protocol::Barrier::confirmed), the newest committed one.
//! - [`IncrementalPolicy`] says on which of the objects that could be leant on a checkpoint does lean.
//!
//! # Why only on what the confirmed checkpoint names
//!
//! Let checkpoint n be triggered when c is the newest committed one. There is one checkpoint at a time,
//! so nothing commits between n's trigger and n's commit, and everything that c names (its snapshots and
//! their bases) is named by the newest manifest until the manifest of n is; and that one names what n
//! leans on. Named objects are never garbage. Every other object may be: that of an aborted checkpoint,
//! that of an older one which was subsumed (FLINK-24611, FLINK-25395).

mod lineage;
mod policy;

pub use lineage::{Lineage, Unchanged};
pub use policy::{BaseUse, IncrementalPolicy, PolicyError};
