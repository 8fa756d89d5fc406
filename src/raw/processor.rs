//! Instructions that compilers do not choose by themselves.

/// Asks for the line of the cache that `byte` is in, and does not wait for it.
#[cfg(all(target_arch = "x86_64", target_feature = "sse"))]
#[inline(always)]
pub(crate) fn fetch(byte: &u8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: this is only compiled for processors that have the instruction, which has no effect that a program can see,
    // and the address is that of a byte.
    unsafe {
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(byte).cast());
    }
}

/// Reads the line of the cache that `byte` is in: where there is no way to ask for it, several reads are still waited for
/// together.
#[cfg(not(all(target_arch = "x86_64", target_feature = "sse")))]
#[inline(always)]
pub(crate) fn fetch(byte: &u8) {
    std::hint::black_box(*byte);
}

/// Which of these numbers, little endian, have the upper half `wanted`, but for bits that are `ignored`: those are set in
/// `wanted`. Two bits for each number, the first one's the lowest.
///
/// With the instructions that every processor of this kind has, for a compiler finds longer ones, and what waits for a
/// line keeps the next key from being looked for.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
#[inline(always)]
pub(crate) fn equal_upper_halves(line: &[[u8; 8]; 8], wanted: u32, ignored: u32) -> u16 {
    // SAFETY: this is only compiled for processors that have the instructions.
    unsafe { equal_upper_halves_sse2(line, wanted, ignored) }
}

#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
pub(crate) use equal_upper_halves_anywhere as equal_upper_halves;

#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
#[target_feature(enable = "sse2")]
#[inline]
fn equal_upper_halves_sse2(line: &[[u8; 8]; 8], wanted: u32, ignored: u32) -> u16 {
    use std::arch::x86_64::{
        _mm_castps_si128, _mm_castsi128_ps, _mm_cmpeq_epi32, _mm_movemask_epi8, _mm_or_si128,
        _mm_packs_epi32, _mm_set_epi64x, _mm_set1_epi32, _mm_shuffle_ps,
    };
    let wanted = _mm_set1_epi32(wanted.cast_signed());
    let ignored = _mm_set1_epi32(ignored.cast_signed());
    let pair = |at: usize| {
        let [low, high] = [line[at], line[at + 1]].map(i64::from_le_bytes);
        _mm_castsi128_ps(_mm_set_epi64x(high, low))
    };
    let are_equal = |at: usize| {
        // The upper halves of four numbers.
        let halves = _mm_castps_si128(_mm_shuffle_ps::<0b11_01_11_01>(pair(at), pair(at + 2)));
        _mm_cmpeq_epi32(_mm_or_si128(halves, ignored), wanted)
    };
    _mm_movemask_epi8(_mm_packs_epi32(are_equal(0), are_equal(4))) as u16
}

/// The same by arithmetic.
#[cfg(any(test, not(all(target_arch = "x86_64", target_feature = "sse2"))))]
#[inline(always)]
pub(crate) fn equal_upper_halves_anywhere(line: &[[u8; 8]; 8], wanted: u32, ignored: u32) -> u16 {
    let is_equal = |number: [u8; 8]| (u64::from_le_bytes(number) >> 32) as u32 | ignored == wanted;
    (0..).zip(line).fold(0, |all, (at, &number)| all | if is_equal(number) { 0b11 << (2 * at) } else { 0 })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn equal_halves_are_found_alike_on_every_processor(
            halves in prop::array::uniform8((0_u32..4, any::<u32>())),
            wanted in 0_u32..4,
            ignored in 0_u32..4,
        ) {
            let line = halves.map(|(upper, lower)| (u64::from(upper) << 32 | u64::from(lower)).to_le_bytes());
            let expected = (0..8).filter(|&at| halves[at].0 | ignored == wanted).fold(0, |all, at| all | 0b11 << (2 * at));
            prop_assert_eq!(equal_upper_halves(&line, wanted, ignored), expected);
            prop_assert_eq!(equal_upper_halves_anywhere(&line, wanted, ignored), expected);
        }
    }

    #[test]
    fn asking_for_a_line_changes_nothing() {
        let bytes = [7; 200];
        bytes.iter().for_each(fetch);
        assert_eq!(bytes, [7; 200]);
    }
}
