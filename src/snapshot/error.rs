//! What can be wrong with a snapshot; every error says where.

use std::{borrow::Cow, fmt, ops::Range};

use super::{Compression, SnapshotIdentity};
use crate::{
    checkpoint::{Certificate, ObjectName},
    error::ErrorKind,
    key_group::{KeyGroup, KeyGroupRange},
    table::ImageError,
};

/// A part of a snapshot object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// The whole object.
    Object,
    /// The fixed part at the beginning.
    Header,
    /// The tables behind the header, and their checksum.
    Index,
    /// What one ranged read was to return.
    Read(Range<u64>),
    /// The entries of one key group.
    Section(KeyGroup),
    /// One item of an operator state.
    Item {
        /// The operator state.
        state: String,
        /// The item's position in it, from 0.
        item: u32,
    },
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object => f.write_str("the snapshot object"),
            Self::Header => f.write_str("the snapshot header"),
            Self::Index => f.write_str("the snapshot index"),
            Self::Read(range) => write!(f, "the read of bytes {}..{}", range.start, range.end),
            Self::Section(key_group) => write!(f, "the section of key group {key_group}"),
            Self::Item { state, item } => write!(f, "item {item} of operator state '{state}'"),
        }
    }
}

/// Why a snapshot cannot be read, trusted or written. Offsets count bytes from the beginning of
/// the object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// Fewer or more bytes than there must be: truncated, or something was appended.
    #[error("{part} has {found} bytes, expected {expected}")]
    Length {
        /// What has this length.
        part: Part,
        /// How many there must be (at least, if fewer were found than a field needs).
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// The first bytes are not those of a snapshot.
    #[error("not a snapshot: it begins with {found:02x?}, expected {:02x?}", super::MAGIC)]
    NotASnapshot {
        /// The first eight bytes.
        found: [u8; 8],
    },
    /// A format this build does not know.
    #[error(
        "snapshot format version {found} is unknown: this build reads versions up to {supported}; \
         use a keygroups release that knows version {found}"
    )]
    UnknownFormatVersion {
        /// The version in the object.
        found: u16,
        /// The newest version this build reads.
        supported: u16,
    },
    /// The header is not what was written.
    #[error("the checksum of the snapshot header at offset 0 is {found:08x}, expected {expected:08x}")]
    HeaderChecksum {
        /// The checksum in the object.
        expected: u32,
        /// The checksum of the bytes.
        found: u32,
    },
    /// Header and index together are not what was written.
    #[error("the checksum of the snapshot index at offset 0 is {found:08x}, expected {expected:08x}")]
    IndexChecksum {
        /// The checksum in the object.
        expected: u32,
        /// The checksum of the bytes.
        found: u32,
    },
    /// The entries of a key group are not what was written.
    #[error(
        "key group {key_group}: the checksum of its section at offset {offset} is {found:08x}, \
         expected {expected:08x}"
    )]
    SectionChecksum {
        /// The key group.
        key_group: KeyGroup,
        /// Where its section begins.
        offset: u64,
        /// The checksum in the index.
        expected: u32,
        /// The checksum of the bytes.
        found: u32,
    },
    /// A key group's entries do not add up to its certificate.
    #[error(
        "key group {key_group}: its section at offset {offset} has {} entries with digest {:032x}, \
         expected {} entries with digest {:032x}",
        found.entries, found.digest, expected.entries, expected.digest
    )]
    SectionCertificate {
        /// The key group.
        key_group: KeyGroup,
        /// Where its section begins.
        offset: u64,
        /// The certificate in the index.
        expected: Certificate,
        /// The certificate of the entries.
        found: Certificate,
    },
    /// An item of an operator state is not what was written.
    #[error(
        "operator state '{state}': the checksum of item {item} at offset {offset} is {found:08x}, \
         expected {expected:08x}"
    )]
    ItemChecksum {
        /// The operator state.
        state: String,
        /// The item's position in it, from 0.
        item: u32,
        /// Where the item begins.
        offset: u64,
        /// The checksum in the index.
        expected: u32,
        /// The checksum of the bytes.
        found: u32,
    },
    /// Bytes with a right checksum that no writer of this format writes.
    #[error("{part} is malformed at offset {offset}: {problem}")]
    Malformed {
        /// The part of the snapshot that is malformed.
        part: Part,
        /// The byte after the field that is wrong.
        offset: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// A section with a right checksum that cannot be decompressed.
    #[error(
        "the section of key group {key_group} at offset {offset} cannot be decompressed ({compression:?}): {reason}"
    )]
    Compression {
        /// Its key group.
        key_group: KeyGroup,
        /// Where it begins.
        offset: u64,
        /// What was done to it.
        compression: Compression,
        /// What is wrong.
        reason: Cow<'static, str>,
    },
    /// Bytes with a right checksum that are no table.
    #[error("{part} is malformed at offset {offset}: no table lies there: {source}")]
    Table {
        /// The part of the snapshot in which the table should lie.
        part: Part,
        /// The byte after it.
        offset: u64,
        /// What is wrong.
        source: ImageError,
    },
    /// The object is another one than was asked for: a misdirected write or read.
    #[error("this is the snapshot of {found}, expected the one of {expected}")]
    Identity {
        /// Who should have written it, for which checkpoint.
        expected: SnapshotIdentity,
        /// Who has written what was read, and for which checkpoint.
        found: SnapshotIdentity,
    },
    /// The object is not the one its handle describes.
    #[error("the snapshot differs from its handle: {field} is {found}, expected {expected}")]
    Handle {
        /// In what.
        field: &'static str,
        /// What the handle says.
        expected: String,
        /// What the object says.
        found: String,
    },
    /// What lies in an object that the snapshot leans on is not what was written.
    #[error("in {object}, on which the snapshot leans: {source}")]
    Base {
        /// The object.
        object: ObjectName,
        /// What is wrong with what was read of it.
        source: Box<SnapshotError>,
    },
    /// An object that the snapshot leans on was not given.
    #[error("{object} is missing, on which the snapshot leans for key groups {}", runs(key_groups))]
    MissingBase {
        /// The object.
        object: ObjectName,
        /// What of the snapshot lies in it, ascending.
        key_groups: Vec<KeyGroup>,
    },
    /// A handle that names an object that is no snapshot.
    #[error("{object:?} is not the name of a snapshot")]
    NotAStateObject {
        /// What the handle names.
        object: ObjectName,
    },
    /// Key groups were asked for that the object does not have.
    #[error("key groups {wanted} are not all in the snapshot: it has {}", has.map_or_else(|| "none".to_owned(), |has| has.to_string()))]
    NoSuchKeyGroups {
        /// What was asked for.
        wanted: KeyGroupRange,
        /// What it has.
        has: Option<KeyGroupRange>,
    },
    /// Items were asked for that the object does not have.
    #[error("items {}..{} of operator state '{state}' are not all in the snapshot: it has {has}", wanted.start, wanted.end)]
    NoSuchItems {
        /// The operator state.
        state: String,
        /// The items asked for.
        wanted: Range<u32>,
        /// How many it has; 0 if it does not have the state at all.
        has: u32,
    },
    /// Another number of buffers than reads.
    #[error("{found} buffers were returned for {expected} reads")]
    ReadCount {
        /// How many reads were asked for.
        expected: usize,
        /// How many buffers came back.
        found: usize,
    },
    /// More than a field of the format can hold.
    #[error("{what} is {found}, and the snapshot format holds at most {max}")]
    TooLarge {
        /// What is too large, in words.
        what: &'static str,
        /// How much of it there is, in bytes or by number.
        found: u64,
        /// How many are possible.
        max: u64,
    },
    /// Frozen state that cannot be read where it lies, or written where it is kept until it is stored.
    #[error("key group {key_group} cannot be written: {reason}")]
    Unreadable {
        /// The key group.
        key_group: KeyGroup,
        /// Where it lies, and why it cannot be read or written there.
        reason: String,
    },
    /// Two states of one name.
    #[error("state '{name}' is there twice")]
    DuplicateState {
        /// The name.
        name: String,
    },
}

