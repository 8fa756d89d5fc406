//! Key-group state for stream processors that people can trust: who owns which keys, what moves when
//! the parallelism changes, how state is written so that it can move, and a checkpoint and rescale
//! protocol that is exactly-once under failures.
//!
//! Semantics are those of Apache Flink's key groups. The protocol is written as pure state machines
//! ([`protocol`]) that a model checker explores, a deterministic simulation runs under failures, and
//! a small [`driver`] executes in production.
//!
//! # A rescale by hand
//!
//! Two subtasks become three; every key ends up with exactly one owner, and nothing else is read.
//!
//! ```
//! use keygroups::backend::{StateBackend, StateDescriptor};
//! use keygroups::checkpoint::{Attempt, CheckpointId, TaskId, VertexId};
//! use keygroups::key_group::{self, MaxParallelism, Parallelism, assign};
//! use keygroups::rescale::RescalePlan;
//! use keygroups::snapshot::{RestoreReads, SnapshotIdentity, Wanted, index_read};
//!
//! let max_parallelism = MaxParallelism::new(128)?;
//! let (before, after) = (Parallelism::new(2)?, Parallelism::new(3)?);
//! let words = ["to", "be", "or", "not", "to", "be"];
//!
//! // Each of two subtasks counts the words of its key groups, and is snapshotted.
//! let mut snapshots = Vec::new();
//! for subtask in before.subtasks() {
//!     let mut backend = StateBackend::new(max_parallelism, assign::range(max_parallelism, before, subtask)?)?;
//!     let counts = backend.register(StateDescriptor::<String, u64>::value("counts"))?;
//!     for word in words {
//!         let group = key_group::of(word, max_parallelism);
//!         if assign::owner(group, max_parallelism, before) == subtask {
//!             backend.update(&counts, group, &word.to_owned(), |count| Some(count.unwrap_or(0) + 1))?;
//!         }
//!     }
//!     let task = TaskId { vertex: VertexId(0), subtask };
//!     let identity = SnapshotIdentity { attempt: Attempt::default(), task, checkpoint: CheckpointId(1) };
//!     snapshots.push(backend.freeze().encode(identity, &[])?);
//! }
//!
//! // Each of three subtasks reads exactly the key groups it owns now.
//! let plan = RescalePlan::between(max_parallelism, before, after)?;
//! let mut total = 0;
//! for subtask in plan.subtasks() {
//!     let mut backend = StateBackend::new(max_parallelism, subtask.key_groups)?;
//!     for read in &subtask.reads {
//!         let snapshot = &snapshots[read.from.index()];
//!         let (handle, bytes) = (snapshot.handle(), &snapshot.bytes());
//!         let fetch = |range: std::ops::Range<u64>| bytes.slice(range.start as usize..range.end as usize);
//!         let wanted = Wanted { key_groups: vec![read.key_groups], operator_items: vec![] };
//!         let reads = RestoreReads::new(&handle, wanted, &fetch(index_read(&handle)))?;
//!         let fetched = reads.reads().iter().map(|read| fetch(read.range.clone())).collect();
//!         if let Some(sections) = reads.finish(fetched)?.key_groups {
//!             backend.restore_groups(&sections)?;
//!         }
//!     }
//!     total += backend.finish_restore()?.entries;
//! }
//! assert_eq!(total, 4, "to, be, or, not: each once");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! Without features the crate is pure: no async runtime, no I/O, no clock.
//!
//! | feature | gives |
//! |---|---|
//! | `store` | [`store`]: manifests and objects over the `object_store` crate, in memory |
//! | `fs`, `aws`, `gcp`, `azure` | checkpoint stores in a directory, S3, Google Cloud Storage, Azure |
//! | `disk` | `StateBackend::on_disk`: keyed state larger than memory, on a local disk |
//! | `driver` | [`driver`]: runs the machines on any async runtime |

// Nothing can link to what is not compiled.
#![cfg_attr(not(all(feature = "driver", feature = "fs")), allow(rustdoc::broken_intra_doc_links))]

pub mod backend;
pub mod checkpoint;
pub mod codec;
#[cfg(feature = "driver")]
pub mod driver;
mod error;
pub mod incremental;
pub mod key_group;
pub mod operator_state;
pub mod protocol;
mod raw;
pub mod rescale;
pub mod snapshot;
#[cfg(feature = "store")]
pub mod store;
pub mod table;

pub use error::ErrorKind;
