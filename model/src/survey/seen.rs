//! The states that were seen, each in 16 bytes and its share of free room.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// The lowest bits of a state's print say in which shard it is, so that in its slot there is room for its
/// depth.
const DEPTH_BITS: u32 = 10;
const SHARDS: usize = 1 << DEPTH_BITS;
const DEPTH: u64 = SHARDS as u64 - 1;

/// No state that is farther away from the beginning can be kept.
pub(super) const DEPTH_MAX: usize = SHARDS - 2;

/// Where each state was first reached from: of two ways of the same length the one through the smaller
/// parent counts.
///
/// Threads reach states without a lock. A table never grows while they do: they notice that one is
/// [crowded](Self::is_crowded), end what they are at, and one of them makes room.
pub(super) struct Seen {
    shards: Box<[Shard]>,
    crowded: AtomicBool,
}

struct Shard {
    slots: Box<[Slot]>,
    used: AtomicUsize,
}

// Whoever fills a slot's first word owns it. The second is the smallest that anybody gives.
struct Slot {
    // The print but for its lowest bits, and the depth plus 1; 0 is nobody's.
    state: AtomicU64,
    parent: AtomicU64,
}

/// A state on a shortest way to it.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub(super) print: u64,
    pub(super) parent: u64,
    pub(super) depth: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    New,
    Known,
    /// Try again when there is more room.
    NoRoom,
}

impl Seen {
    pub(super) fn new() -> Self {
        let shards = (0..SHARDS).map(|_| Shard::new(32)).collect();
        Self { shards, crowded: AtomicBool::new(false) }
    }

    /// What becomes of a state that was reached.
    ///
    /// # Panics
    ///
    /// If it is deeper than [`DEPTH_MAX`].
    pub(super) fn reach(&self, new: Known) -> Reached {
        assert!(new.depth <= DEPTH_MAX, "a state is at most {DEPTH_MAX} steps away");
        let shard = &self.shards[new.print as usize % SHARDS];
        let state = (new.print & !DEPTH) | (new.depth as u64 + 1);
        for slot in shard.from(new.print) {
            let mut known = slot.state.load(Ordering::Relaxed);
            if known == 0 {
                match slot.state.compare_exchange(0, state, Ordering::Relaxed, Ordering::Relaxed) {
                    Ok(_) => {
                        slot.parent.fetch_min(new.parent, Ordering::Relaxed);
                        let used = shard.used.fetch_add(1, Ordering::Relaxed) + 1;
                        // Looks stay short while a quarter is free.
                        if used * 4 > shard.slots.len() * 3 {
                            self.crowded.store(true, Ordering::Relaxed);
                        }
                        return Reached::New;
                    }
                    Err(other) => known = other,
                }
            }
            if known == state {
                slot.parent.fetch_min(new.parent, Ordering::Relaxed);
                return Reached::Known;
            }
            if (known ^ state) & !DEPTH == 0 {
                return Reached::Known;
            }
        }
        self.crowded.store(true, Ordering::Relaxed);
        Reached::NoRoom
    }

    /// Whether it is time to make room.
    pub(super) fn is_crowded(&self) -> bool {
        self.crowded.load(Ordering::Relaxed)
    }

    /// Makes room where there is little. One table at a time, so that both the old and the new take memory
    /// for a small part of the states only.
    pub(super) fn make_room(&mut self) {
        for (number, shard) in self.shards.iter_mut().enumerate() {
            // Those that would be next too: a pause of all threads costs more than some room.
            if *shard.used.get_mut() * 5 > shard.slots.len() * 3 {
                shard.grow(number as u64);
            }
        }
        *self.crowded.get_mut() = false;
    }

    /// The states on a shortest way, the first left out.
    pub(super) fn way_to(&self, mut state: u64) -> Vec<u64> {
        let mut way = Vec::new();
        loop {
            let known = self.find(state);
            if known.depth == 0 {
                way.reverse();
                return way;
            }
            way.push(state);
            state = known.parent;
        }
    }

    fn find(&self, print: u64) -> Known {
        let shard = &self.shards[print as usize % SHARDS];
        let is = |slot: &&Slot| (slot.state.load(Ordering::Relaxed) ^ print) & !DEPTH == 0;
        let slot = shard.from(print).find(is).expect("a state that was seen");
        let depth = (slot.state.load(Ordering::Relaxed) & DEPTH) as usize - 1;
        Known { print, parent: slot.parent.load(Ordering::Relaxed), depth }
    }
}

impl Shard {
    fn new(slots: usize) -> Self {
        let free = || Slot { state: AtomicU64::new(0), parent: AtomicU64::new(u64::MAX) };
        Self { slots: (0..slots).map(|_| free()).collect(), used: AtomicUsize::new(0) }
    }

    // All slots, first the one where a state should be. A print is as good as random, so it is its own hash.
    fn from(&self, print: u64) -> impl Iterator<Item = &Slot> {
        let home = (u128::from(print) * self.slots.len() as u128) >> 64;
        let (before, behind) = self.slots.split_at(home as usize);
        behind.iter().chain(before)
    }

    // By half: doubling would leave more than half of the memory free.
    fn grow(&mut self, number: u64) {
        let mut larger = Self::new(self.slots.len() / 2 * 3);
        for slot in &mut self.slots {
            let state = *slot.state.get_mut();
            if state != 0 {
                let free = |it: &&Slot| it.state.load(Ordering::Relaxed) == 0;
                let to = larger.from((state & !DEPTH) | number).find(free).expect("a larger table has room");
                to.state.store(state, Ordering::Relaxed);
                to.parent.store(*slot.parent.get_mut(), Ordering::Relaxed);
            }
        }
        larger.used = AtomicUsize::new(*self.used.get_mut());
        *self = larger;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // As good as random, and all different.
    fn print(number: u64) -> u64 {
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32)
    }

    #[test]
    fn every_state_is_new_once_and_keeps_its_parent_while_tables_grow() {
        const STATES: u64 = 200_000;
        let mut seen = Seen::new();
        for number in 0..STATES {
            let new = Known { print: print(number), parent: number, depth: number as usize % DEPTH_MAX };
            while seen.reach(new) == Reached::NoRoom {
                seen.make_room();
            }
        }
        for number in 0..STATES {
            let known = seen.find(print(number));
            assert_eq!((known.parent, known.depth), (number, number as usize % DEPTH_MAX));
            assert!(seen.reach(Known { parent: 0, depth: DEPTH_MAX, ..known }) == Reached::Known);
            assert_eq!(seen.find(print(number)).parent, number, "a longer way changes nothing");
        }
    }

    #[test]
    fn of_equally_short_ways_that_through_the_smaller_parent_counts() {
        for parents in [[3, 5], [5, 3]] {
            let seen = Seen::new();
            for parent in parents {
                seen.reach(Known { print: print(9), parent, depth: 2 });
            }
            assert_eq!(seen.find(print(9)).parent, 3);
        }
    }
}
