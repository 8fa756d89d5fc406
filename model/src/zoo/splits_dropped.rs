//! Restored source splits are dropped.
//!
//! The Kafka consumer asked the broker again which partitions there are when it was restored, and
//! dropped those that the answer did not list just then. Here the source's operator state is never
//! read.
//!
//! Source: FLINK-6006, FLINK-7195.

use keygroups::protocol::{Coordinator, CoordinatorInput, CoordinatorOutput};

use super::{Around, Twist, change_deployments};

/// Operator state is not restored.
#[derive(Debug)]
pub struct SplitsDropped;

impl Twist for SplitsDropped {
    fn coordinator_wants(
        &self,
        _: &mut dyn Around,
        _: &Coordinator,
        _: &CoordinatorInput,
        out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        change_deployments(out, |deployment| deployment.restore.operator_state.clear())
    }
}
