//! Giving a checkpoint up deletes what the one before needs too.
//!
//! Shared files were registered with every checkpoint that used them, and when one was given up,
//! Flink deleted what it had registered, although the checkpoint before named the same files. What a
//! checkpoint shares here is what it leans on: snapshots that the newest committed one names.
//!
//! Source: FLINK-24611.

use std::collections::BTreeSet;

use keygroups::protocol::{Coordinator, CoordinatorInput, CoordinatorOutput, Event};

use super::{Around, Twist};

/// The snapshots on which the checkpoint would have leant are deleted with it.
#[derive(Debug)]
pub struct AbortDeletesWhatIsShared;

impl Twist for AbortDeletesWhatIsShared {
    fn coordinator_wants(
        &self,
        _: &mut dyn Around,
        coordinator: &Coordinator,
        _: &CoordinatorInput,
        mut out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        let aborted =
            out.iter().any(|output| matches!(output, CoordinatorOutput::Event(Event::Aborted { .. })));
        let newest = coordinator.manifest().and_then(|manifest| manifest.newest_checkpoint());
        if let Some(record) = newest.filter(|_| aborted) {
            let shared = record.tasks.iter().filter(|task| task.state.key_groups.is_some());
            let shared: BTreeSet<_> = shared.flat_map(|task| task.state.objects()).copied().collect();
            out.push(CoordinatorOutput::Delete(shared.into_iter().collect()));
        }
        out
    }
}
