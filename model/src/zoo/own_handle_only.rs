//! A subtask is given only the handle that it wrote itself.
//!
//! Flink left keyed state of operators that are not first in their chain out of the assignment, so
//! that after a rescale they started without it. Here every handle of another subtask is left out.
//!
//! Source: FLINK-10809.

use keygroups::{
    checkpoint::ObjectName,
    protocol::{Coordinator, CoordinatorInput, CoordinatorOutput},
};

use super::{Around, Twist, change_deployments};

/// Handles of other subtasks are not read.
#[derive(Debug)]
pub struct OwnHandleOnly;

impl Twist for OwnHandleOnly {
    fn coordinator_wants(
        &self,
        _: &mut dyn Around,
        _: &Coordinator,
        _: &CoordinatorInput,
        out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        change_deployments(out, |deployment| {
            let own = deployment.task;
            deployment
                .restore
                .state
                .retain(|read| matches!(read.handle.object, ObjectName::State { task, .. } if task == own));
        })
    }
}
