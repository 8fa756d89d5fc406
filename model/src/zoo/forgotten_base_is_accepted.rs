//! An acknowledgement that leans on what was forgotten is accepted.
//!
//! What a snapshot leans on is checked when it is acknowledged, because a task may be wrong about what still
//! exists. Here a task leans on what it wrote two checkpoints ago, whether that is still needed or not, and
//! the coordinator takes its word for it, as Flink's registry took a backend's word that a placeholder stood
//! for a file that is there.
//!
//! Source: invented, after FLINK-24611 and the review of Flink's `SharedStateRegistry`.

use std::sync::Arc;

use keygroups::{
    checkpoint::{CheckpointId, Manifest, ObjectName, TaskSnapshot},
    protocol::{
        Coordinator, CoordinatorInput, CoordinatorOutput, Host, HostInput, HostOutput, ToCoordinator,
    },
};

use super::{Around, Twist, change_manifests};

/// Keyed snapshots lean on those of the checkpoint before the one before.
#[derive(Debug)]
pub struct ForgottenBaseIsAccepted;

/// What `snapshot` leans on wrongly, if there is such a thing.
fn forgotten(snapshot: &TaskSnapshot) -> Option<ObjectName> {
    let ObjectName::State { attempt, task, checkpoint } = snapshot.state.object else { return None };
    let before = checkpoint.0.checked_sub(2).filter(|id| *id > 0 && snapshot.state.key_groups.is_some())?;
    Some(ObjectName::State { attempt, task, checkpoint: CheckpointId(before) })
}

fn lean(snapshot: &mut TaskSnapshot) {
    if let Some(base) = forgotten(snapshot)
        && let Err(at) = snapshot.state.bases.binary_search(&base)
    {
        snapshot.state.bases.insert(at, base);
    }
}

impl Twist for ForgottenBaseIsAccepted {
    fn host_wants(&self, _: &Host, _: &HostInput, mut out: Vec<HostOutput>) -> Vec<HostOutput> {
        for output in &mut out {
            if let HostOutput::Send { message: ToCoordinator::Acknowledge { snapshot, .. }, .. } = output {
                lean(Arc::make_mut(snapshot));
            }
        }
        out
    }

    // The machine would refuse it.
    fn coordinator_hears(
        &self,
        _: &mut dyn Around,
        _: &Coordinator,
        _: Option<&Manifest>,
        mut input: CoordinatorInput,
    ) -> Vec<CoordinatorInput> {
        if let CoordinatorInput::Host(ToCoordinator::Acknowledge { snapshot, .. }) = &mut input
            && let Some(base) = forgotten(snapshot)
        {
            Arc::make_mut(snapshot).state.bases.retain(|named| *named != base);
        }
        vec![input]
    }

    fn coordinator_wants(
        &self,
        around: &mut dyn Around,
        _: &Coordinator,
        _: &CoordinatorInput,
        out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        let newest = around.newest().map(|newest| newest.newest_checkpoint_id()).unwrap_or_default();
        change_manifests(out, |manifest| {
            let committed = manifest.checkpoints.last_mut().filter(|record| record.id > newest);
            committed.into_iter().flat_map(|record| &mut record.tasks).for_each(lean);
        })
    }
}
