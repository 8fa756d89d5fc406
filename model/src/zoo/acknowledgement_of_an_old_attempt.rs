//! An acknowledgement of the previous execution counts for the current one.
//!
//! The success of a snapshot was handled after the decision to restart. Hazelcast Jet published that
//! snapshot and cleared the one that was about to be restored. Here a late acknowledgement is taken
//! for the pending checkpoint, under names that do not tell attempts apart.
//!
//! Source: Hazelcast Jet pull request 2503, issue 2487.

use std::sync::Arc;

use keygroups::{
    checkpoint::{Manifest, ObjectName, TaskSnapshot},
    protocol::{Coordinator, CoordinatorInput, ToCoordinator},
};

use super::{Around, Twist};

/// Every acknowledgement is for the pending checkpoint.
#[derive(Debug)]
pub struct AcknowledgementOfAnOldAttempt;

impl Twist for AcknowledgementOfAnOldAttempt {
    fn coordinator_hears(
        &self,
        _: &mut dyn Around,
        coordinator: &Coordinator,
        _: Option<&Manifest>,
        input: CoordinatorInput,
    ) -> Vec<CoordinatorInput> {
        let CoordinatorInput::Host(ToCoordinator::Acknowledge { snapshot, .. }) = &input else {
            return vec![input];
        };
        let (Some(attempt), Some(checkpoint)) = (coordinator.running(), coordinator.pending_checkpoint())
        else {
            return vec![input];
        };
        let mut snapshot = TaskSnapshot::clone(snapshot);
        let task = snapshot.task;
        snapshot.state.object = ObjectName::State { attempt, task, checkpoint };
        if let Some(output) = &mut snapshot.output {
            output.object = ObjectName::Output { attempt, task, checkpoint };
        }
        let snapshot = Arc::new(snapshot);
        vec![CoordinatorInput::Host(ToCoordinator::Acknowledge { attempt, checkpoint, snapshot })]
    }
}
