//! One entry as bytes: a header with both lengths, the key, the value, padding.
//!
//! The header is a `u32`: key length in the low 12 bits, value length in the high 20. All ones
//! stand for lengths that do not fit, and two `u32`, key length and value length, follow. A record
//! says how long it is, so that a chunk can be walked without an index. Integers are little
//! endian; records begin at multiples of four bytes and end with zeros up to the next.

/// What records are aligned to, in bytes.
pub(super) const ALIGN: usize = 4;

const HEADER: usize = 4;
const ESCAPED_HEADER: usize = 12;
const ESCAPE: u32 = u32::MAX;
const KEY_BITS: u32 = 12;
const KEY_MASK: u32 = (1 << KEY_BITS) - 1;
/// A key of 4,095 bytes is escaped, so that no short header is all ones.
const SHORT_KEY_MAX: usize = KEY_MASK as usize - 1;
const SHORT_VALUE_MAX: usize = (1 << (32 - KEY_BITS)) - 1;

/// A record that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) key: &'a [u8],
    pub(super) value: &'a [u8],
    header: usize,
}

impl<'a> Record<'a> {
    /// The record at the beginning of `bytes`, `None` if it would be longer than they are.
    #[inline]
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (&header, rest) = bytes.split_first_chunk::<HEADER>()?;
        let header = u32::from_le_bytes(header);
        if header == ESCAPE {
            return Self::read_escaped(rest);
        }
        Self::split(rest, HEADER, (header & KEY_MASK) as usize, (header >> KEY_BITS) as usize)
    }

    #[cold]
    fn read_escaped(bytes: &'a [u8]) -> Option<Self> {
        let (&key, rest) = bytes.split_first_chunk::<4>()?;
        let (&value, rest) = rest.split_first_chunk::<4>()?;
        Self::split(
            rest,
            ESCAPED_HEADER,
            u32::from_le_bytes(key) as usize,
            u32::from_le_bytes(value) as usize,
        )
    }

    #[inline]
    fn split(bytes: &'a [u8], header: usize, key: usize, value: usize) -> Option<Self> {
        let (key, rest) = bytes.split_at_checked(key)?;
        let value = rest.get(..value)?;
        Some(Self { key, value, header })
    }

    /// From the beginning of this record to that of the next, in bytes.
    #[inline]
    pub(super) fn size(&self) -> usize {
        (self.value_at() + self.value.len()).next_multiple_of(ALIGN)
    }

    /// Where the value begins in the record.
    #[inline]
    pub(super) fn value_at(&self) -> usize {
        self.header + self.key.len()
    }
}

/// Where in `bytes` the value begins of the record that begins at `offset`, and its length, if that is a record of
/// `key` with the short header; bytes may end before the value does. Does little, and little with what was read:
/// what waits for memory keeps the processor from looking for the next key.
#[inline(always)]
pub(super) fn short_value(bytes: &[u8], offset: usize, key: &[u8]) -> Option<(usize, usize)> {
    if key.len() > SHORT_KEY_MAX {
        return None;
    }
    let value_at = offset + HEADER + key.len();
    let (&header, found) = bytes.get(offset..value_at)?.split_first_chunk::<HEADER>()?;
    let header = u32::from_le_bytes(header);
    let is_found = (header & KEY_MASK) as usize == key.len() && is_same_key(found, key);
    is_found.then_some((value_at, (header >> KEY_BITS) as usize))
}

/// As [`short_value`], with any header.
pub(super) fn value(bytes: &[u8], offset: usize, key: &[u8]) -> Option<(usize, usize)> {
    let record = Record::read(bytes.get(offset..)?).filter(|record| is_same_key(record.key, key))?;
    Some((offset + record.value_at(), record.value.len()))
}

/// The bytes that the record of `key` and `value` takes; `None` if one is 4 GiB or longer.
#[inline]
pub(super) fn size(key: &[u8], value: &[u8]) -> Option<usize> {
    let header = if is_short(key, value) { HEADER } else { ESCAPED_HEADER };
    u32::try_from(key.len()).ok().and(u32::try_from(value.len()).ok())?;
    header.checked_add(key.len())?.checked_add(value.len())?.checked_next_multiple_of(ALIGN)
}

