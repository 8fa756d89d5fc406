//! Everything that the compiler cannot vouch for, in one place: instructions of the processor, calls of the system, and
//! files as memory.
//!
//! Elsewhere in the library `unsafe` is denied. What is here can be called without it, each for the reason that stands
//! beside it.
#![expect(unsafe_code, reason = "this is where it is")]

#[cfg(feature = "fs")]
pub(crate) mod disk;
#[cfg(any(feature = "fs", feature = "disk"))]
pub(crate) mod memory;
pub(crate) mod processor;
