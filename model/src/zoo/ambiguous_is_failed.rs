//! An ambiguous answer of the store is taken for a failure.
//!
//! The write of the pointer had succeeded in ZooKeeper, but its answer was lost. Flink took that for
//! a failure and deleted the checkpoint's files, which the pointer named.
//!
//! Source: FLINK-22494, FLINK-24543.

use keygroups::{
    checkpoint::Manifest,
    protocol::{Coordinator, CoordinatorInput, CoordinatorOutput, CreateOutcome},
};

use super::{Around, Twist};

/// What an ambiguous create would name is deleted.
#[derive(Debug)]
pub struct AmbiguousIsFailed;

impl Twist for AmbiguousIsFailed {
    fn coordinator_wants(
        &self,
        around: &mut dyn Around,
        _: &Coordinator,
        input: &CoordinatorInput,
        mut out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        if let CoordinatorInput::Create { version, outcome: CreateOutcome::Unknown } = input {
            let objects = |manifest: &Manifest| manifest.objects().copied().collect();
            let landed = around.stored_manifest(*version);
            out.extend(landed.map(|manifest| CoordinatorOutput::Delete(objects(&manifest))));
        }
        out
    }
}
