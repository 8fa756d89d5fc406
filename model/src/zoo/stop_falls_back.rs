//! After a stop-with-checkpoint the job goes on from the checkpoint before.
//!
//! A stop-with-savepoint had completed; what followed failed, and the ordinary recovery chose the
//! latest checkpoint, behind what sinks had committed. Here the attempt after the stop restores what
//! was the newest before it.
//!
//! Source: FLINK-26783, FLINK-26923.

use keygroups::{
    checkpoint::{CheckpointRecord, Manifest},
    protocol::{Coordinator, CoordinatorInput, CoordinatorOutput, Event, Restore},
};

use super::{Around, Twist, change_deployments};

/// What was just committed is not restored.
#[derive(Debug)]
pub struct StopFallsBack;

impl Twist for StopFallsBack {
    fn coordinator_wants(
        &self,
        around: &mut dyn Around,
        coordinator: &Coordinator,
        _: &CoordinatorInput,
        out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        let commits =
            out.iter().any(|output| matches!(output, CoordinatorOutput::Event(Event::Committed { .. })));
        let committed = around.committed();
        let (Some(newest), [.., before, _], true) = (coordinator.manifest(), &*committed, commits) else {
            return out;
        };
        let checkpoints = vec![CheckpointRecord::clone(before)];
        let older = Manifest { checkpoints, ..Manifest::clone(newest) };
        change_deployments(out, |deployment| {
            let mut restores = Restore::plan(&older, deployment.layout.parallelism).unwrap_or_default();
            if let Some(restore) = restores.remove(&deployment.task) {
                deployment.restore = restore;
            }
        })
    }
}
