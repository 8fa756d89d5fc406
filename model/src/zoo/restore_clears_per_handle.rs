//! Each handle that is restored replaces what the one before has restored.
//!
//! At a lower parallelism a subtask reads several handles. Flink's heap backend made a new table for
//! each, so that only the last remained.
//!
//! Source: FLINK-4731.

use super::Twist;
use crate::story::Groups;

/// The tables are cleared before each handle instead of once.
#[derive(Debug)]
pub struct RestoreClearsPerHandle;

impl Twist for RestoreClearsPerHandle {
    fn before_handle(&self, groups: &mut Groups) {
        groups.clear();
    }
}
