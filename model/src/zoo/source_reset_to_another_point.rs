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

use super::{Around, Twist, change_deployments};

/// Operator state is that of the checkpoint before.
#[derive(Debug)]
pub struct SourceResetToAnotherPoint;

impl Twist for SourceResetToAnotherPoint {
    fn coordinator_wants(
        &self,
        around: &mut dyn Around,
        _: &Coordinator,
        _: &CoordinatorInput,
        out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        change_deployments(out, |deployment| {
            let newest = deployment.restore.checkpoint;
            let committed = around.committed();
            let Some(before) = committed.iter().rfind(|record| record.id < newest) else { return };
            for read in &mut deployment.restore.operator_state {
                let ObjectName::State { task, .. } = read.handle.object else { continue };
                if let Some(older) = before.tasks.iter().find(|snapshot| snapshot.task == task) {
                    read.handle = Arc::new(older.state.clone());
                }
            }
        })
    }
}
