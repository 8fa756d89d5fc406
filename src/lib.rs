//! Key groups for stream processors.

pub mod checkpoint;
mod error;
pub mod key_group;
#[cfg(feature = "store")]
pub mod store;

pub use error::ErrorKind;
