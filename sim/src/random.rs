//! Randomness by purpose: every part of a simulation draws from a stream of its own.
//!
//! Streams are derived from (seed, purpose), so a new draw in one part (a further kind of fault, say)
//! leaves the draws of all the others as they were. That keeps a failing seed comparable while the code
//! around it changes.

use fastrand::Rng;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The generator for `purpose` in the simulation of `seed`; equal arguments give equal draws.
#[must_use]
pub fn stream(seed: u64, purpose: &str) -> Rng {
    Rng::with_seed(xxh3_64_with_seed(purpose.as_bytes(), seed))
}

/// True with a probability of `per_million` in a million.
///
/// Draws nothing when the probability is zero: a calm link costs no randomness.
pub fn happens(random: &mut Rng, per_million: u32) -> bool {
    per_million > 0 && random.u32(0..1_000_000) < per_million
}

/// A whole number of `range`, both ends inclusive.
pub fn between(random: &mut Rng, range: (u64, u64)) -> u64 {
    random.u64(range.0..=range.1.max(range.0))
}

/// A whole number of `range`, both ends inclusive, whose order of magnitude is uniform: as many draws
/// fall between 1 and 2 ms as between 1 and 2 s.
pub fn spread(random: &mut Rng, range: (u64, u64)) -> u64 {
    let (low, high) = (range.0.max(1), range.1.max(range.0).max(1));
    let octave = random.u32(low.ilog2()..=high.ilog2());
    let octave = (1 << octave, (1 << octave) + ((1_u64 << octave) - 1));
    between(random, (octave.0.max(low), octave.1.min(high)))
}

/// One of `choices`.
///
/// # Panics
/// If there is none.
pub fn pick<T: Copy>(random: &mut Rng, choices: &[T]) -> T {
    choices[random.usize(0..choices.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_purpose_and_repeat_by_seed() {
        let draw = |seed, purpose| stream(seed, purpose).u64(..);
        assert_eq!(draw(7, "network"), draw(7, "network"));
        assert_ne!(draw(7, "network"), draw(7, "storage"));
        assert_ne!(draw(7, "network"), draw(8, "network"));
    }

    #[test]
    fn spread_stays_in_its_range_and_reaches_both_ends_of_the_scale() {
        let mut random = stream(2, "test");
        let draws: Vec<_> = (0..1000).map(|_| spread(&mut random, (1_000, 20_000_000))).collect();
        assert!(draws.iter().all(|draw| (1_000..=20_000_000).contains(draw)));
        assert!(draws.iter().filter(|draw| **draw < 10_000).count() > 100);
        assert!(draws.iter().filter(|draw| **draw > 1_000_000).count() > 100);
    }

    #[test]
    fn certain_and_impossible_events_are_exactly_that() {
        let mut random = stream(1, "test");
        assert!((0..1000).all(|_| happens(&mut random, 1_000_000)));
        assert!((0..1000).all(|_| !happens(&mut random, 0)));
    }
}
