//! Sources go back to another checkpoint than the rest of the job.
//!
//! The coordinator of a source and its readers were reset to different points, so that splits were
//! handed out that readers had finished already. Here sources are told to read the offsets of the
//! checkpoint before the one that keyed state is restored from.
//!
//! Source: FLINK-20290, FLINK-20396.

use std::sync::Arc;

use keygroups::{
    checkpoint::ObjectName,
    protocol::{Coordinator, CoordinatorInput, CoordinatorOutput},
};

use super::{Twist, change_deployments};
use crate::step::Step;

/// Operator state is that of the checkpoint before.
#[derive(Debug)]
pub struct SourceResetToAnotherPoint;

impl Twist for SourceResetToAnotherPoint {
    fn coordinator_wants(
        &self,
        around: &mut Step<'_>,
        _: &Coordinator,
        _: &CoordinatorInput,
        out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        change_deployments(out, |deployment| {
            let newest = deployment.restore.checkpoint;
            let mut committed: Vec<_> =
                around.history().committed().filter(|record| record.id < newest).collect();
            let Some(before) = committed.pop() else { return };
            for read in &mut deployment.restore.operator_state {
                let ObjectName::State { task, .. } = read.handle.object else { continue };
                if let Some(older) = before.tasks.iter().find(|snapshot| snapshot.task == task) {
                    read.handle = Arc::new(older.state.clone());
                }
            }
        })
    }
}
