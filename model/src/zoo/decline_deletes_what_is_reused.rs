//! A task that cannot take its snapshot cleans up what an earlier checkpoint needs.
//!
//! When its own snapshot failed, a task deleted all files of it, also those that it had only reused from
//! the checkpoint before. Here what the snapshot leans on is deleted when a task declines: the one before and
//! what that leans on itself. In this world a delete has no sender, so that it makes no difference that
//! the leader asks for it.
//!
//! Source: FLINK-25395.

use keygroups::protocol::{Coordinator, CoordinatorInput, CoordinatorOutput, ToCoordinator};

use super::{Around, Twist};

/// A decline deletes what the snapshot leans on: the task's part of the newest checkpoint.
#[derive(Debug)]
pub struct DeclineDeletesWhatIsReused;

impl Twist for DeclineDeletesWhatIsReused {
    fn coordinator_wants(
        &self,
        _: &mut dyn Around,
        coordinator: &Coordinator,
        input: &CoordinatorInput,
        mut out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        if let CoordinatorInput::Host(ToCoordinator::Decline { task, .. }) = input {
            let newest = coordinator.manifest().and_then(|manifest| manifest.newest_checkpoint());
            let reused = newest.and_then(|record| record.tasks.iter().find(|known| known.task == *task));
            out.extend(
                reused.map(|snapshot| CoordinatorOutput::Delete(snapshot.state.objects().copied().collect())),
            );
        }
        out
    }
}
