//! Sections made smaller, and back.
//!
//! Both codecs are pure Rust. Neither is the default: at the speed of memory and local disks they cost
//! more than they save (docs/performance.md); over a slow network they may pay.

use std::{borrow::Cow, io::Read};

use bytes::Bytes;

use super::{Compression, GroupEntry, SnapshotError};

/// The most that a block of Zstandard stands for. Source: RFC 8878, 3.1.1.2.4.
const ZSTD_BLOCK_BYTES_MAX: u64 = 128 << 10;

/// The most that LZ4 is asked to compress: 2 GiB. Decoders hold the length of a run in 32 bits, and what an encoder makes
/// of a run of 4 GiB nobody can read.
const LZ4_BYTES_MAX: u64 = 1 << 31;

/// Whether `bytes` can stand for `raw_bytes`. What a section claims to be becomes memory, so an index that claims
/// more is refused before anything is.
pub(super) const fn can_be(raw_bytes: u64, bytes: u64, compression: Compression) -> bool {
    match compression {
        Compression::None => raw_bytes == bytes,
        // Each byte adds at most 255 to a length.
        Compression::Lz4 => bytes < raw_bytes && raw_bytes <= bytes.saturating_mul(255),
        // A header of 3 bytes says how many times the byte after it comes.
        Compression::Zstd => bytes < raw_bytes && raw_bytes <= bytes.saturating_mul(ZSTD_BLOCK_BYTES_MAX / 4),
    }
}

/// `section` compressed; `None` if that is not smaller, or if it is too long for that.
pub(super) fn compress(section: &[u8], compression: Compression) -> Option<Vec<u8>> {
    if !is_worth_a_try(section.len() as u64, compression) {
        return None;
    }
    let compressed = match compression {
        Compression::None => return None,
        Compression::Lz4 => lz4_flex::block::compress(section),
        Compression::Zstd => {
            ruzstd::encoding::compress_to_vec(section, ruzstd::encoding::CompressionLevel::Fastest)
        }
    };
    (compressed.len() < section.len()).then_some(compressed)
}

/// Whether a section of `raw_bytes` may become smaller, and can be read again.
const fn is_worth_a_try(raw_bytes: u64, compression: Compression) -> bool {
    // Nothing is smaller than nothing, and an encoder fills tables before it looks at its input: most key groups of a
    // small job are empty.
    raw_bytes > 0
        && match compression {
            Compression::None => false,
            Compression::Lz4 => raw_bytes <= LZ4_BYTES_MAX,
            // Made of blocks, and no field of it counts the bytes of a whole frame.
            Compression::Zstd => true,
        }
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
            lz4_flex::block::decompress(stored, raw_bytes).map_err(|error| bad(error.to_string().into()))?
        }
        Compression::Zstd => {
            let mut raw = Vec::new();
            raw.try_reserve_exact(raw_bytes).map_err(|error| bad(error.to_string().into()))?;
            // A decoder holds a whole window before it gives anything.
            let window_max = entry.raw_bytes.max(ZSTD_BLOCK_BYTES_MAX);
            let frame = ruzstd::decoding::StreamingDecoder::new_with_max_window_size(&**stored, window_max);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A run of 4 GiB in a section was compressed to what every decoder refuses: LZ4 sections had no limit, and a snapshot that
    /// was written and committed could not be restored.
    #[test]
    fn sections_that_lz4_could_not_read_again_stay_as_they_are() {
        for too_long in [LZ4_BYTES_MAX + 1, 1 << 32, u64::MAX] {
            assert!(!is_worth_a_try(too_long, Compression::Lz4));
            assert!(is_worth_a_try(too_long, Compression::Zstd));
        }
        assert!(is_worth_a_try(LZ4_BYTES_MAX, Compression::Lz4));
        // The longest run that is left is far from what 32 bits hold.
        assert!(LZ4_BYTES_MAX <= u64::from(u32::MAX / 2) + 1);
    }

    #[test]
    fn nothing_is_compressed_to_nothing() {
        for compression in [Compression::None, Compression::Lz4, Compression::Zstd] {
            assert_eq!(compress(&[], compression), None);
        }
    }
}
