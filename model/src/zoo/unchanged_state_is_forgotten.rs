//! A task that has nothing new forgets where its older state lies.
//!
//! Arroyo asked whether a subtask had written bytes in this epoch to know whether it has state. An idle
//! subtask vanished from the metadata, and its older files with it: the next checkpoint was complete, and
//! whoever restored from it found nothing.
//!
//! Source: Arroyo, commit 7f844b05.

use std::sync::Arc;

use keygroups::protocol::{Host, HostInput, HostOutput, ToCoordinator};

use super::Twist;

/// The handle of a snapshot into which nothing was written names nothing else either.
#[derive(Debug)]
pub struct UnchangedStateIsForgotten;

impl Twist for UnchangedStateIsForgotten {
    fn host_wants(&self, _: &Host, _: &HostInput, mut out: Vec<HostOutput>) -> Vec<HostOutput> {
        for output in &mut out {
            if let HostOutput::Send { message: ToCoordinator::Acknowledge { snapshot, .. }, .. } = output
                && snapshot.state.bytes == snapshot.state.index_bytes
            {
                Arc::make_mut(snapshot).state.bases.clear();
            }
        }
        out
    }
}
