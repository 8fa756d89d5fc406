//! Notices of commits never reach the tasks.
//!
//! A wrapper around a task's function did not pass notices on, so that whatever waited for them
//! waited for ever.
//!
//! Source: FLINK-32655.

use keygroups::protocol::{Host, HostInput, ToHost};

use super::Twist;

/// Hosts do not hear that a checkpoint is committed, except by the next barrier.
#[derive(Debug)]
pub struct NoticeIsSwallowed;

impl Twist for NoticeIsSwallowed {
    fn host_hears(&self, _: &Host, input: HostInput) -> Vec<HostInput> {
        match input {
            HostInput::Coordinator(ToHost::Committed { .. }) => Vec::new(),
            other => vec![other],
        }
    }
}
