//! What a checkpoint left behind that never was stays for ever.
//!
//! An upload that was cancelled half way left its files in the store: only those of finished
//! checkpoints were registered, and only what is registered was ever deleted.
//!
//! Source: FLINK-30461.

use keygroups::protocol::{Coordinator, CoordinatorInput};

use super::Twist;
use crate::{step::Step, store::Request};

/// Sweeps see only objects of committed checkpoints.
#[derive(Debug)]
pub struct UnfinishedIsNotSwept;

impl Twist for UnfinishedIsNotSwept {
    fn coordinator_hears(
        &self,
        around: &mut Step<'_>,
        _: &Coordinator,
        _: Option<&Request>,
        mut input: CoordinatorInput,
    ) -> Vec<CoordinatorInput> {
        if let CoordinatorInput::Swept { swept: Some(swept), .. } = &mut input {
            swept.objects.retain(|object| {
                let mut committed = around.history().committed();
                committed.any(|record| (record.attempt, record.id) == (object.attempt(), object.checkpoint()))
            });
        }
        vec![input]
    }
}
