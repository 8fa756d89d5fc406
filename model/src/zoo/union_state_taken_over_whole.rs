//! What was restored everywhere is written everywhere.
//!
//! Every subtask restores the whole of a union state, so that each can pick what is its own. One that puts
//! the rest into its next snapshot as well leaves copies behind that nobody keeps up to date. Here sources
//! keep the offsets of splits that others read.
//!
//! Source: flink-agents 825.

use super::Twist;

/// The rest of a union state is kept.
#[derive(Debug)]
pub struct UnionStateTakenOverWhole;

impl Twist for UnionStateTakenOverWhole {
    fn keeps_what_is_anothers(&self) -> bool {
        true
    }
}
