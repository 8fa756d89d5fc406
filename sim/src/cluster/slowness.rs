//! Tasks that cannot keep up: what they take in one turn is bounded for a while, so that channels fill and
//! sources must wait.

use super::Cluster;
use crate::wire::now_us;

/// What an operator's task may still take until the next tick.
pub(super) struct Turn {
    // `None` is no bound.
    left: Option<u32>,
}

impl Turn {
    pub(super) fn new(cluster: &Cluster) -> Self {
        Self { left: cluster.scenario.variety.records_per_turn(now_us()) }
    }

    /// The next one begins.
    pub(super) fn begin(&mut self, cluster: &Cluster) {
        *self = Self::new(cluster);
    }

    /// Takes these records; those of one message are taken together.
    pub(super) fn take(&mut self, records: usize) {
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(u32::try_from(records).unwrap_or(u32::MAX));
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.left == Some(0)
    }
}
