//! Key groups for stream processors.

pub mod backend;
pub mod checkpoint;
pub mod codec;
#[cfg(feature = "driver")]
pub mod driver;
mod error;
pub mod key_group;
pub mod operator_state;
pub mod protocol;
pub mod rescale;
pub mod snapshot;
#[cfg(feature = "store")]
pub mod store;

pub use error::ErrorKind;
