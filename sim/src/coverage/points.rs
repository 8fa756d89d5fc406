//! Where a checkpoint and a rescale can stand when something goes wrong.

use serde::Serialize;

/// The number of a point in the list of crash points that the checkpoint (C) and the rescale (R) of Apache
/// Flink have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[expect(missing_docs, reason = "POINTS says what each is")]
#[rustfmt::skip]
pub enum At {
    C1, C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, C12, C13, C14, C15, C16, C17,
    R1, R2, R3, R4, R5, R6, R7, R8, R9, R10, R11, R12, R13, R14, R15,
}

/// One place in the protocol at which a fault can strike.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Point {
    /// Its number.
    pub at: At,
    /// What is so there.
    pub sentence: &'static str,
    /// Why this protocol has no such place; `None` if it has.
    pub absent: Option<&'static str>,
}

const fn at(at: At, sentence: &'static str) -> Point {
    Point { at, sentence, absent: None }
}

const fn none(at: At, sentence: &'static str, why: &'static str) -> Point {
    Point { at, sentence, absent: Some(why) }
}

/// Every point, in the order of its bit in [`Points`]. Source: the crash points of Flink's checkpoint
/// (C) and rescale (R), as far as this protocol has them.
pub const POINTS: &[Point] = &[
    none(
        At::C1,
        "a checkpoint has its id and is not pending yet",
        "both happen in one step of the coordinator",
    ),
    at(At::C2, "a checkpoint is triggered, no source has taken its snapshot"),
    at(At::C3, "some sources have taken their snapshots, others have not"),
    at(At::C4, "all sources have, and some task waits for barriers"),
    none(
        At::C5,
        "a task has sent its barrier and its snapshot is half taken",
        "a snapshot is frozen in one step",
    ),
    at(At::C6, "a task has taken its snapshot and it is not stored yet"),
    at(At::C7, "a snapshot is stored and not acknowledged yet"),
    at(At::C8, "acknowledgements are on their way"),
    at(At::C9, "all have acknowledged, nothing of the commit is stored"),
    at(At::C10, "the list of outputs is stored, the manifest is not"),
    at(At::C11, "the manifest is stored and its creator does not know"),
    at(At::C12, "a checkpoint is committed, what it subsumes is still there"),
    at(At::C13, "some of what is garbage is deleted, the rest is not"),
    at(At::C14, "some tasks know of the commit, others do not"),
    none(
        At::C15,
        "a sink has committed outside and has not noted it",
        "output is committed by the manifest itself",
    ),
    at(At::C16, "a checkpoint was given up while acknowledgements were on their way"),
    at(At::C17, "an old leader still takes itself for the leader"),
    at(At::R1, "a rescale is decided while a checkpoint is pending"),
    at(At::R2, "a checkpoint was committed since the rescale was decided, the old attempt still runs"),
    at(At::R3, "some tasks of the old attempt are gone, others still run"),
    at(At::R4, "all tasks of the old attempt are gone, the new one is not planned"),
    at(At::R5, "hosts have come or gone since the old attempt ended, the new one is not planned"),
    at(At::R6, "the new attempt is planned, no host knows"),
    at(At::R7, "some hosts know of the new attempt, others do not"),
    at(At::R8, "a task of the new attempt reads its state"),
    none(At::R9, "a local directory is half made", "state is built in memory; there is none"),
    at(At::R10, "some tasks of the new attempt have restored, others have not"),
    none(
        At::R11,
        "the checkpoint that is read is subsumed meanwhile",
        "nothing is committed until everybody has restored",
    ),
    at(At::R12, "the new attempt runs and has committed nothing"),
    at(At::R13, "a message of an old attempt arrives"),
    none(
        At::R14,
        "transactions of a sink belong to other tasks now",
        "output is committed by the manifest itself",
    ),
    at(At::R15, "the first checkpoint of the new attempt was given up"),
];

/// A set of points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Points(u32);

impl Points {
    /// Adds a point if it is so.
    pub(super) fn add(&mut self, at: At, is_so: bool) {
        self.0 |= u32::from(is_so) << at as u32;
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its points that are not in the other set.
    pub(super) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The positions of its points in [`POINTS`].
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..POINTS.len()).filter(move |index| self.0 & 1 << index != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_has_its_bit_and_its_place() {
        assert!(POINTS.iter().enumerate().all(|(index, point)| point.at as usize == index));
        assert_eq!(POINTS.len(), 32);
        let mut points = Points::default();
        points.add(At::C2, true);
        points.add(At::R15, true);
        points.add(At::C3, false);
        assert!(points.iter().map(|index| POINTS[index].at).eq([At::C2, At::R15]));
    }
}
