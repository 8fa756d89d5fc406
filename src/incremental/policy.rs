//! On which older objects a snapshot leans, of those on which it could.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    checkpoint::{BASES_MAX, ObjectName},
    key_group::KeyGroup,
};

/// What a snapshot would need of one base, for one key group or for several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BaseUse {
    /// The base.
    pub object: ObjectName,
    /// Length of the sections it would need, in bytes.
    pub used_bytes: u64,
    /// Length of all sections in the base, in bytes.
    pub section_bytes: u64,
    /// How many key groups the base was taken of.
    pub key_groups: u16,
}

/// Bounds what a snapshot leans on. What it does not lean on it writes again, so that old objects empty
/// and become garbage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncrementalPolicy {
    bases_max: usize,
    used_percent_min: u8,
}

/// A policy that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// More than a manifest may name.
    #[error("a snapshot leans on at most {BASES_MAX} objects, not on {found}")]
    BasesMax {
        /// The bound asked for.
        found: usize,
    },
    /// More than all.
    #[error("at most 100 percent of a base can be needed, not {found}")]
    UsedPercent {
        /// The share asked for.
        found: u8,
    },
}

impl Default for IncrementalPolicy {
    /// At most 4 bases, each with at least a quarter of its share in use.
    fn default() -> Self {
        Self { bases_max: 4, used_percent_min: 25 }
    }
}

impl IncrementalPolicy {
    /// Every snapshot holds everything.
    pub const FULL: Self = Self { bases_max: 0, used_percent_min: 0 };

    /// On how many objects a snapshot leans at most, 0 to [`BASES_MAX`]; default 4. More write less again
    /// at each checkpoint, and cost a restore more requests and the store more space.
    ///
    /// # Errors
    ///
    /// [`PolicyError::BasesMax`].
    pub const fn with_bases_max(self, bases_max: usize) -> Result<Self, PolicyError> {
        if bases_max > BASES_MAX {
            return Err(PolicyError::BasesMax { found: bases_max });
        }
        Ok(Self { bases_max, ..self })
    }

    /// The share of a base, 0 to 100 percent, below which it is not leant on any more; default 25: at most
    /// three quarters of what a base occupies is dead. A task that owns fewer key groups than the base was
    /// taken of, after a rescale, is held to its part of it.
    ///
    /// # Errors
    ///
    /// [`PolicyError::UsedPercent`].
    pub const fn with_used_percent_min(self, used_percent_min: u8) -> Result<Self, PolicyError> {
        if used_percent_min > 100 {
            return Err(PolicyError::UsedPercent { found: used_percent_min });
        }
        Ok(Self { used_percent_min, ..self })
    }

