//! What a checkpoint left behind that never was stays for ever.
//!
//! An upload that was cancelled half way left its files in the store: only those of finished
//! checkpoints were registered, and only what is registered was ever deleted.
//!
//! Source: FLINK-30461.

use keygroups::{
    checkpoint::Manifest,
    protocol::{Coordinator, CoordinatorInput},
};

use super::{Around, Twist};

/// Sweeps see only objects of committed checkpoints.
#[derive(Debug)]
pub struct UnfinishedIsNotSwept;

impl Twist for UnfinishedIsNotSwept {
    fn coordinator_hears(
        &self,
        around: &mut dyn Around,
        _: &Coordinator,
        _: Option<&Manifest>,
        mut input: CoordinatorInput,
    ) -> Vec<CoordinatorInput> {
        if let CoordinatorInput::Swept { swept: Some(swept), .. } = &mut input {
            let committed = around.committed();
            swept.objects.retain(|object| {
                committed
                    .iter()
                    .any(|record| (record.attempt, record.id) == (object.attempt(), object.checkpoint()))
            });
        }
        vec![input]
    }
}
