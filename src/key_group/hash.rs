//! Key to key group.
//!
//! A key is hashed to 32 bits, the bits are mixed once ([`murmur`]), and the remainder by the max
//! parallelism is the key group. Two kinds of keys differ in the first step only:
//!
//! - **Typed keys** ([`of`]) hash with Java's `hashCode`, so that a key lands in the same group as
//!   in Flink. Any type with [`JavaHash`] is a key.
//! - **Bytes** ([`of_bytes`]) hash with 32-bit Murmur3, the standard function with seed 0 over all
//!   bytes. Flink has no counterpart: a Java array hashes by its address.
//!
//! Both hashes are fixed for ever: another one would put keys into groups their state is not in.
//!
//! Source: Apache Flink 2.3.0, `KeyGroupRangeAssignment.assignToKeyGroup` and
//! `MathUtils.murmurHash`.

use std::io::Cursor;

use super::{JavaHash, KeyGroup, MaxParallelism};

/// The key group of a typed key, as Flink assigns it.
///
/// ```
/// use keygroups::key_group::{self, KeyGroup, MaxParallelism};
///
/// let max = MaxParallelism::new(128)?;
/// assert_eq!(key_group::of("flink", max), KeyGroup(98));
/// assert_eq!(key_group::of(&42_i64, max), KeyGroup(29));
/// assert_eq!(key_group::of(&("a", 1_i32), max), KeyGroup(29));
/// # Ok::<(), key_group::BoundsError>(())
/// ```
#[inline]
pub fn of<K: JavaHash + ?Sized>(key: &K, max_parallelism: MaxParallelism) -> KeyGroup {
    of_hash(key.java_hash(), max_parallelism)
}

/// The key group of a key that is raw bytes: [`murmur_bytes`] modulo the max parallelism.
///
/// Text hashed as bytes does not land in the group of the same text hashed as a string: choose one
/// for each job.
#[inline]
pub fn of_bytes(key: &[u8], max_parallelism: MaxParallelism) -> KeyGroup {
    reduce(murmur_bytes(key), max_parallelism)
}

/// The key group of a key whose Java hash code is `hash`.
#[inline]
pub const fn of_hash(hash: i32, max_parallelism: MaxParallelism) -> KeyGroup {
    reduce(murmur(hash), max_parallelism)
}

/// One round of 32-bit Murmur3 with seed 0 over the four bytes of `hash`, made non-negative:
/// `0..=2147483647`.
///
/// Source: Flink, `MathUtils.murmurHash`.
#[inline]
pub const fn murmur(hash: i32) -> u32 {
    let mut code = (hash as u32).wrapping_mul(0xcc9e_2d51);
    code = code.rotate_left(15).wrapping_mul(0x1b87_3593);
    code = code.rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    // The length in bytes, then the final avalanche.
    code ^= 4;
    code = (code ^ code >> 16).wrapping_mul(0x85eb_ca6b);
    code = (code ^ code >> 13).wrapping_mul(0xc2b2_ae35);
    non_negative(code ^ code >> 16)
}

/// Standard 32-bit Murmur3 with seed 0 over all of `bytes` (x86 variant, little-endian blocks),
/// made non-negative as [`murmur`] is: `0..=2147483647`. For four bytes it equals [`murmur`] of
/// their little-endian integer.
pub fn murmur_bytes(bytes: &[u8]) -> u32 {
    let hash = murmur3::murmur3_32(&mut Cursor::new(bytes), 0);
    non_negative(hash.expect("reading from memory cannot fail"))
}

/// The magnitude of the bits read as a signed number, except that the smallest number, which has
/// none in 31 bits, becomes 0.
const fn non_negative(code: u32) -> u32 {
    let magnitude = (code as i32).unsigned_abs();
    if magnitude == 1 << 31 { 0 } else { magnitude }
}

const fn reduce(code: u32, max_parallelism: MaxParallelism) -> KeyGroup {
    KeyGroup((code % max_parallelism.get() as u32) as u16)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_smallest_number_becomes_zero_and_negatives_their_magnitude() {
        assert_eq!(non_negative(i32::MIN as u32), 0);
        assert_eq!(non_negative(-1_i32 as u32), 1);
        assert_eq!(non_negative(i32::MIN as u32 + 1), i32::MAX as u32);
        assert_eq!(non_negative(7), 7);
    }

    proptest! {
        #[test]
        fn murmur_is_murmur3_of_the_four_bytes(hash: i32) {
            prop_assert_eq!(murmur(hash), murmur_bytes(&hash.to_le_bytes()));
        }

        #[test]
        fn a_key_group_is_below_max_parallelism(hash: i32, bytes: Vec<u8>, max in 1_u32..=32768) {
            let max = MaxParallelism::new(max).unwrap();
            prop_assert_eq!(of_hash(hash, max).index() as u32, murmur(hash) % u32::from(max));
            prop_assert!(of_bytes(&bytes, max) <= max.all().last());
        }
    }
}
