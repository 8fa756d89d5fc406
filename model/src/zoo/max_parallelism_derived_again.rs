//! Max parallelism is derived again at a restart.
//!
//! Where the user sets none, Flink derives max parallelism from the parallelism of the moment. If a
//! restart did so again instead of keeping the recorded one, every key would fall into another key
//! group than its state. Here a new leader writes a job with one key group more.
//!
//! Source: invented after S16; Flink, `KeyGroupRangeAssignment.computeDefaultMaxParallelism`.

use keygroups::{
    checkpoint::{JobSpec, VertexSpec},
    key_group::MaxParallelism,
    protocol::{Coordinator, CoordinatorInput, CoordinatorOutput},
};

use super::{Around, Twist, change_manifests};

/// A claim changes the number of key groups.
#[derive(Debug)]
pub struct MaxParallelismDerivedAgain;

impl Twist for MaxParallelismDerivedAgain {
    fn coordinator_wants(
        &self,
        around: &mut dyn Around,
        _: &Coordinator,
        _: &CoordinatorInput,
        out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        let newest = around.newest();
        change_manifests(out, |manifest| {
            if newest.as_ref().is_none_or(|newest| newest.epoch == manifest.epoch) {
                return;
            }
            let mut vertices = Vec::<VertexSpec>::from(manifest.job.clone());
            for vertex in &mut vertices {
                let derived = vertex.max_parallelism.map(|max| MaxParallelism::new(u32::from(max.get()) + 1));
                vertex.max_parallelism = derived.and_then(Result::ok);
            }
            manifest.job = JobSpec::new(vertices).expect("one key group more is still a job");
        })
    }
}
