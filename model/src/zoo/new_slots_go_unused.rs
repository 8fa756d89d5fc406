//! A job that had to start small stays small.
//!
//! It began at the parallelism that there were slots for. More slots came, it was noted that they
//! must be stable first, and nobody looked again.
//!
//! Source: invented; the resource stabilization of Flink's adaptive scheduler.

use keygroups::protocol::{Coordinator, CoordinatorInput, CoordinatorOutput, CoordinatorTimer};

use super::{Around, Twist};

/// The timer that looks again does not run.
#[derive(Debug)]
pub struct NewSlotsGoUnused;

impl Twist for NewSlotsGoUnused {
    fn coordinator_wants(
        &self,
        _: &mut dyn Around,
        _: &Coordinator,
        _: &CoordinatorInput,
        mut out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        out.retain(|output| !matches!(output, CoordinatorOutput::SetTimer(CoordinatorTimer::Stabilize)));
        out
    }
}
