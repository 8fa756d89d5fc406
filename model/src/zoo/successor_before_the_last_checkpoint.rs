//! The next attempt is deployed before the last checkpoint of this one is committed.
//!
//! RisingWave built the actors of the new layout before those of the old one had passed their last
//! barrier; for a while two read versions covered the same state. Here the leader deploys the next
//! attempt when it triggers the stop-with-checkpoint, to save the time in between.
//!
//! Source: RisingWave pull request 24492; SAMZA-2305.

use keygroups::protocol::{Coordinator, CoordinatorInput, CoordinatorOutput, Event};

use super::{Around, Twist, successors};

/// The next attempt is deployed with the trigger of the last checkpoint.
#[derive(Debug)]
pub struct SuccessorBeforeTheLastCheckpoint;

impl Twist for SuccessorBeforeTheLastCheckpoint {
    fn coordinator_wants(
        &self,
        around: &mut dyn Around,
        _: &Coordinator,
        _: &CoordinatorInput,
        mut out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        let stops = |output: &CoordinatorOutput| match output {
            CoordinatorOutput::Event(Event::Triggered { attempt, stop: true, .. }) => Some(*attempt),
            _ => None,
        };
        if let Some(attempt) = out.iter().find_map(stops) {
            out.extend(successors(around, attempt));
        }
        out
    }
}