/// Ascending key groups as runs: `3, 5–7`.
fn runs(key_groups: &[KeyGroup]) -> String {
    let runs = key_groups.chunk_by(|before, after| before.0.checked_add(1) == Some(after.0));
    let text = |run: &[KeyGroup]| match run {
        [first, .., last] => format!("{first}–{last}"),
        one => one.iter().map(ToString::to_string).collect(),
    };
    runs.map(text).collect::<Vec<_>>().join(", ")
}

impl SnapshotError {
    /// This error of what was read from `object` for the snapshot in `own`.
    pub(super) fn in_object(self, object: ObjectName, own: ObjectName) -> Self {
        if object == own { self } else { Self::Base { object, source: Box::new(self) } }
    }

    /// The key group whose section is at fault; `None` if it is another part, or several.
    pub fn key_group(&self) -> Option<KeyGroup> {
        match self {
            Self::SectionChecksum { key_group, .. }
            | Self::SectionCertificate { key_group, .. }
            | Self::Compression { key_group, .. }
            | Self::Unreadable { key_group, .. }
            | Self::Length { part: Part::Section(key_group), .. }
            | Self::Malformed { part: Part::Section(key_group), .. }
            | Self::Table { part: Part::Section(key_group), .. } => Some(*key_group),
            Self::Base { source, .. } => source.key_group(),
            _ => None,
        }
    }

    /// [`ErrorKind::Corrupt`] if the bytes are at fault, [`ErrorKind::Retry`] if frozen state cannot be
    /// read, [`ErrorKind::Invalid`] if the call or the version is at fault.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Base { source, .. } => source.kind(),
            Self::Length { .. }
            | Self::NotASnapshot { .. }
            | Self::HeaderChecksum { .. }
            | Self::IndexChecksum { .. }
            | Self::SectionChecksum { .. }
            | Self::SectionCertificate { .. }
            | Self::ItemChecksum { .. }
            | Self::Malformed { .. }
            | Self::Compression { .. }
            | Self::Table { .. }
            | Self::Identity { .. }
            | Self::MissingBase { .. }
            | Self::Handle { .. } => ErrorKind::Corrupt,
            Self::Unreadable { .. } => ErrorKind::Retry,
            Self::UnknownFormatVersion { .. }
            | Self::NotAStateObject { .. }
            | Self::NoSuchKeyGroups { .. }
            | Self::NoSuchItems { .. }
            | Self::ReadCount { .. }
            | Self::TooLarge { .. }
            | Self::DuplicateState { .. } => ErrorKind::Invalid,
        }
    }
}
