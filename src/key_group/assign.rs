//! Which subtask owns which key group.
//!
//! Source: Apache Flink 2.3.0, `KeyGroupRangeAssignment`.

use super::{BoundsError, KeyGroup, KeyGroupRange, MaxParallelism, Parallelism, Subtask};

/// The subtask that owns `key_group`: `⌊key_group · parallelism / max_parallelism⌋`.
///
/// The caller has checked `parallelism ≤ max_parallelism` ([`Parallelism::within`]) and
/// `key_group < max_parallelism`.
pub const fn owner(
    key_group: KeyGroup,
    max_parallelism: MaxParallelism,
    parallelism: Parallelism,
) -> Subtask {
    Subtask((key_group.0 as u32 * parallelism.get() as u32 / max_parallelism.get() as u32) as u16)
}

/// Key groups owned by `subtask`, first and last inclusive. Over all subtasks these ranges cover
/// `0..max_parallelism` once. Source: Flink, `computeKeyGroupRangeForOperatorIndex`.
///
/// # Errors
///
/// [`BoundsError`] if the parallelism is above the max parallelism or the subtask is not below
/// the parallelism.
pub const fn range(
    max_parallelism: MaxParallelism,
    parallelism: Parallelism,
    subtask: Subtask,
) -> Result<KeyGroupRange, BoundsError> {
    if let Err(error) = parallelism.within(max_parallelism) {
        return Err(error);
    }
    if let Err(error) = Subtask::new(subtask.0 as u32, parallelism) {
        return Err(error);
    }
    let (max, p, i) = (max_parallelism.get() as u32, parallelism.get() as u32, subtask.0 as u32);
    let first = (i * max).div_ceil(p);
    let last = ((i + 1) * max - 1) / p;
    KeyGroupRange::new(KeyGroup(first as u16), KeyGroup(last as u16))
}
