//! What may be deleted.
//!
//! An object may be deleted only when no manifest names it and none that could still be created
//! will. The rule is monotone (what is garbage once is garbage for ever), so a delete that is
//! delayed, repeated, or sent by a leader that was deposed meanwhile does no harm.

use std::collections::BTreeSet;

use crate::checkpoint::{Attempt, CheckpointId, Manifest, ManifestVersion, ObjectName};

/// What the leader knew when it asked for a listing. A listing is judged by this and not by what
/// is known when it arrives: a checkpoint that was committed in between has outputs that the
/// listing's walk of the chain has not seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Basis {
    /// Objects named by the newest manifest.
    pub named: BTreeSet<ObjectName>,
    /// The leader's current attempt. Older attempts can commit nothing any more: no create is in
    /// flight, and every later manifest is made from the current attempt's acknowledgements.
    pub attempt: Attempt,
    /// The newest committed checkpoint if the current attempt took it, otherwise
    /// [`CheckpointId::NONE`]. The current attempt commits only higher ids.
    pub committed: CheckpointId,
}

impl Basis {
    /// What is known from the newest manifest while `attempt` is current and no create is in
    /// flight.
    pub fn new(manifest: &Manifest, attempt: Attempt) -> Self {
        let committed = manifest
            .newest_checkpoint()
            .filter(|record| record.attempt == attempt)
            .map_or(CheckpointId::NONE, |record| record.id);
        Self { named: manifest.objects().copied().collect(), attempt, committed }
    }

    /// Whether `object` may be deleted. `outputs` are all objects of the chain of committed
    /// outputs.
    pub fn is_garbage(&self, object: &ObjectName, outputs: &BTreeSet<ObjectName>) -> bool {
        let attempt = object.attempt();
        let decided =
            attempt < self.attempt || (attempt == self.attempt && object.checkpoint() <= self.committed);
        decided && !self.named.contains(object) && !outputs.contains(object)
    }
}

/// The snapshots that `old` names and `new`, its successor, does not. Outputs stay: the chain
/// names them.
pub fn subsumed(old: &Manifest, new: &Manifest) -> Vec<ObjectName> {
    let kept: BTreeSet<_> = new.objects().collect();
    old.objects()
        .filter(|object| matches!(object, ObjectName::State { .. }) && !kept.contains(object))
        .copied()
        .collect()
}

/// The oldest version to keep so that `retained` manifests, at least one, remain.
pub fn prune_below(newest: ManifestVersion, retained: u64) -> ManifestVersion {
    ManifestVersion((newest.0 + 1).saturating_sub(retained.max(1)))
}
