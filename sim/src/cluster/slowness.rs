//! Tasks that cannot keep up: what they take in one turn is bounded for a while, so that channels fill and
//! sources must wait.

use super::Cluster;
use crate::wire::now_us;

/// What an operator's task may still take until the next tick. A message is taken as a whole; what was too
/// much of it is missing in the next turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Unbounded,
    Left(i64),
}

impl Turn {
    pub(super) fn new(cluster: &Cluster) -> Self {
        Self::Unbounded.after(cluster.scenario.variety.records_per_turn(now_us()))
    }

    /// The next one begins.
    pub(super) fn begin(&mut self, cluster: &Cluster) {
        *self = self.after(cluster.scenario.variety.records_per_turn(now_us()));
    }

    fn after(self, records: Option<u32>) -> Self {
        match (self, records) {
            (_, None) => Self::Unbounded,
            (Self::Unbounded, Some(records)) => Self::Left(records.into()),
            (Self::Left(left), Some(records)) => Self::Left(left.min(0) + i64::from(records)),
        }
    }

    pub(super) fn take(&mut self, records: usize) {
        if let Self::Left(left) = self {
            *left -= records as i64;
        }
    }

    pub(super) fn is_over(self) -> bool {
        matches!(self, Self::Left(..=0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_message_takes_too_much_is_missing_in_the_next_turns() {
        let mut turn = Turn::Unbounded.after(Some(2));
        turn.take(5);
        assert!(turn.is_over());
        turn = turn.after(Some(2));
        assert_eq!((turn, turn.is_over()), (Turn::Left(-1), true));
        assert_eq!(turn.after(Some(2)), Turn::Left(1));
        assert_eq!(turn.after(None), Turn::Unbounded);
        assert!(!Turn::Unbounded.is_over());
    }
}
