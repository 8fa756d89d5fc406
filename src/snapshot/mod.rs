//! The snapshot object: one task's state at one checkpoint, in a form that can move.
//!
//! ```text
//! header · keyed-state table · key-group index · operator-state table · index checksum
//! sections of the non-empty key groups, in key-group order
//! operator-state items, in table order
//! ```
//!
//! `docs/snapshot_format.md` says what every byte means. The layout serves one thing: a task that
//! owns some of the key groups reads header and index once, and then one contiguous byte range per
//! contiguous run of its key groups, and can trust what it got without reading anything else:
//!
//! - every byte lies under a CRC-32C (header, index, each section, each item), and there are no
//!   others: sections and items fill the object without gap or overlap;
//! - every key group carries the [`Certificate`](crate::checkpoint::Certificate) of its entries,
//!   recomputed by whoever reads it;
//! - the header says which task of which attempt wrote the object for which checkpoint, so that a
//!   misdirected read or write is seen;
//! - a key group without entries is in the index like every other, with length 0: there is no
//!   sentinel to mistake for an offset (FLINK-19748);
//! - small key groups have one byte string for one content: tables and keys ascend. Large ones are
//!   written as they are in memory ([`table`](crate::table)), without a copy.
//!
//! Reading never panics on any input and allocates in proportion to the input it was given.
//! Nothing here performs I/O: [`RestoreReads`] says what to read, a driver reads it.
#![deny(clippy::indexing_slicing)]

mod base;
mod compress;
mod cursor;
mod digest;
mod encode;
mod error;
mod header;
mod image;
mod index;
mod inspect;
mod integrity;
mod operator;
mod parts;
mod restore;
mod section;
mod section_writer;
mod tables;

pub use base::{Base, Reference};
pub use digest::{CertificateSum, EntryDigest};
pub use encode::{EncodedSnapshot, KeyedSource, encode};
pub use error::{Part, SnapshotError};
pub use header::{FORMAT_VERSION, HEADER_BYTES, KeyedHeader, MAGIC, SnapshotHeader, SnapshotIdentity};
pub use index::{
    Compression, GroupEntry, ItemEntry, OperatorEntry, SectionLayout, SnapshotIndex, StateKind, StateMeta,
};
pub use inspect::{Contents, Inspection, inspect, inspect_with, verify, verify_with};
pub use integrity::checksum;
pub use operator::OperatorState;
pub use restore::{RangedRead, RestoreReads, Restored, Verified, Wanted, index_read};
pub use section::{Frame, KeyGroupSections, Section};
pub use section_writer::SectionWriter;
pub use tables::index_bytes_at_least;
