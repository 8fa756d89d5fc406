//! Key groups for stream processors.

pub mod checkpoint;
pub mod key_group;
pub mod operator_state;
pub mod protocol;
pub mod rescale;
