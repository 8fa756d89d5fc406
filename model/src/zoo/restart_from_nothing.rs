//! A failure restarts the job empty.
//!
//! The pointer to what to restore was consumed by the first recovery: when the job failed again
//! before its next checkpoint, Flink started it without state. Here no attempt but the first of a
//! leader is told what to restore.
//!
//! Source: FLINK-3390.

use keygroups::{
    checkpoint::CheckpointId,
    protocol::{Coordinator, CoordinatorInput, CoordinatorOutput, Restore},
};

use super::{Around, Twist, change_deployments};

/// Only the first attempt of an epoch restores.
#[derive(Debug)]
pub struct RestartFromNothing;

impl Twist for RestartFromNothing {
    fn coordinator_wants(
        &self,
        _: &mut dyn Around,
        _: &Coordinator,
        _: &CoordinatorInput,
        out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        change_deployments(out, |deployment| {
            if deployment.attempt.run > 1 {
                let (state, operator_state) = (Vec::new(), Vec::new());
                deployment.restore = Restore { checkpoint: CheckpointId::NONE, state, operator_state };
            }
        })
    }
}
