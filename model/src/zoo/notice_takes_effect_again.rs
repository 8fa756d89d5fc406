//! A notice takes effect although a later one has done all that it says.
//!
//! Notices of commits overtake each other and are repeated. Flink's sink held it for impossible that
//! nothing was left to commit for a notice, and failed the job. Here the sink does not ask, and commits
//! what was committed before.
//!
//! Source: FLINK-10377, its first half.

use keygroups::protocol::{Host, HostInput, HostOutput, ToHost};

use super::Twist;

/// Every notice of a checkpoint that the task knows to be committed is one more commit.
#[derive(Debug)]
pub struct NoticeTakesEffectAgain;

impl Twist for NoticeTakesEffectAgain {
    fn host_wants(&self, host: &Host, input: &HostInput, mut out: Vec<HostOutput>) -> Vec<HostOutput> {
        if let HostInput::Coordinator(ToHost::Committed { attempt, checkpoint }) = input
            && out.is_empty()
        {
            let knows = host.tasks().filter(|(_, task)| {
                task.is_active() && task.deployment().attempt == *attempt && task.confirmed() >= *checkpoint
            });
            out.extend(knows.map(|(id, _)| HostOutput::Commit {
                attempt: *attempt,
                task: *id,
                checkpoint: *checkpoint,
            }));
        }
        out
    }
}
