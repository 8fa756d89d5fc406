//! Key groups for stream processors.

pub mod backend;
pub mod checkpoint;
pub mod codec;
pub mod error;
pub mod key_group;
pub mod snapshot;