    /// Which of the `possible` references to older objects a snapshot of `key_groups` key groups makes;
    /// `needs` says what one of them needs of its base.
    pub fn leant_on<'a, T: 'a>(
        &self,
        possible: impl Iterator<Item = (KeyGroup, &'a T)> + Clone,
        needs: impl Fn(&T) -> BaseUse,
        key_groups: usize,
    ) -> impl Iterator<Item = (KeyGroup, &'a T)> {
        let mut uses: BTreeMap<ObjectName, BaseUse> = BTreeMap::new();
        for (_, place) in possible.clone() {
            let need = needs(place);
            let base = uses.entry(need.object).or_insert(BaseUse { used_bytes: 0, ..need });
            base.used_bytes = base.used_bytes.saturating_add(need.used_bytes);
        }
        let kept = self.kept(uses.into_values(), key_groups);
        possible.filter(move |(_, place)| kept.contains(&needs(place).object))
    }

    /// The bases that a snapshot of `key_groups` key groups leans on, of the `uses` it could make; each
    /// base at most once. Those that are nearly dead are left; then, if there are still too many, those of
    /// which the fewest bytes are needed, because writing these again costs least; of equals the older.
    fn kept(&self, uses: impl IntoIterator<Item = BaseUse>, key_groups: usize) -> BTreeSet<ObjectName> {
        let mut alive: Vec<BaseUse> =
            uses.into_iter().filter(|base| base.used_bytes > 0 && self.is_alive(base, key_groups)).collect();
        alive.sort_unstable_by_key(|base| (base.used_bytes, base.object));
        let rewritten = alive.len().saturating_sub(self.bases_max);
        alive.into_iter().skip(rewritten).map(|base| base.object).collect()
    }

    fn is_alive(&self, base: &BaseUse, key_groups: usize) -> bool {
        // used ≥ percent · all · (own key groups / its key groups), in whole numbers.
        let of = u128::from(base.key_groups).max(1);
        let own = (key_groups as u128).min(of);
        let needed = u128::from(self.used_percent_min) * u128::from(base.section_bytes) * own;
        u128::from(base.used_bytes) * 100 * of >= needed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        checkpoint::{Attempt, CheckpointId, LeaderEpoch, TaskId, VertexId},
        key_group::Subtask,
    };

    fn object(checkpoint: u64) -> ObjectName {
        let attempt = Attempt { epoch: LeaderEpoch(1), run: 1 };
        let task = TaskId { vertex: VertexId(0), subtask: Subtask(0) };
        ObjectName::State { attempt, task, checkpoint: CheckpointId(checkpoint) }
    }

    fn of(checkpoint: u64, used_bytes: u64, section_bytes: u64) -> BaseUse {
        BaseUse { object: object(checkpoint), used_bytes, section_bytes, key_groups: 128 }
    }

    fn kept(policy: IncrementalPolicy, uses: &[BaseUse], key_groups: usize) -> Vec<u64> {
        policy.kept(uses.iter().copied(), key_groups).into_iter().map(|kept| kept.checkpoint().0).collect()
    }

    #[test]
    fn emptiest_bases_are_written_again_first() {
        let policy = IncrementalPolicy::default().with_bases_max(2).unwrap();
        let uses = [of(1, 900, 1_000), of(2, 10, 10), of(3, 30, 30), of(4, 20, 20)];
        assert_eq!(kept(policy, &uses, 128), [1, 3]);
        assert_eq!(kept(policy, &uses[..2], 128), [1, 2]);
    }

    #[test]
    fn of_equally_empty_bases_the_older_is_written_again() {
        let policy = IncrementalPolicy::default().with_bases_max(1).unwrap();
        assert_eq!(kept(policy, &[of(2, 10, 10), of(1, 10, 10)], 128), [2]);
    }

    #[test]
    fn base_that_is_nearly_dead_is_not_leant_on() {
        let policy = IncrementalPolicy::default();
        assert_eq!(kept(policy, &[of(1, 249, 1_000), of(2, 250, 1_000), of(3, 0, 0)], 128), [2]);
    }

    /// Otherwise each rescale upwards would write all state again.
    #[test]
    fn task_with_a_part_of_the_key_groups_needs_that_part_of_the_share() {
        let policy = IncrementalPolicy::default();
        assert_eq!(kept(policy, &[of(1, 124, 1_000)], 16), [1]);
        assert_eq!(kept(policy, &[of(1, 30, 1_000)], 16), [0; 0]);
        assert_eq!(kept(policy, &[of(1, 124, 1_000)], 128), [0; 0]);
    }

    #[test]
    fn full_snapshots_lean_on_nothing() {
        assert_eq!(kept(IncrementalPolicy::FULL, &[of(1, 1, 1)], 128), [0; 0]);
    }

    #[test]
    fn policy_beyond_what_a_manifest_names_is_refused() {
        let refusal = IncrementalPolicy::default().with_bases_max(17).unwrap_err();
        assert_eq!(refusal.to_string(), "a snapshot leans on at most 16 objects, not on 17");
        let refusal = IncrementalPolicy::default().with_used_percent_min(101).unwrap_err();
        assert_eq!(refusal.to_string(), "at most 100 percent of a base can be needed, not 101");
    }
}
