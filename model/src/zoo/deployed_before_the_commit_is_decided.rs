//! The next attempt is deployed while the last checkpoint is being committed.
//!
//! Hazelcast Jet asked first whether a snapshot was still that of the current execution, and
//! published it in a second step: a restart slipped in between, chose the snapshot before, and lost
//! it to the one published late. Here a leader that loses a host while it creates a manifest does
//! not wait until that is decided.
//!
//! Source: Hazelcast Jet pull request 2824, issue 2504.

use keygroups::protocol::{Coordinator, CoordinatorInput, CoordinatorOutput, Event};

use super::{Around, Twist, successors};

/// A lost host restarts the job at once, whatever is in flight.
#[derive(Debug)]
pub struct DeployedBeforeTheCommitIsDecided;

impl Twist for DeployedBeforeTheCommitIsDecided {
    fn coordinator_wants(
        &self,
        around: &mut dyn Around,
        coordinator: &Coordinator,
        _: &CoordinatorInput,
        mut out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        let newest = coordinator.manifest().map(|newest| newest.newest_checkpoint_id());
        let creating = around.creating(coordinator.id());
        let commits = creating.iter().any(|proposed| Some(proposed.newest_checkpoint_id()) > newest);
        let host_lost =
            out.iter().any(|output| matches!(output, CoordinatorOutput::Event(Event::HostLost { .. })));
        if let Some(attempt) = coordinator.running()
            && host_lost
            && newest.is_some()
            && commits
        {
            out.extend(successors(around, attempt));
        }
        out
    }
}
