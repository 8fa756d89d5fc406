//! A checkpoint that expires leaves the trigger locked.
//!
//! The time-out freed the place of the pending checkpoint, but not the flag that said that one was
//! being triggered: no later checkpoint could start. Here none starts if one was given up since the
//! last commit.
//!
//! Source: FLINK-26394.

use keygroups::{
    checkpoint::Manifest,
    protocol::{Coordinator, CoordinatorInput, CoordinatorOutput, CoordinatorTimer, Event},
};

use super::{Around, Twist};

/// Only the id that follows the last commit is ever triggered.
#[derive(Debug)]
pub struct TriggerLockNotReleased;

impl Twist for TriggerLockNotReleased {
    fn coordinator_hears(
        &self,
        _: &mut dyn Around,
        coordinator: &Coordinator,
        _: Option<&Manifest>,
        input: CoordinatorInput,
    ) -> Vec<CoordinatorInput> {
        if let CoordinatorInput::Timer(CoordinatorTimer::Checkpoint) = input {
            let mut out = Vec::new();
            coordinator.clone().handle(input.clone(), &mut out);
            let next = coordinator.manifest().map(|manifest| manifest.next_checkpoint);
            let locked = out.iter().any(|output| match output {
                CoordinatorOutput::Event(Event::Triggered { checkpoint, .. }) => next != Some(*checkpoint),
                _ => false,
            });
            if locked {
                return Vec::new();
            }
        }
        vec![input]
    }
}
