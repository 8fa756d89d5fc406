//! What a later checkpoint builds on is deleted with the checkpoint that it subsumes.
//!
//! A savepoint counted towards the one checkpoint that was retained, so that it subsumed the last real
//! one, and with it files that later incremental checkpoints went on using.
//!
//! Source: FLINK-21351.

use keygroups::protocol::{Coordinator, CoordinatorInput, CoordinatorOutput, Event};

use super::{Around, Twist};

/// A commit deletes the snapshots of the checkpoint before, also those on which the new one leans.
#[derive(Debug)]
pub struct SubsumedWithWhatIsShared;

impl Twist for SubsumedWithWhatIsShared {
    fn coordinator_wants(
        &self,
        around: &mut dyn Around,
        _: &Coordinator,
        _: &CoordinatorInput,
        mut out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        let commits =
            out.iter().any(|output| matches!(output, CoordinatorOutput::Event(Event::Committed { .. })));
        let committed = around.committed();
        if let ([.., before, _], true) = (&*committed, commits) {
            let snapshots = before.tasks.iter().map(|snapshot| snapshot.state.object);
            out.push(CoordinatorOutput::Delete(snapshots.collect()));
        }
        out
    }
}
