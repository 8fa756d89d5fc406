//! Eight slots looked at together.
//!
//! How far a key lies from its home cannot be predicted, and a wrong prediction keeps the processor from
//! looking for several keys at once, which is most of its speed. So the slots that are smaller than the
//! wanted tag are counted without a branch, and by arithmetic: a compiler makes few instructions of
//! it, several slots in each, where of eight comparisons it makes eight.

use super::slot::Slot;

/// A line of the cache.
pub(super) const WINDOW: usize = 8;

/// How many of `slots` are not empty and have a smaller tag than that whose [`Slot::upper_limit`] this is.
///
/// A function of its own: where it is inlined, the compiler makes eight comparisons of it.
#[inline(never)]
pub(super) fn smaller(slots: &[[u8; Slot::BYTES]; WINDOW], upper_limit: u32) -> usize {
    slots.iter().map(|&slot| u32::from(Slot::from_bytes(slot).is_smaller(upper_limit))).sum::<u32>() as usize
}

#[cfg(test)]
mod tests {
    use super::{super::slot::Position, *};

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
