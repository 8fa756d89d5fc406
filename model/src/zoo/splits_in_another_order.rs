//! Subtasks do not agree on the order of the splits that they share out.
//!
//! Each subtask of a source took every n-th partition of a list that the broker had given it, and the
//! list came in another order each time: one partition had two readers, another had none.
//!
//! Source: FLINK-7143.

use super::Twist;
use crate::story::{Offsets, Split, Story};

/// Every second subtask counts from the end.
#[derive(Debug)]
pub struct SplitsInAnotherOrder;

impl Twist for SplitsInAnotherOrder {
    fn first_splits(&self, story: &Story, index: usize, of: usize) -> Offsets {
        let splits = story.first_splits(index, of);
        if index.is_multiple_of(2) {
            return splits;
        }
        let last = story.log.len() as u8 - 1;
        splits.into_iter().map(|(Split(split), offset)| (Split(last - split), offset)).collect()
    }
}
