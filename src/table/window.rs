//! Eight slots looked at together.
//!
//! How far a key lies from its home cannot be predicted, and a wrong prediction keeps the processor from
//! looking for several keys at once, which is most of its speed. So the slots that are smaller than the
//! wanted tag are counted without a branch, and by arithmetic: a compiler makes few instructions of
//! it, several slots in each, where of eight comparisons it makes eight.

use std::num::NonZeroU16;

use super::slot::{POSITION_HALF, Slot};

/// A line of the cache.
pub(super) const WINDOW: usize = 8;
pub(super) type Line = [[u8; Slot::BYTES]; WINDOW];

/// How many of `slots` are not empty and have a smaller tag than that whose [`Slot::upper_limit`] this is.
///
/// A function of its own: where it is inlined, the compiler makes eight comparisons of it.
#[inline(never)]
pub(super) fn smaller(slots: &Line, upper_limit: u32) -> usize {
    slots.iter().map(|&slot| u32::from(Slot::from_bytes(slot).is_smaller(upper_limit))).sum::<u32>() as usize
}

/// Which of `slots` have the tag whose [`Slot::upper_limit`] this is; with the greatest tag, empty ones, too.
#[inline(always)]
pub(super) fn equal(slots: &Line, upper_limit: u32) -> Equal {
    bits(slots, upper_limit, POSITION_HALF)
}

/// The first of `slots` that has the tag whose [`Slot::upper_limit`] this is and a [`low_position`](Slot::low_position).
#[inline(always)]
pub(super) fn first_equal(slots: &Line, upper_limit: u32) -> Option<usize> {
    let Equal(bits) = bits(slots, upper_limit, 0);
    Some(NonZeroU16::new(bits)?.trailing_zeros() as usize / 2)
}

#[inline(always)]
fn bits(slots: &Line, upper_limit: u32, ignored: u32) -> Equal {
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    #[expect(unsafe_code, reason = "the compiler does not count on what the target promises")]
    // SAFETY: this is only compiled for processors that have the instructions.
    let bits = unsafe { equal_bits(slots, upper_limit, ignored) };
    #[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
    let bits = equal_bits_anywhere(slots, upper_limit, ignored);
    Equal(bits)
}

/// Numbers of slots in a window, ascending: two bits for each, the first one's the lowest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Equal(u16);

impl Equal {
    pub(super) const NONE: Self = Self(0);
}

impl Iterator for Equal {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        let at = NonZeroU16::new(self.0)?.trailing_zeros() as usize / 2;
        self.0 &= !(0b11 << (2 * at));
        Some(at)
    }
}

/// With the instructions that every processor of this kind has, for a compiler finds longer ones, and what waits for a
/// line keeps the next key from being looked for.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
#[target_feature(enable = "sse2")]
#[inline]
fn equal_bits(slots: &Line, upper_limit: u32, ignored: u32) -> u16 {
    use std::arch::x86_64::{
        _mm_castps_si128, _mm_castsi128_ps, _mm_cmpeq_epi32, _mm_movemask_epi8, _mm_or_si128,
        _mm_packs_epi32, _mm_set_epi64x, _mm_set1_epi32, _mm_shuffle_ps,
    };
    let wanted = _mm_set1_epi32(upper_limit.cast_signed());
    let ignored = _mm_set1_epi32(ignored.cast_signed());
    let pair = |at: usize| {
        let [low, high] = [slots[at], slots[at + 1]].map(i64::from_le_bytes);
        _mm_castsi128_ps(_mm_set_epi64x(high, low))
    };
    let are_equal = |at: usize| {
        // The upper halves of four slots.
        let halves = _mm_castps_si128(_mm_shuffle_ps::<0b11_01_11_01>(pair(at), pair(at + 2)));
        _mm_cmpeq_epi32(_mm_or_si128(halves, ignored), wanted)
    };
    _mm_movemask_epi8(_mm_packs_epi32(are_equal(0), are_equal(4))) as u16
}

#[cfg(any(test, not(all(target_arch = "x86_64", target_feature = "sse2"))))]
#[inline(always)]
fn equal_bits_anywhere(slots: &Line, upper_limit: u32, ignored: u32) -> u16 {
    let bits = |at: usize| if Slot::from_bytes(slots[at]).is_equal(upper_limit, ignored) { 0b11 } else { 0 };
    (0..WINDOW).fold(0, |all, at| all | bits(at) << (2 * at))
}

#[cfg(test)]
mod tests {
    use super::{super::slot::Position, *};

    #[test]
    fn equal_slots_are_found_alike_on_every_processor() {
        let position = Position::new(3, 8).expect("a slot can say it");
        let tags = [0, 0, 1, 7, 7, 15];
        let slot = |at: usize| tags.get(at).map_or(Slot::EMPTY, |&tag| Slot::new(tag << 60 | 5, position));
        let slots = std::array::from_fn(|at| slot(at).to_bytes());
        let expected: [(u64, &[usize]); 6] =
            [(0, &[0, 1]), (1, &[2]), (2, &[]), (7, &[3, 4]), (14, &[]), (15, &[5])];
        for (tag, expected) in expected {
            let limit = Slot::upper_limit(tag << 60);
            assert_eq!(equal(&slots, limit).collect::<Vec<_>>(), expected);
            assert_eq!(
                Equal(equal_bits_anywhere(&slots, limit, POSITION_HALF)).collect::<Vec<_>>(),
                expected
            );
        }
        // Only empty slots have the greatest tag here; they have no position.
        let limit = Slot::upper_limit(u64::MAX);
        assert_eq!(equal(&slots, limit).collect::<Vec<_>>(), [6, 7]);
        assert_eq!(Equal(equal_bits_anywhere(&slots, limit, POSITION_HALF)).collect::<Vec<_>>(), [6, 7]);
    }

    #[test]
    fn the_first_equal_slot_is_one_with_a_low_position() {
        let position = |chunk| Position::new(chunk, 8).expect("a slot can say it");
        let chunks = [(3, 1 << 14), (3, 5), (3, 6), (4, 1 << 14)];
        let slot = |at: usize| {
            chunks.get(at).map_or(Slot::EMPTY, |&(tag, chunk)| Slot::new(tag << 60, position(chunk)))
        };
        let slots = std::array::from_fn(|at| slot(at).to_bytes());
        let first = |hash| first_equal(&slots, Slot::upper_limit(hash));
        assert_eq!([2, 3, 4].map(|tag| first(tag << 60)), [None, Some(1), None]);
        assert_eq!(first(u64::MAX), None);
    }

    #[test]
    fn the_smaller_slots_are_counted() {
        let position = Position::new(3, 8).expect("a slot can say it");
        for limit in [0, 1, 4, 8, 15] {
            for count in 0..=WINDOW {
                let slot = |at: usize| match at {
                    at if at < count => Slot::new((at as u64) << 60, position),
                    _ => Slot::EMPTY,
                };
                let slots = std::array::from_fn(|at| slot(at).to_bytes());
                assert_eq!(smaller(&slots, Slot::upper_limit((limit as u64) << 60)), count.min(limit));
            }
        }
    }
}
