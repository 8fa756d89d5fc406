//! The new owner is told that all is well while the old one goes on.
//!
//! After a rebalance a container that still ran went on with the job model it had, and everybody else
//! took it for a part of the new one: two owners, and state of two histories in one checkpoint. Here a
//! host that has the task already answers the deploy of a later attempt with the task it has.
//!
//! Source: SAMZA-2305.

use keygroups::protocol::{Host, HostInput, HostOutput, ToCoordinator};

use super::Twist;

/// A task that would be dropped for its successor stays and says that it is ready.
#[derive(Debug)]
pub struct OldContainerGoesOn;

impl Twist for OldContainerGoesOn {
    fn host_wants(&self, host: &Host, _: &HostInput, out: Vec<HostOutput>) -> Vec<HostOutput> {
        let dropped: Vec<_> = out
            .iter()
            .filter_map(|output| match output {
                HostOutput::Drop { task, .. } => Some(*task),
                _ => None,
            })
            .collect();
        let carried_out = out.iter().cloned().map(|output| match output {
            HostOutput::Restore(deployment) if dropped.contains(&deployment.task) => HostOutput::Send {
                to: deployment.leader,
                message: ToCoordinator::Ready {
                    attempt: deployment.attempt,
                    task: deployment.task,
                    host: host.id(),
                    incarnation: host.incarnation(),
                    restored: deployment.restore.state.iter().map(|read| read.handle.certificate).sum(),
                },
            },
            other => other,
        });
        let replaced =
            |task| out.iter().any(|output| matches!(output, HostOutput::Restore(of) if of.task == task));
        carried_out
            .filter(|output| !matches!(output, HostOutput::Drop { task, .. } if replaced(*task)))
            .collect()
    }
}
