//! Measures keyed state: accesses, snapshots, restores, and what they are a fraction of.
//!
//! Every measurement is a function that gives numbers. `keygroups bench` runs the short version of them,
//! `cargo bench -p keygroups-cli --bench state` the full one. docs/performance.md says what they mean.
//!
//! What has several threads is measured in the processor time of the slowest, so that other work on the
//! machine counts as little as possible; what waits for a disk, and restores, by the wall's clock.

pub mod accesses;
pub mod boxed;
pub mod clock;
pub mod compression;
pub mod copy;
pub mod distribution;
pub mod durable;
pub mod figure;
pub mod grouped;
pub mod growth;
pub mod hash;
pub mod incremental;
pub mod pause;
pub mod restore;
pub mod snapshot;
pub mod state;
pub mod statistics;
pub mod tasks;
pub mod transfer;
