//! Key groups for stream processors.

pub mod checkpoint;
mod error;
pub mod key_group;
pub mod operator_state;
pub mod protocol;
pub mod rescale;
#[cfg(feature = "store")]
pub mod store;

pub use error::ErrorKind;
