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
        if self.is_ascii() {
            ascii(self.as_bytes()).cast_signed()
        } else {
            self.encode_utf16().fold(0, |hash, unit| step(hash, u32::from(unit))).cast_signed()
        }
    }
}

impl JavaHash for String {
    #[inline]
    fn java_hash(&self) -> i32 {
        self.as_str().java_hash()
    }
}

/// 31⁷, …, 31⁰.
const POWERS: [u32; 8] = {
    let mut powers = [1_u32; 8];
    let mut i = 7;
    while i > 0 {
        powers[i - 1] = powers[i].wrapping_mul(31);
        i -= 1;
    }
    powers
};

/// Eight bytes at a time: their products do not wait for each other, as those of the plain loop
/// do.
#[inline]
fn ascii(bytes: &[u8]) -> u32 {
    let (blocks, rest) = bytes.as_chunks::<8>();
    let mut hash = 0_u32;
    for block in blocks {
        let mut sum = hash.wrapping_mul(POWERS[0].wrapping_mul(31));
        for (&byte, power) in block.iter().zip(POWERS) {
            sum = sum.wrapping_add(u32::from(byte).wrapping_mul(power));
        }
        hash = sum;
    }
    rest.iter().fold(hash, |hash, &byte| step(hash, u32::from(byte)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
