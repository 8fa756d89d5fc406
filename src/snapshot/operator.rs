//! Operator state: items of a subtask that belong to no key.

use bytes::Bytes;

use crate::checkpoint::{OperatorStateInfo, RedistributionMode};

/// One named operator state with its items, each the smallest thing that moves.
///
/// Source: Flink, `OperatorStateHandle`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OperatorState {
    /// Its name, unique within the task; up to 65,535 bytes.
    pub name: String,
    /// How it is redistributed.
    pub mode: RedistributionMode,
    /// Its items, in the order they are dealt out.
    pub items: Vec<Bytes>,
}

impl OperatorState {
    pub(super) fn info(&self) -> OperatorStateInfo {
        OperatorStateInfo { name: self.name.clone(), mode: self.mode, items: self.items.len() as u32 }
    }
}
