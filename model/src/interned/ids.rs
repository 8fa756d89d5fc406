//! A state as a row of numbers.

use std::hash::{Hash, Hasher};

use super::arena::spread;
use crate::story::Story;

/// How many components a state can have.
const WIDTH: usize = 18;

/// Where each component of a state is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) coordinators: usize,
    pub(crate) hosts: usize,
}

impl Shape {
    /// # Panics
    ///
    /// If the story has more than six processes: stories are written by hand.
    pub(crate) fn of(story: &Story) -> Self {
        let shape = Self { coordinators: usize::from(story.coordinators), hosts: story.hosts.len() };
        assert!(shape.width() <= WIDTH, "a story has at most six coordinators and hosts");
        shape
    }

    pub(crate) fn coordinator(self, index: usize) -> usize {
        index
    }

    pub(crate) fn host(self, index: usize) -> usize {
        self.coordinators + index
    }

    pub(crate) fn mail_of_host(self, index: usize) -> usize {
        self.coordinators + self.hosts + index
    }

    pub(crate) fn mail_of_coordinator(self, index: usize) -> usize {
        self.coordinators + 2 * self.hosts + index
    }

    pub(crate) fn store(self) -> usize {
        2 * (self.coordinators + self.hosts)
    }

    pub(crate) fn late(self) -> usize {
        self.store() + 1
    }

    pub(crate) fn history(self) -> usize {
        self.store() + 2
    }

    pub(crate) fn budget(self) -> usize {
        self.store() + 3
    }

    pub(crate) fn violation(self) -> usize {
        self.store() + 4
    }

    pub(crate) fn width(self) -> usize {
        self.store() + 5
    }
}

/// The number of each component of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Row([u32; WIDTH]);

impl Row {
    pub(crate) fn get(&self, slot: usize) -> u32 {
        self.0[slot]
    }

    pub(crate) fn put(&mut self, slot: usize, id: u32) {
        self.0[slot] = id;
    }
}

/// One state: the number of each of its components.
#[derive(Clone, Copy, Debug)]
pub struct Ids {
    row: Row,
    print: u64,
}

impl Ids {
    pub(crate) fn empty() -> Self {
        Self { row: Row([0; WIDTH]), print: 0 }
    }

    pub(crate) fn get(&self, slot: usize) -> u32 {
        self.row.get(slot)
    }

    pub(crate) fn row(&self) -> &Row {
        &self.row
    }

    /// Puts the first component into an empty slot.
    pub(crate) fn fill(&mut self, places: &Places, slot: usize, id: u32, digest: u64) {
        self.print ^= places.print(slot, digest);
        self.row.put(slot, id);
    }

    /// The state with these numbers, which differs in a few from this one.
    pub(crate) fn with(&self, row: Row, places: &Places, digest: impl Fn(usize, u32) -> u64) -> Self {
        let mut print = self.print;
        for slot in 0..WIDTH {
            let (before, now) = (self.get(slot), row.get(slot));
            if before != now {
                print ^= places.print(slot, digest(slot, before)) ^ places.print(slot, digest(slot, now));
            }
        }
        Self { row, print }
    }

    /// 64 bits that differ where states differ, but for accidents, and are the same in every process
    /// and on any number of threads.
    pub fn print(&self) -> u64 {
        self.print
    }
}

impl PartialEq for Ids {
    fn eq(&self, other: &Self) -> bool {
        self.row == other.row
    }
}

impl Eq for Ids {}

// By number and not by print, so that who counts states by this hash counts them independently.
impl Hash for Ids {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.row.hash(hasher);
    }
}

/// What tells slots apart, and one model's prints from another's.
///
/// Zobrist hashing (1970): a state's print is the sum of those of its components, so that a step costs
/// what it changes.
pub(crate) struct Places([u64; WIDTH]);

impl Places {
    pub(crate) fn new(salt: u64) -> Self {
        Self(std::array::from_fn(|slot| spread(salt.wrapping_add(slot as u64 + 1))))
    }

    fn print(&self, slot: usize, digest: u64) -> u64 {
        spread(digest ^ self.0[slot])
    }
}
