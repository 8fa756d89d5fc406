//! A rescale is taken for the end of the job.
//!
//! While the adaptive scheduler was between two executions, Flink's dispatcher shut down; all tasks
//! were cancelled, which looked like the end of the job, and the pointers to its checkpoints were
//! cleaned up. The job came back empty. Here the manifest that accepts a rescale lists no
//! checkpoint.
//!
//! Source: FLINK-34518.

use keygroups::protocol::{Coordinator, CoordinatorInput, CoordinatorOutput};

use super::{Around, Twist, change_manifests};

/// The manifest of a rescale forgets all checkpoints.
#[derive(Debug)]
pub struct RescaleIsTheEnd;

impl Twist for RescaleIsTheEnd {
    fn coordinator_wants(
        &self,
        around: &mut dyn Around,
        _: &Coordinator,
        _: &CoordinatorInput,
        out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        let desired = around.newest().map(|newest| newest.desired_parallelism);
        change_manifests(out, |manifest| {
            if desired.is_some_and(|desired| desired != manifest.desired_parallelism) {
                manifest.checkpoints.clear();
            }
        })
    }
}
