//! The checkpoint store, in memory, in a local directory, and over a store that misbehaves.

#[path = "../common/mod.rs"]
mod common;
