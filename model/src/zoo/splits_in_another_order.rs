//! Subtasks do not agree on the order of the splits that they share out.
//!
//! Each subtask of a source took every n-th partition of a list that the broker had given it, and the
//! list came in another order each time: one partition had two readers, another had none.
//!
//! Source: FLINK-7143.

use super::Twist;

/// For each subtask the list begins one split later.
#[derive(Debug)]
pub struct SplitsInAnotherOrder;

impl Twist for SplitsInAnotherOrder {
    fn first_split(&self, split: u16, index: u16, splits: u16) -> u16 {
        (split + splits - index % splits) % splits
    }
}
