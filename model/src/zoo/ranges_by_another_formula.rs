//! The router and the owner disagree about who owns a key group.
//!
//! RisingWave derived the virtual node of a backfill from the primary key where the rest of the
//! system used the distribution key, so records were routed to one actor and their state belonged
//! to another. Here the leader deals key-group ranges out in the opposite order.
//!
//! Source: RisingWave pull request 16815.

use keygroups::{
    key_group::{MaxParallelism, Parallelism, Subtask, assign},
    protocol::{Coordinator, CoordinatorInput, CoordinatorOutput},
};

use super::{Around, Twist, change_deployments};

/// Ranges are dealt out from the last subtask to the first.
#[derive(Debug)]
pub struct RangesByAnotherFormula;

impl Twist for RangesByAnotherFormula {
    fn coordinator_wants(
        &self,
        around: &mut dyn Around,
        _: &Coordinator,
        _: &CoordinatorInput,
        out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        let job = around.newest().map(|manifest| manifest.job.clone());
        let max = move |vertex| -> Option<MaxParallelism> { job.as_ref()?.vertex(vertex)?.max_parallelism };
        change_deployments(out, |deployment| {
            let Some(max) = max(deployment.task.vertex) else { return };
            let parallelism: Parallelism = deployment.layout.parallelism;
            let opposite = Subtask(parallelism.get() - 1 - deployment.task.subtask.0);
            deployment.key_groups = assign::range(max, parallelism, opposite).ok();
        })
    }
}
