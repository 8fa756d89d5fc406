//! How operator state, state of a subtask that belongs to no key, is spread over new subtasks.
//!
//! The input says how many items each old subtask had of each named state; [`redistribute`] answers
//! with the runs of items each new subtask restores. It decides by counts alone and never sees a
//! byte. Three rules, by [`RedistributionMode`]:
//!
//! - **split**: the items of all old subtasks, in order, are cut into as many consecutive parts as
//!   there are new subtasks. Parts differ by at most one item. The larger parts go to the subtasks
//!   from a cursor on, and the next state begins where they end, so that many small states do not
//!   all pile up on subtask 0.
//! - **union**: every new subtask gets all items.
//! - **broadcast**: new subtask i gets the copy of the (i mod n)-th of the n old subtasks that have
//!   one.
//!
//! Where the parallelism stays, every subtask gets back its own split items and its own broadcast
//! copy; one that has no copy although others have gets one by the broadcast rule.
//!
//! Source: Apache Flink 2.3.0, `RoundRobinOperatorStateRepartitioner`, with two differences.
//! States are taken in ascending order of name, where Flink takes them in the order of a Java hash
//! map; the order decides where the cursor stands. And at an unchanged parallelism with a missing
//! broadcast copy, Flink adds the copy of the broadcast rule to a subtask that has its own: with
//! this function a subtask never gets two, since items that are listed twice would be restored
//! twice.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::checkpoint::{OperatorStateInfo, RedistributionMode};
use crate::key_group::{Parallelism, Subtask};

/// A run of items of one named state in one old subtask's snapshot; never empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ItemRun {
    /// The name of the state.
    pub name: Arc<str>,
    /// The old subtask whose snapshot holds the items.
    pub from: Subtask,
    /// The index of the first item among the items of that name in that snapshot.
    pub first_item: u32,
    /// How many items there are, from the first on.
    pub items: u32,
}

/// Operator states that cannot be redistributed without guessing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum RedistributeError {
    /// Two old subtasks want one state redistributed in different modes.
    #[error(
        "operator state {name:?} is {first_mode:?} in subtask {first} and {second_mode:?} in subtask {second}: \
         a state has one mode"
    )]
    ModesDisagree {
        /// The state.
        name: String,
        /// The first subtask that has it.
        first: Subtask,
        /// Its mode there.
        first_mode: RedistributionMode,
        /// The first subtask that disagrees.
        second: Subtask,
        /// The mode there.
        second_mode: RedistributionMode,
    },
    /// One old subtask lists a name twice.
    #[error("operator state {name:?} is listed twice in subtask {subtask}")]
    NameTwice {
        /// The state.
        name: String,
        /// The subtask.
        subtask: Subtask,
    },
    /// More old subtasks than there can be.
    #[error("operator state of {found} old subtasks: at most 32768 are possible")]
    TooManySubtasks {
        /// How many old subtasks there are.
        found: usize,
    },
}

/// One named state: its mode, and every old subtask that lists it with its number of items,
/// ascending.
struct NamedState {
    mode: RedistributionMode,
    reports: Vec<(Subtask, u32)>,
}

