//! A new file is taken for a second copy of one that is there already, and deleted.
//!
//! Two checkpoints at a time uploaded files that their registry knew under the same key; the second
//! looked redundant and was deleted, although it was the one that was named. Here a registry that knows
//! snapshots by their task alone finds that of the newest checkpoint when the next one is acknowledged.
//!
//! Source: FLINK-29913.

use keygroups::protocol::{Coordinator, CoordinatorInput, CoordinatorOutput, ToCoordinator};

use super::{Around, Twist};

/// What is acknowledged is deleted if the newest checkpoint has a snapshot of the same task.
#[derive(Debug)]
pub struct NewFileLooksRedundant;

impl Twist for NewFileLooksRedundant {
    fn coordinator_wants(
        &self,
        _: &mut dyn Around,
        coordinator: &Coordinator,
        input: &CoordinatorInput,
        mut out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        if let CoordinatorInput::Host(ToCoordinator::Acknowledge { snapshot, .. }) = input {
            let newest = coordinator.manifest().and_then(|manifest| manifest.newest_checkpoint());
            let known =
                newest.and_then(|record| record.tasks.iter().find(|known| known.task == snapshot.task));
            if known.is_some_and(|known| known.state.object != snapshot.state.object) {
                out.push(CoordinatorOutput::Delete(vec![snapshot.state.object]));
            }
        }
        out
    }
}
