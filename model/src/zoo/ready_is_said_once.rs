//! A task says once that it is ready.
//!
//! If that is lost, the leader waits for ever: nobody asks, nobody repeats.
//!
//! Source: invented; a prototype of this protocol had it.

use keygroups::protocol::{Host, HostInput, HostOutput, ToCoordinator};

use super::Twist;

/// Neither a repeated deploy nor a heartbeat is answered with `Ready`.
#[derive(Debug)]
pub struct ReadyIsSaidOnce;

impl Twist for ReadyIsSaidOnce {
    fn host_wants(&self, _: &Host, input: &HostInput, mut out: Vec<HostOutput>) -> Vec<HostOutput> {
        if !matches!(input, HostInput::Restored { .. }) {
            out.retain(|output| {
                !matches!(output, HostOutput::Send { message: ToCoordinator::Ready { .. }, .. })
            });
        }
        out
    }
}
