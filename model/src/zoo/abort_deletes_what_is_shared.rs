//! Giving a checkpoint up deletes what the one before needs too.
//!
//! Shared files were registered with every checkpoint that used them, and when one was given up,
//! Flink deleted what it had registered, although the checkpoint before named the same files. What
//! checkpoints share here is the chain of outputs: each begins where the one before ended.
//!
//! Source: FLINK-24611.

use keygroups::protocol::{Coordinator, CoordinatorInput, CoordinatorOutput, Event};

use super::{Around, Twist};

/// The head of the chain of outputs, which the checkpoint would have continued, is deleted with it.
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
        if let Some(shared) = newest.and_then(|record| record.outputs)
            && aborted
        {
            out.push(CoordinatorOutput::Delete(vec![shared]));
        }
        out
    }
}
