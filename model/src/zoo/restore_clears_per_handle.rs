//! Each handle that is restored replaces what the one before has restored.
//!
//! At a lower parallelism a subtask reads several handles. Flink's heap backend made a new table for
//! each, so that only the last remained.
//!
//! Source: FLINK-4731.

use super::Twist;

/// The tables are cleared before each handle instead of once.
#[derive(Debug)]
pub struct RestoreClearsPerHandle;

impl Twist for RestoreClearsPerHandle {
    fn restores_only_the_last_handle(&self) -> bool {
        true
    }
}
