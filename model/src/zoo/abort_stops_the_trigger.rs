//! Giving a checkpoint up stops periodic checkpoints for good.
//!
//! Pending checkpoints were aborted while the periodic trigger was parked, or a stop that failed had
//! switched it off: nobody switched it on again.
//!
//! Source: FLINK-13256, FLINK-7067, FLINK-15152.

use keygroups::protocol::{Coordinator, CoordinatorInput, CoordinatorOutput, CoordinatorTimer, Event};

use super::{Around, Twist};

/// The checkpoint timer ends with the checkpoint.
#[derive(Debug)]
pub struct AbortStopsTheTrigger;

impl Twist for AbortStopsTheTrigger {
    fn coordinator_wants(
        &self,
        _: &mut dyn Around,
        _: &Coordinator,
        _: &CoordinatorInput,
        mut out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        if out.iter().any(|output| matches!(output, CoordinatorOutput::Event(Event::Aborted { .. }))) {
            out.push(CoordinatorOutput::CancelTimer(CoordinatorTimer::Checkpoint));
        }
        out
    }
}
