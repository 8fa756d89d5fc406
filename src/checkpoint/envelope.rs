//! The envelope of small readable objects: one header line, then JSON.
//!
//! `keygroups-manifest 2 crc32c=0badc0de bytes=123` says what the object is, in which format
//! version, and lets a reader tell a damaged object from a good one before it parses anything.
//! docs/manifest_format.md is the reference.

use serde::{Serialize, de::DeserializeOwned};

use super::{ContentError, indented::Indented};
use crate::ErrorKind;

/// One of the kinds of objects.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    /// The first word of the header.
    pub(super) magic: &'static str,
    /// The format version this build writes. It reads that and every earlier one: a field that came
    /// later says what its absence means.
    pub(super) version: u32,
}

// The longest header has 73 bytes: no need to look further for its end.
const HEADER_BYTES_MAX: usize = 96;

// Most manifests of small jobs fit.
const BODY_BYTES: usize = 8 << 10;

/// An object that is not the manifest or output list it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// No header line of this kind.
    #[error("it does not begin with a `{magic}` header line: it is damaged or something else")]
    Header {
        /// The first word of the header that was expected.
        magic: &'static str,
    },
    /// Written in another format version.
    #[error(
        "its format version is {found} and this build reads up to {supported}: \
         use the version of keygroups that wrote it, or a newer one"
    )]
    Version {
        /// The version in the header.
        found: u32,
        /// The newest version this build reads.
        supported: u32,
    },
    /// Truncated or continued.
    #[error("its header promises {expected} bytes of JSON and {found} follow")]
    Length {
        /// Bytes promised.
        expected: u64,
        /// Bytes there.
        found: u64,
    },
    /// Changed since it was written.
    #[error("its checksum is {found:08x} and its header says {expected:08x}: it is damaged")]
    Checksum {
        /// CRC-32C in the header.
        expected: u32,
        /// CRC-32C of the bytes there.
        found: u32,
    },
    /// Undamaged, but not the JSON of this format.
    #[error("line {line}, column {column}: {message}")]
    Json {
        /// Line in the object, the header being line 1.
        line: usize,
        /// Column in that line, from 1.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// Well-formed, but its content breaks a rule.
    #[error(transparent)]
    Content(#[from] ContentError),
}

impl FormatError {
    /// [`ErrorKind::Invalid`] for a format version this build does not read, else
    /// [`ErrorKind::Corrupt`].
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Version { .. } => ErrorKind::Invalid,
            Self::Header { .. }
            | Self::Length { .. }
            | Self::Checksum { .. }
            | Self::Json { .. }
            | Self::Content(_) => ErrorKind::Corrupt,
        }
    }
}

fn header(magic: &str, version: u32, checksum: u32, bytes: u64) -> String {
    format!("{magic} {version} crc32c={checksum:08x} bytes={bytes}\n")
}

pub(super) fn checksum(body: &[u8]) -> u32 {
    let wide = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, body);
    u32::try_from(wide).expect("a CRC-32 has 32 bits")
}

/// `content` as pretty JSON behind its header.
pub(super) fn seal<T: Serialize>(kind: Kind, content: &T) -> Vec<u8> {
    let mut body = Vec::with_capacity(BODY_BYTES);
    let mut serializer = serde_json::Serializer::with_formatter(&mut body, Indented::new());
    content.serialize(&mut serializer).expect("string keys and plain numbers are JSON");
    body.push(b'\n');
    let mut sealed = header(kind.magic, kind.version, checksum(&body), body.len() as u64).into_bytes();
    sealed.extend_from_slice(&body);
    sealed
}

/// The inverse of [`seal`]; never allocates more than a small multiple of `object`.
pub(super) fn open<T: DeserializeOwned>(kind: Kind, object: &[u8]) -> Result<T, FormatError> {
    let Kind { magic, version: supported } = kind;
    let (version, expected, bytes, body) = split(magic, object).ok_or(FormatError::Header { magic })?;
    if !(1..=supported).contains(&version) {
        return Err(FormatError::Version { found: version, supported });
    }
    if bytes != body.len() as u64 {
        return Err(FormatError::Length { expected: bytes, found: body.len() as u64 });
    }
    let found = checksum(body);
    if found != expected {
        return Err(FormatError::Checksum { expected, found });
    }
    // Looked at once for all strings in it; what is no text is refused where it stops being that.
    let content = match str::from_utf8(body) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(body),
    };
    content.map_err(|error| {
        let message = error.to_string();
        // serde_json appends its own position, which does not count the header.
        let message = message.split(" at line ").next().unwrap_or_default().to_owned();
        FormatError::Json { line: error.line() + 1, column: error.column(), message }
    })
}

/// Version, checksum and length of the header, and what follows it.
fn split<'a>(magic: &str, object: &'a [u8]) -> Option<(u32, u32, u64, &'a [u8])> {
    let end = object.iter().take(HEADER_BYTES_MAX).position(|&byte| byte == b'\n')? + 1;
    let (line, body) = object.split_at_checked(end)?;
    let line = str::from_utf8(line).ok()?;
    let fields = line.strip_suffix('\n')?.strip_prefix(magic)?.strip_prefix(' ')?;
    let (version, fields) = fields.split_once(" crc32c=")?;
    let (checksum, bytes) = fields.split_once(" bytes=")?;
    let (version, bytes) = (version.parse().ok()?, bytes.parse().ok()?);
    let checksum = u32::from_str_radix(checksum, 16).ok()?;
    // One header has one text: a flipped bit that happens to mean the same is damage, too.
    (header(magic, version, checksum, bytes) == line).then_some((version, checksum, bytes, body))
}
