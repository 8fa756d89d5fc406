//! A task that has nothing new is left out of the checkpoint.
//!
//! Arroyo asked whether a subtask had written bytes in this epoch to know whether it has state. An
//! idle subtask vanished from the metadata, and its older state with it. Here tasks without output
//! are left out of the manifest.
//!
//! Source: Arroyo, commit 7f844b05.

use keygroups::protocol::{Coordinator, CoordinatorInput, CoordinatorOutput};

use super::{Around, Twist, change_manifests};

/// Snapshots of tasks without new output are not committed.
#[derive(Debug)]
pub struct IdleTaskLeftOut;

impl Twist for IdleTaskLeftOut {
    fn coordinator_wants(
        &self,
        _: &mut dyn Around,
        _: &Coordinator,
        _: &CoordinatorInput,
        out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        change_manifests(out, |manifest| {
            if let Some(newest) = manifest.checkpoints.last_mut() {
                newest.tasks.retain(|snapshot| snapshot.output.is_some());
            }
        })
    }
}
