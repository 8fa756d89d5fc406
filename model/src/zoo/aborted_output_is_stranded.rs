//! The output of an aborted checkpoint is never committed.
//!
//! A two-phase sink that commits exactly the transaction of the checkpoint it is told of, instead of
//! all up to it, strands those whose notice was lost or whose checkpoint was given up. Here a task's
//! output object begins at the checkpoint before, committed or not.
//!
//! Source: FLINK-10377, its second half.

use keygroups::{
    checkpoint::CheckpointId,
    protocol::{Host, HostInput, HostOutput},
};

use super::Twist;

/// Output begins at the previous barrier instead of the newest committed checkpoint.
#[derive(Debug)]
pub struct AbortedOutputIsStranded;

impl Twist for AbortedOutputIsStranded {
    fn host_wants(&self, host: &Host, _: &HostInput, mut out: Vec<HostOutput>) -> Vec<HostOutput> {
        for output in &mut out {
            if let HostOutput::Snapshot { attempt, task, barrier } = output
                && host.task(*attempt, *task).is_some_and(|task| !task.deployment().source)
            {
                barrier.confirmed = CheckpointId(barrier.checkpoint.0 - 1);
            }
        }
        out
    }
}
