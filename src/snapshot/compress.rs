//! Sections made smaller, and back.
//!
//! Both codecs are pure Rust. Neither is the default: at the speed of memory and local disks they cost
//! more than they save (docs/performance.md); over a slow network they may pay.

use std::{borrow::Cow, io::Read};

use bytes::Bytes;

use super::{Compression, GroupEntry, SnapshotError};

/// A block of LZ4 cannot stand for more than this many times its own length.
const LZ4_RATIO_MAX: u64 = 255;

/// `section` compressed; `None` if that is not smaller.
pub(super) fn compress(section: &[u8], compression: Compression) -> Option<Vec<u8>> {
    let compressed = match compression {
        Compression::None => return None,
        Compression::Lz4 => lz4_flex::block::compress(section),
        Compression::Zstd => {
            ruzstd::encoding::compress_to_vec(section, ruzstd::encoding::CompressionLevel::Fastest)
        }
    };
    (compressed.len() < section.len()).then_some(compressed)
}

/// The section of `entry` as it was before it was compressed to `stored`, whose checksum is right.
pub(super) fn decompress(entry: &GroupEntry, stored: &Bytes) -> Result<Bytes, SnapshotError> {
    let bad = |reason: Cow<'static, str>| SnapshotError::Compression {
        key_group: entry.key_group,
        offset: entry.offset,
        compression: entry.compression,
        reason,
    };
    let raw_bytes = usize::try_from(entry.raw_bytes).map_err(|_| bad("it is too long".into()))?;
    let raw = match entry.compression {
        Compression::None => return Ok(stored.clone()),
        Compression::Lz4 => {
            // What it claims to be is allocated before it is read.
            if entry.raw_bytes / LZ4_RATIO_MAX > entry.bytes {
                return Err(bad("it claims to be longer than it can be".into()));
            }
            lz4_flex::block::decompress(stored, raw_bytes).map_err(|error| bad(error.to_string().into()))?
        }
        Compression::Zstd => {
            let mut raw = Vec::new();
            let frame = ruzstd::decoding::StreamingDecoder::new(&**stored);
            let frame = frame.map_err(|error| bad(error.to_string().into()))?;
            // One byte more tells whether there are more.
            let read = frame.take(entry.raw_bytes.saturating_add(1)).read_to_end(&mut raw);
            read.map_err(|error| bad(error.to_string().into()))?;
            raw
        }
    };
    if raw.len() != raw_bytes {
        return Err(bad(format!("it has {} bytes, not {raw_bytes}", raw.len()).into()));
    }
    Ok(raw.into())
}
