//! What a restore reads for what it owns.

use super::RescalePlan;

/// Bytes that all new subtasks of a plan own, and bytes that they read for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Amplification {
    /// Bytes of the state.
    pub owned_bytes: u64,
    /// How many indexes are read: one for each snapshot that a subtask reads something of.
    pub indexes: u64,
    /// Bytes of these indexes.
    pub index_bytes: u64,
    /// Bytes of all snapshots that a subtask needs something of, once for each subtask that does: what is
    /// read where whole files are fetched and what is not owned is thrown away afterwards, as Flink 2.3.0 does
    /// when it rescales RocksDB's incremental checkpoints.
    pub whole_bytes: u64,
}

impl Amplification {
    /// Bytes that are read: what is owned, once, and the indexes that say where it lies.
    pub const fn read_bytes(&self) -> u64 {
        self.owned_bytes.saturating_add(self.index_bytes)
    }

    /// Bytes read for each byte owned; `None` if there is no state.
    pub fn read(&self) -> Option<f64> {
        self.for_each_owned(self.read_bytes())
    }

    /// The same where whole snapshots are fetched.
    pub fn whole(&self) -> Option<f64> {
        self.for_each_owned(self.whole_bytes)
    }

    fn for_each_owned(&self, bytes: u64) -> Option<f64> {
        (self.owned_bytes > 0).then(|| bytes as f64 / self.owned_bytes as f64)
    }
}

impl RescalePlan {
    /// What is read when all key groups together have `state_bytes`, each as many, and the index of a snapshot of so
    /// many key groups has `index_bytes`, such as
    /// [`snapshot::index_bytes_at_least`](crate::snapshot::index_bytes_at_least).
    pub fn amplification(&self, state_bytes: u64, index_bytes: impl Fn(usize) -> u64) -> Amplification {
        let old = self.old_lengths();
        let reads = || self.subtasks().iter().flat_map(|subtask| &subtask.reads);
        let whole: u64 = reads().map(|read| old[read.from.index()] as u64).sum();
        let max = u128::from(self.max_parallelism().get());
        let whole_bytes = u128::from(state_bytes) * u128::from(whole) / max;
        Amplification {
            owned_bytes: state_bytes,
            indexes: reads().count() as u64,
            index_bytes: reads().map(|read| index_bytes(old[read.from.index()])).sum(),
            whole_bytes: u64::try_from(whole_bytes).unwrap_or(u64::MAX),
        }
    }

    /// The number of key groups of each old subtask.
    pub(super) fn old_lengths(&self) -> Vec<usize> {
        let mut lengths = vec![0; usize::from(self.from().get())];
        for read in self.subtasks().iter().flat_map(|subtask| &subtask.reads) {
            lengths[read.from.index()] += read.key_groups.len();
        }
        lengths
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        key_group::{MaxParallelism, Parallelism},
        snapshot::index_bytes_at_least,
    };

    fn plan(from: u32, to: u32) -> RescalePlan {
        let parallelism = |number| Parallelism::new(number).unwrap();
        RescalePlan::between(MaxParallelism::new(128).unwrap(), parallelism(from), parallelism(to)).unwrap()
    }

    #[test]
    fn whole_snapshots_are_read_by_everybody_who_needs_a_part() {
        for (from, to, indexes, whole) in [(2, 4, 4, 2.0), (4, 2, 4, 1.0), (3, 3, 3, 1.0), (1, 5, 5, 5.0)] {
            let amplification = plan(from, to).amplification(1 << 40, index_bytes_at_least);
            assert_eq!(amplification.indexes, indexes, "{from} to {to}");
            assert!(
                (amplification.whole().unwrap() - whole).abs() < 1e-9,
                "{from} to {to}: {amplification:?}"
            );
        }
        // Task 0 needs old tasks 0 and 1, task 1 needs 1 and 2, task 2 needs 2 and 3.
        let amplification = plan(4, 3).amplification(128, index_bytes_at_least);
        assert_eq!((amplification.indexes, amplification.whole_bytes), (6, 6 * 32));
    }

    #[test]
    fn what_is_read_is_what_is_owned_and_the_indexes() {
        let amplification = plan(2, 4).amplification(1_000_000, index_bytes_at_least);
        assert_eq!(amplification.index_bytes, 4 * (70 + 64 * 55 + 4));
        assert_eq!(amplification.read_bytes(), 1_000_000 + amplification.index_bytes);
        assert_eq!(plan(2, 4).amplification(0, index_bytes_at_least).read(), None);
    }
}
