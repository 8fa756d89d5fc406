//! Where the contents of key groups lie, checkpoint by checkpoint.

use std::collections::BTreeMap;

use crate::checkpoint::CheckpointId;

/// What one task knows of its key groups' contents in durable objects. `T` says where those of one
/// checkpoint lie.
///
/// No clock of writes is needed: a key group remembers after which checkpoint it was written to last. It
/// holds what it held at checkpoint c exactly if that is an older one than c.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lineage<T> {
    // The newest checkpoint that was frozen, or the restored one.
    newest: CheckpointId,
    // For each key group the value of `newest` when it was written to last; `NONE` if it never was.
    written_after: Vec<CheckpointId>,
    // Of the restored checkpoint and those frozen since, as far as they can still be leant on.
    places: BTreeMap<CheckpointId, T>,
}

impl<T> Lineage<T> {
    /// Of `key_groups` key groups without contents.
    pub fn new(key_groups: usize) -> Self {
        let written_after = vec![CheckpointId::NONE; key_groups];
        Self { newest: CheckpointId::NONE, written_after, places: BTreeMap::new() }
    }

    /// The task starts from `checkpoint`, whose contents lie in `places`, before it is frozen for any. Said
    /// again, with more places, as more is read; a task that is restored from two checkpoints leans on
    /// neither.
    pub fn restored(&mut self, checkpoint: CheckpointId, places: T) {
        let first = self.newest == CheckpointId::NONE;
        self.places.clear();
        if first || self.newest == checkpoint {
            self.places.insert(checkpoint, places);
        }
        self.newest = self.newest.max(checkpoint);
    }

    /// The newest checkpoint that the task was frozen for, or the one it was restored from.
    pub const fn newest(&self) -> CheckpointId {
        self.newest
    }

    /// Where the contents of `checkpoint` lie, if that is known and can be leant on.
    pub fn places(&self, checkpoint: CheckpointId) -> Option<&T> {
        self.places.get(&checkpoint)
    }

    /// The key group number `slot` is written to.
    #[inline]
    pub fn write(&mut self, slot: usize) {
        if let Some(written_after) = self.written_after.get_mut(slot) {
            *written_after = self.newest;
        }
    }

    /// Which key groups `checkpoint`, for which the task is to be frozen now, need not write again;
    /// `confirmed` is the newest committed checkpoint.
    ///
    /// Checkpoints ascend. One that does not gets no help, and nothing will lean on it: what was known of
    /// its namesake could be wrong.
    pub fn unchanged(&self, checkpoint: CheckpointId, confirmed: CheckpointId) -> Unchanged<'_, T> {
        let ascends = checkpoint > self.newest && checkpoint > confirmed;
        let places = if ascends { self.places(confirmed) } else { None };
        Unchanged { written_after: &self.written_after, confirmed, places }
    }

    /// The task is frozen for `checkpoint`, whose contents will lie in `places`; `confirmed` as in
    /// [`unchanged`](Self::unchanged).
    pub fn freeze(&mut self, checkpoint: CheckpointId, confirmed: CheckpointId, places: T) {
        // One at a time: those between `confirmed` and this one were given up, and nothing may lean on
        // them; those before it are subsumed by it.
        self.places.retain(|known, _| *known == confirmed);
        if checkpoint <= self.newest || checkpoint <= confirmed {
            self.places.clear();
        } else {
            self.places.insert(checkpoint, places);
            self.newest = checkpoint;
        }
    }
}

/// The key groups that hold what they held at the confirmed checkpoint.
#[derive(Debug)]
pub struct Unchanged<'a, T> {
    written_after: &'a [CheckpointId],
    confirmed: CheckpointId,
    places: Option<&'a T>,
}

impl<'a, T> Unchanged<'a, T> {
    /// Where the contents of the confirmed checkpoint lie, if that is known.
    pub fn places(&self) -> Option<&'a T> {
        self.places
    }

    /// Whether the key group number `slot` was not written to since.
    pub fn is_unchanged(&self, slot: usize) -> bool {
        self.written_after.get(slot).is_some_and(|written_after| *written_after < self.confirmed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn id(id: u64) -> CheckpointId {
        CheckpointId(id)
    }

    fn frozen(lineage: &mut Lineage<u64>, checkpoint: u64, confirmed: u64) -> Option<(u64, Vec<usize>)> {
        let unchanged = lineage.unchanged(id(checkpoint), id(confirmed));
        let slots = (0..3).filter(|slot| unchanged.is_unchanged(*slot)).collect();
        let found = unchanged.places().map(|places| (*places, slots));
        lineage.freeze(id(checkpoint), id(confirmed), checkpoint);
        found
    }

    #[test]
    fn first_checkpoint_leans_on_nothing() {
        let mut lineage = Lineage::new(3);
        lineage.write(0);
        assert_eq!(frozen(&mut lineage, 1, 0), None);
    }

    #[test]
    fn what_was_not_written_to_since_the_confirmed_checkpoint_is_unchanged() {
        let mut lineage = Lineage::new(3);
        lineage.write(0);
        assert_eq!(frozen(&mut lineage, 1, 0), None);
        lineage.write(1);
        assert_eq!(frozen(&mut lineage, 2, 1), Some((1, vec![0, 2])));
        lineage.write(2);
        assert_eq!(frozen(&mut lineage, 3, 2), Some((2, vec![0, 1])));
    }

    /// FLINK-24611: what later checkpoints leant on was deleted with an aborted one.
    #[test]
    fn nothing_leans_on_an_aborted_checkpoint() {
        let mut lineage = Lineage::new(3);
        frozen(&mut lineage, 1, 0);
        lineage.write(0);
        frozen(&mut lineage, 2, 1);
        lineage.write(1);
        // 2 was aborted: what changed before it changed since 1.
        assert_eq!(frozen(&mut lineage, 3, 1), Some((1, vec![2])));
        assert_eq!(frozen(&mut lineage, 4, 2), None);
    }

    #[test]
    fn restored_checkpoint_is_leant_on_until_a_newer_one_is_confirmed() {
        let mut lineage = Lineage::new(3);
        lineage.restored(id(7), 7);
        lineage.write(1);
        assert_eq!(frozen(&mut lineage, 8, 7), Some((7, vec![0, 2])));
        lineage.write(2);
        assert_eq!(frozen(&mut lineage, 9, 7), Some((7, vec![0])));
        assert_eq!(frozen(&mut lineage, 10, 9), Some((9, vec![0, 1, 2])));
    }

    #[test]
    fn task_of_two_checkpoints_leans_on_neither() {
        let mut lineage = Lineage::new(3);
        lineage.restored(id(7), 7);
        lineage.restored(id(7), 70);
        assert_eq!(lineage.places(id(7)), Some(&70));
        lineage.restored(id(8), 8);
        assert_eq!(frozen(&mut lineage, 9, 7), None);
    }

    #[test]
    fn confirmed_checkpoint_that_is_not_known_is_not_leant_on() {
        let mut lineage = Lineage::new(3);
        lineage.restored(id(7), 7);
        assert_eq!(frozen(&mut lineage, 9, 8), None);
        assert_eq!(frozen(&mut lineage, 10, 7), None);
    }

    #[test]
    fn checkpoint_frozen_twice_is_leant_on_by_nobody() {
        let mut lineage = Lineage::new(3);
        frozen(&mut lineage, 1, 0);
        lineage.write(0);
        assert_eq!(frozen(&mut lineage, 1, 0), None);
        assert_eq!(frozen(&mut lineage, 2, 1), None);
    }
}
