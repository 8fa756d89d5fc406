//! A snapshot says that something was handed over which was not.
//!
//! A split was assigned to a reader, the message got lost, and a checkpoint completed that counted
//! the split as assigned: after a restore nobody read it. Here a source's snapshot says that the
//! next record was sent.
//!
//! Source: FLINK-21996, FLINK-18071.

use super::{Reading, Twist};

/// Offsets in snapshots are one ahead, as far as the log goes.
#[derive(Debug)]
pub struct OffsetBeforeTheRecord;

impl Twist for OffsetBeforeTheRecord {
    fn frozen(&self, readings: &mut Vec<Reading>) {
        for Reading { offset, end, .. } in readings {
            *offset = (*offset + 1).min(*end);
        }
    }
}