/// The runs that each of `new` subtasks restores, ascending by new subtask, and for each ascending
/// by name, old subtask and item.
///
/// `old` has one entry for each old subtask in order: its operator states in any order, or `None`
/// if it has no snapshot. A state with no items leaves no run.
///
/// # Errors
///
/// [`RedistributeError`] names the state.
///
/// # Examples
///
/// ```
/// use keygroups::checkpoint::{OperatorStateInfo, RedistributionMode};
/// use keygroups::key_group::Parallelism;
/// use keygroups::operator_state::redistribute;
///
/// let offsets = |items| OperatorStateInfo {
///     name: "offsets".into(),
///     mode: RedistributionMode::SplitDistribute,
///     items,
/// };
/// let old = [vec![offsets(3)], vec![offsets(2)]];
/// let new = redistribute(old.iter().map(|states| Some(states.as_slice())), Parallelism::new(3)?)?;
/// let runs: Vec<Vec<_>> =
///     new.iter().map(|runs| runs.iter().map(|run| (run.from.0, run.first_item, run.items)).collect()).collect();
/// assert_eq!(runs, [vec![(0, 0, 2)], vec![(0, 2, 1), (1, 0, 1)], vec![(1, 1, 1)]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn redistribute<'a>(
    old: impl IntoIterator<Item = Option<&'a [OperatorStateInfo]>>,
    new: Parallelism,
) -> Result<Vec<Vec<ItemRun>>, RedistributeError> {
    let (states, old_count) = by_name(old)?;
    let unchanged = old_count == usize::from(new.get());
    let mut restored = vec![Vec::new(); usize::from(new.get())];
    let mut cursor = 0;
    for (name, NamedState { mode, reports }) in states {
        let mut give = |to: usize, (from, first_item, items): (Subtask, u32, u32)| {
            if items > 0 {
                restored[to].push(ItemRun { name: Arc::clone(&name), from, first_item, items });
            }
        };
        match mode {
            RedistributionMode::SplitDistribute if unchanged => {
                reports.iter().for_each(|&(from, items)| give(from.index(), (from, 0, items)));
            }
            RedistributionMode::SplitDistribute => {
                cursor = deal(&reports, usize::from(new.get()), cursor, give);
            }
            RedistributionMode::Union => {
                for to in 0..usize::from(new.get()) {
                    reports.iter().for_each(|&(from, items)| give(to, (from, 0, items)));
                }
            }
            RedistributionMode::Broadcast => {
                for to in 0..usize::from(new.get()) {
                    let own = || reports.binary_search_by_key(&to, |(from, _)| from.index()).ok();
                    let copy = own().filter(|_| unchanged).unwrap_or(to % reports.len());
                    let (from, items) = reports[copy];
                    give(to, (from, 0, items));
                }
            }
        }
    }
    Ok(restored)
}

/// Deals the items of one split state out to `new` subtasks, the larger parts first from `cursor`
/// on; returns the cursor for the next state.
fn deal(
    reports: &[(Subtask, u32)],
    new: usize,
    cursor: usize,
    mut give: impl FnMut(usize, (Subtask, u32, u32)),
) -> usize {
    let total: u64 = reports.iter().map(|&(_, items)| u64::from(items)).sum();
    let (part, larger_parts) = (total / new as u64, (total % new as u64) as usize);
    let mut sources = reports.iter().copied();
    let (mut from, mut next_item, mut left) = (Subtask(0), 0, 0);
    for i in 0..new {
        let mut wanted = part + u64::from(i < larger_parts);
        while wanted > 0 {
            if left == 0 {
                (from, left) = sources.next().expect("the parts add up to all items");
                next_item = 0;
            }
            let items = u64::from(left).min(wanted) as u32;
            if items > 0 {
                give((cursor + i) % new, (from, next_item, items));
            }
            next_item += items;
            left -= items;
            wanted -= u64::from(items);
        }
    }
    (cursor + larger_parts) % new
}

/// The states by name, and the number of old subtasks.
fn by_name<'a>(
    old: impl IntoIterator<Item = Option<&'a [OperatorStateInfo]>>,
) -> Result<(BTreeMap<Arc<str>, NamedState>, usize), RedistributeError> {
    let mut states = BTreeMap::<Arc<str>, NamedState>::new();
    let mut old_count = 0;
    for infos in old {
        old_count += 1;
        let Ok(subtask) = u16::try_from(old_count - 1).map(Subtask) else { continue };
        for OperatorStateInfo { name, mode, items } in infos.unwrap_or_default() {
            let Some(state) = states.get_mut(name.as_str()) else {
                let reports = vec![(subtask, *items)];
                states.insert(name.as_str().into(), NamedState { mode: *mode, reports });
                continue;
            };
            let &(first, _) = state.reports.first().expect("a state is made with its first report");
            if state.reports.last().is_some_and(|&(last, _)| last == subtask) {
                return Err(RedistributeError::NameTwice { name: name.clone(), subtask });
            }
            if state.mode != *mode {
                return Err(RedistributeError::ModesDisagree {
                    name: name.clone(),
                    first,
                    first_mode: state.mode,
                    second: subtask,
                    second_mode: *mode,
                });
            }
            state.reports.push((subtask, *items));
        }
    }
    if old_count > usize::from(crate::key_group::UPPER_BOUND_MAX_PARALLELISM) {
        return Err(RedistributeError::TooManySubtasks { found: old_count });
    }
    Ok((states, old_count))
}

#[cfg(test)]
mod tests;
