//! A snapshot lacks a state that was not used yet.
//!
//! State was registered when it was first touched. A subtask that had touched nothing wrote a handle that
//! said nothing of it, and when the handles were dealt out again its part was not among them. Here a
//! source does not remember a split of which it has read nothing, so that nobody reads it after a restart.
//!
//! Source: BEAM-7144.

use super::{Reading, Twist};

/// Splits whose first record was not read yet are not in snapshots.
#[derive(Debug)]
pub struct OffsetsRegisteredLate;

impl Twist for OffsetsRegisteredLate {
    fn frozen(&self, readings: &mut Vec<Reading>) {
        readings.retain(|reading| reading.offset > 0);
    }
}
