//! Subtasks do not agree on the order of the splits that they share out.
//!
//! Each subtask of a source took every n-th partition of a list that the broker had given it, and the
//! list came in another order each time: one partition had two readers, another had none.
//!
//! Source: FLINK-7143.

use super::Twist;
use crate::story::{Offsets, Split, Story};

/// For each subtask the list begins one split later.
#[derive(Debug)]
pub struct SplitsInAnotherOrder;

impl Twist for SplitsInAnotherOrder {
    fn first_splits(&self, story: &Story, index: usize, of: usize) -> Offsets {
        let count = story.log.len();
        let listed =
            |Split(position): Split| Split(((usize::from(position) + count - index % count) % count) as u8);
        let splits = story.first_splits(index, of).into_iter();
        splits.map(|(split, offset)| (listed(split), offset)).collect()
    }
}
