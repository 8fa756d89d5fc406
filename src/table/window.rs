//! Eight slots looked at together.
//!
//! How far a key lies from its home cannot be predicted, and a wrong prediction keeps the processor from
//! looking for several keys at once, which is most of its speed. So the slots that are smaller than the
//! wanted tag are counted without a branch, and by arithmetic: a compiler makes few instructions of
//! it, several slots in each, where of eight comparisons it makes eight.

use std::num::NonZeroU16;

use super::slot::{POSITION_HALF, Slot};
use crate::raw::processor::equal_upper_halves;

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
    Equal(equal_upper_halves(slots, upper_limit, POSITION_HALF))
}

/// The first of `slots` that has the tag whose [`Slot::upper_limit`] this is and a [`low_position`](Slot::low_position).
#[inline(always)]
pub(super) fn first_equal(slots: &Line, upper_limit: u32) -> Option<usize> {
    Equal(equal_upper_halves(slots, upper_limit, 0)).next()
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

#[cfg(test)]
mod tests {
    use super::{super::slot::Position, *};

    #[test]
    fn equal_slots_are_found_and_with_the_greatest_tag_empty_ones() {
        let position = Position::new(3, 8).expect("a slot can say it");
        let tags = [0, 0, 1, 7, 7, 15];
        let slot = |at: usize| tags.get(at).map_or(Slot::EMPTY, |&tag| Slot::new(tag << 60 | 5, position));
        let slots = std::array::from_fn(|at| slot(at).to_bytes());
        let expected: [(u64, &[usize]); 6] =
            [(0, &[0, 1]), (1, &[2]), (2, &[]), (7, &[3, 4]), (14, &[]), (15, &[5])];
        for (tag, expected) in expected {
            let limit = Slot::upper_limit(tag << 60);
            assert_eq!(equal(&slots, limit).collect::<Vec<_>>(), expected);
        }
        // Only empty slots have the greatest tag here; they have no position.
        let limit = Slot::upper_limit(u64::MAX);
        assert_eq!(equal(&slots, limit).collect::<Vec<_>>(), [6, 7]);
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
