//! A checkpoint waits for a task that has said that it cannot.
//!
//! The refusal got lost, and nothing bounds how long the leader waits: the place of the pending
//! checkpoint never gets free.
//!
//! Source: invented; the reason for Flink's checkpoint time-out.

use keygroups::protocol::{Coordinator, CoordinatorInput, CoordinatorOutput, CoordinatorTimer};

use super::{Around, Twist};

/// Checkpoints do not expire.
#[derive(Debug)]
pub struct ExpiryIsNotSet;

impl Twist for ExpiryIsNotSet {
    fn coordinator_wants(
        &self,
        _: &mut dyn Around,
        _: &Coordinator,
        _: &CoordinatorInput,
        mut out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        out.retain(|output| !matches!(output, CoordinatorOutput::SetTimer(CoordinatorTimer::Expiry(_))));
        out
    }
}
