//! A task believes notices that were meant for its predecessor.
//!
//! The highest notified checkpoint of a fresh task began at -1, so the late notice of a checkpoint
//! that its predecessor had taken looked new, and took effect in a task that knew nothing of it.
//!
//! Source: FLINK-24096.

use keygroups::protocol::{Host, HostInput, HostOutput, ToHost};

use super::Twist;

/// A notice is for whoever runs now.
#[derive(Debug)]
pub struct NoticeOfAPredecessor;

impl Twist for NoticeOfAPredecessor {
    fn host_wants(&self, host: &Host, input: &HostInput, mut out: Vec<HostOutput>) -> Vec<HostOutput> {
        if let HostInput::Coordinator(ToHost::Committed { attempt, checkpoint }) = input {
            let successors =
                host.tasks().filter(|(_, task)| task.is_active() && task.deployment().attempt > *attempt);
            out.extend(successors.map(|(id, task)| HostOutput::Commit {
                attempt: task.deployment().attempt,
                task: *id,
                checkpoint: *checkpoint,
            }));
        }
        out
    }
}