/// Appends the record of `key` and `value`, whose [`size`] is known to exist.
#[inline]
pub(super) fn write(key: &[u8], value: &[u8], out: &mut bytes::BytesMut) {
    let (key_bytes, value_bytes) = (key.len() as u32, value.len() as u32);
    if is_short(key, value) {
        out.extend_from_slice(&(key_bytes | value_bytes << KEY_BITS).to_le_bytes());
    } else {
        out.extend_from_slice(&ESCAPE.to_le_bytes());
        out.extend_from_slice(&key_bytes.to_le_bytes());
        out.extend_from_slice(&value_bytes.to_le_bytes());
    }
    out.extend_from_slice(key);
    out.extend_from_slice(value);
    let padding = (key.len() + value.len()).wrapping_neg() % ALIGN;
    out.extend_from_slice(&[0; ALIGN][..padding]);
}

/// Whether two keys are the same; most are too short for a call.
#[inline]
pub(super) fn is_same_key(a: &[u8], b: &[u8]) -> bool {
    let ends = |key: &[u8]| {
        let (first, last) = (key.first_chunk::<8>()?, key.last_chunk::<8>()?);
        Some((u64::from_le_bytes(*first), u64::from_le_bytes(*last)))
    };
    if a.len() != b.len() {
        return false;
    }
    match (ends(a), ends(b)) {
        // The words overlap, or touch, and so cover all.
        (Some(a_ends), Some(b_ends)) if a.len() <= 16 => (a_ends.0 ^ b_ends.0) | (a_ends.1 ^ b_ends.1) == 0,
        _ => a == b,
    }
}

#[inline]
fn is_short(key: &[u8], value: &[u8]) -> bool {
    key.len() <= SHORT_KEY_MAX && value.len() <= SHORT_VALUE_MAX
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::*;

    fn written(key: &[u8], value: &[u8]) -> BytesMut {
        let mut out = BytesMut::new();
        write(key, value, &mut out);
        out
    }

    #[test]
    fn records_have_the_documented_bytes() {
        assert_eq!(written(b"", b"")[..], [0, 0, 0, 0]);
        assert_eq!(written(b"key", b"value")[..], *b"\x03\x50\0\0keyvalue");
        assert_eq!(written(b"k", b"value")[..], *b"\x01\x50\0\0kvalue\0\0");
        assert_eq!(written(&[7; 4095], b"")[..12], *b"\xff\xff\xff\xff\xff\x0f\0\0\0\0\0\0");
    }

    #[test]
    fn what_was_written_is_read_at_every_border_of_the_header() {
        for key in [0, 1, 4094, 4095, 4096] {
            for value in [0, 1, 2, 3, SHORT_VALUE_MAX, SHORT_VALUE_MAX + 1] {
                let (key, value) = (vec![1; key], vec![2; value]);
                let bytes = written(&key, &value);
                let record = Record::read(&bytes).expect("the record is whole");
                assert_eq!((record.key, record.value), (&key[..], &value[..]));
                assert_eq!((Some(record.size()), bytes.len()), (size(&key, &value), record.size()));
            }
        }
    }

    #[test]
    fn keys_are_the_same_if_every_byte_is() {
        for length in 0..40 {
            let key: Vec<u8> = (0..length).collect();
            assert!(is_same_key(&key, &key.clone()));
            assert!(!is_same_key(&key, &[&key[..], &[0]].concat()));
            for at in 0..key.len() {
                let mut other = key.clone();
                other[at] ^= 1;
                assert!(!is_same_key(&key, &other), "{length} bytes, byte {at}");
            }
        }
    }

    #[test]
    fn a_record_that_is_cut_off_is_none() {
        for bytes in [written(b"key", b"value"), written(&[7; 4095], b"value")] {
            let unpadded = Record::read(&bytes).map(|record| record.value_at() + record.value.len());
            for end in 0..unpadded.expect("the record is whole") {
                assert_eq!(Record::read(&bytes[..end]), None, "cut at {end}");
            }
        }
    }
}
