//! Nobody begins, because everybody waits for a leader to be silent that there never was.
//!
//! Silence was measured from the last sign of life, and whom nobody had ever heard of counted as alive.
//! As soon as there was a leader all was well.
//!
//! Source: invented; the failure detector of Akka takes whom it has never heard of for healthy.

use keygroups::protocol::{Coordinator, CoordinatorInput, CoordinatorOutput, CoordinatorTimer};

use super::{Around, Twist};

/// Coming up starts no timer; a sign of life of a leader does.
#[derive(Debug)]
pub struct SilenceNeedsAFirstSign;

impl Twist for SilenceNeedsAFirstSign {
    fn coordinator_wants(
        &self,
        _: &mut dyn Around,
        _: &Coordinator,
        input: &CoordinatorInput,
        mut out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        if *input == CoordinatorInput::Boot {
            out.retain(|output| *output != CoordinatorOutput::SetTimer(CoordinatorTimer::LeaderSilence));
        }
        out
    }
}
