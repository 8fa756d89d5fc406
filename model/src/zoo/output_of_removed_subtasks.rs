//! Nobody commits the output of a subtask that a smaller parallelism does not have.
//!
//! Sinks found the transactions to finish by the number of their subtask. After a rescale to fewer,
//! those of the subtasks that were gone lingered. Here they are left out of the list of outputs of the
//! checkpoint that stops the job.
//!
//! Source: FLINK-23854, FLINK-40626.

use std::sync::Arc;

use keygroups::{
    checkpoint::ObjectName,
    protocol::{Coordinator, CoordinatorInput, CoordinatorOutput},
};

use super::{Around, Twist};

/// Outputs are listed of as many subtasks as the newest manifest wants.
#[derive(Debug)]
pub struct OutputOfRemovedSubtasks;

impl Twist for OutputOfRemovedSubtasks {
    fn coordinator_wants(
        &self,
        _: &mut dyn Around,
        coordinator: &Coordinator,
        _: &CoordinatorInput,
        mut out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        let Some(wanted) = coordinator.manifest().map(|manifest| manifest.desired_parallelism) else {
            return out;
        };
        for output in &mut out {
            if let CoordinatorOutput::PutOutputList { list, .. } = output {
                Arc::make_mut(list).outputs.retain(|output| match output.object {
                    ObjectName::Output { task, .. } => task.subtask.0 < wanted.get(),
                    ObjectName::State { .. } | ObjectName::OutputList { .. } => true,
                });
            }
        }
        out
    }
}
