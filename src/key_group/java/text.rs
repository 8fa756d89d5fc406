//! `String`: Σ unit\[i\] · 31^(n−1−i) over UTF-16 code units.

use super::{JavaHash, step};

/// A Java string by its UTF-16 code units: also one that is not valid text, such as a surrogate
/// without its partner, which no Rust [`str`] can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Utf16<'a>(pub &'a [u16]);

impl JavaHash for Utf16<'_> {
    fn java_hash(&self) -> i32 {
        self.0.iter().fold(0, |hash, &unit| step(hash, u32::from(unit))).cast_signed()
    }
}

impl JavaHash for str {
    #[inline]
    fn java_hash(&self) -> i32 {
        // In ASCII a byte is a code unit, and nothing needs decoding.
        let hash = ascii(self.as_bytes()).unwrap_or_else(|| units(self));
        hash.cast_signed()
    }
}

#[inline(never)]
fn units(text: &str) -> u32 {
    text.encode_utf16().fold(0, |hash, unit| step(hash, u32::from(unit)))
}

impl JavaHash for String {
    #[inline]
    fn java_hash(&self) -> i32 {
        self.as_str().java_hash()
    }
}

/// 31⁰, …, 31⁸.
const POWERS: [u32; 9] = {
    let mut powers = [1_u32; 9];
    let mut i = 1;
    while i < powers.len() {
        powers[i] = powers[i - 1].wrapping_mul(31);
        i += 1;
    }
    powers
};

/// Eight bytes at a time; `None` if one of them is not ASCII.
#[inline]
fn ascii(bytes: &[u8]) -> Option<u32> {
    const NOT_ASCII: u64 = 0x8080_8080_8080_8080;
    let (blocks, rest) = bytes.as_chunks::<8>();
    let mut hash = 0_u32;
    for &block in blocks {
        let block = u64::from_le_bytes(block);
        if block & NOT_ASCII != 0 {
            return None;
        }
        hash = hash.wrapping_mul(POWERS[8]).wrapping_add(of_eight(block));
    }
    match bytes.last_chunk::<8>() {
        Some(&last) if !rest.is_empty() => {
            // Zeros in front of the rest add nothing.
            let before = 8 * (8 - rest.len() as u32);
            let last = u64::from_le_bytes(last) >> before << before;
            let hash = hash.wrapping_mul(POWERS[rest.len()]).wrapping_add(of_eight(last));
            (last & NOT_ASCII == 0).then_some(hash)
        }
        _ => {
            let hash = rest.iter().fold(hash, |hash, &byte| step(hash, u32::from(byte)));
            rest.is_ascii().then_some(hash)
        }
    }
}

/// The hash of eight bytes, the lowest first: neighbours are added up, then sums of neighbours. Whatever the bytes are, no
/// sum needs more bits than it has.
#[inline]
const fn of_eight(bytes: u64) -> u32 {
    const EVERY_OTHER_BYTE: u64 = 0x00ff_00ff_00ff_00ff;
    const EVERY_OTHER_PAIR: u64 = 0x0000_ffff_0000_ffff;
    let pairs = (bytes & EVERY_OTHER_BYTE) * 31 + (bytes >> 8 & EVERY_OTHER_BYTE);
    let fours = (pairs & EVERY_OTHER_PAIR) * (31 * 31) + (pairs >> 16 & EVERY_OTHER_PAIR);
    (fours as u32).wrapping_mul(POWERS[4]).wrapping_add((fours >> 32) as u32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn eight_bytes_hash_like_the_plain_loop_whatever_they_are() {
        for bytes in [[0; 8], [0xff; 8], *b"N14228\x7f\x80", [0xff, 0, 0xff, 0, 0, 0xff, 0, 0xff]] {
            let plain = bytes.into_iter().fold(0, |hash, byte| step(hash, u32::from(byte)));
            assert_eq!(of_eight(u64::from_le_bytes(bytes)), plain);
        }
    }

    proptest! {
        #[test]
        fn text_hashes_like_its_utf_16_units(text: String) {
            let units: Vec<u16> = text.encode_utf16().collect();
            prop_assert_eq!(text.java_hash(), Utf16(&units).java_hash());
        }

        #[test]
        fn ascii_hashes_like_the_plain_loop(text in "[\\x00-\\x7f]{0,64}") {
            let plain = text.bytes().fold(0, |hash, byte| step(hash, u32::from(byte)));
            prop_assert_eq!(text.java_hash(), plain.cast_signed());
        }
    }
}
