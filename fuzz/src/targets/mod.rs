//! One function per decoder. Each takes whatever bytes there are and panics if a promise is broken:
//!
//! - nothing panics, and a refusal has a reason;
//! - what is accepted has one meaning: written again and read again it is the same, and where the format
//!   is canonical the bytes are the same;
//! - memory stays within a small multiple of the input, whatever lengths it claims.

mod choices;
mod documents;
mod snapshots;
mod texts;
mod values;

use crate::memory;

pub use self::{
    documents::{manifest, outputs},
    snapshots::{index, object, state},
    texts::{names, url},
    values::codec,
};

/// A target by its name, which is also that of its directory in `fuzz/corpus`.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const ALL: [Target; 8] = [
    ("codec", codec),
    ("index", index),
    ("manifest", manifest),
    ("names", names),
    ("object", object),
    ("outputs", outputs),
    ("state", state),
    ("url", url),
];

/// Bytes that a decoder may take for each byte of its input, and at least.
const MEMORY_FACTOR: usize = 32;
const MEMORY_FLOOR: usize = 64 << 10;

/// What `decode` gives for `input` bytes; panics if it takes too much memory for that.
fn bounded<T>(input: usize, decode: impl FnOnce() -> T) -> T {
    let (result, peak) = memory::peak(decode);
    let limit = MEMORY_FLOOR + MEMORY_FACTOR * input;
    assert!(peak <= limit, "{input} bytes of input took {peak} bytes of memory, more than {limit}");
    result
}
