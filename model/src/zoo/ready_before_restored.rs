//! A task says that it is ready before it has read its state.
//!
//! RisingWave's recovery did not wait until every worker saw the committed version, so that actors
//! read an older one. Here a host answers a deploy at once.
//!
//! Source: RisingWave pull request 8468, issue 8467.

use keygroups::{
    checkpoint::Certificate,
    protocol::{Host, HostInput, HostOutput, ToCoordinator},
};

use super::Twist;

/// `Ready` is sent with the wish to restore.
#[derive(Debug)]
pub struct ReadyBeforeRestored;

impl Twist for ReadyBeforeRestored {
    fn host_wants(&self, host: &Host, _: &HostInput, mut out: Vec<HostOutput>) -> Vec<HostOutput> {
        let early: Vec<_> = out
            .iter()
            .filter_map(|output| match output {
                HostOutput::Restore(deployment) => Some(HostOutput::Send {
                    to: deployment.leader,
                    message: ToCoordinator::Ready {
                        attempt: deployment.attempt,
                        task: deployment.task,
                        host: host.id(),
                        incarnation: host.incarnation(),
                        restored: Certificate::default(),
                    },
                }),
                _ => None,
            })
            .collect();
        out.extend(early);
        out
    }
}
