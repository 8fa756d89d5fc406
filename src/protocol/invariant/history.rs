//! What happened so far, as far as invariants need it.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::Arc,
};

use super::{Fact, Violation, judge};
use crate::{
    checkpoint::{
        Attempt, Certificate, CheckpointId, CheckpointRecord, LeaderEpoch, Manifest, ManifestVersion,
        ObjectName, TaskId, TaskSnapshot,
    },
    key_group::KeyGroup,
    protocol::{
        host::Host,
        message::{Deployment, HostId, Incarnation},
    },
};

/// The memory of invariants that speak about time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct History {
    // The links of the chain, also those that were pruned.
    pub(super) chain: BTreeMap<ManifestVersion, Arc<Manifest>>,
    // Every committed checkpoint, also those that were subsumed.
    pub(super) committed: BTreeMap<(Attempt, CheckpointId), Arc<CheckpointRecord>>,
    // Objects of the chain of committed outputs.
    pub(super) outputs: BTreeSet<ObjectName>,
    // The fingerprint each object was first written with.
    pub(super) written: BTreeMap<ObjectName, u128>,
    pub(super) existing: BTreeSet<ObjectName>,
    pub(super) deployed: BTreeMap<Attempt, BTreeMap<TaskId, Arc<Deployment>>>,
    pub(super) restored: BTreeSet<(Attempt, TaskId)>,
    pub(super) frozen: BTreeMap<(Attempt, CheckpointId, TaskId), BTreeMap<KeyGroup, Certificate>>,
    pub(super) acknowledged: BTreeMap<(Attempt, CheckpointId, TaskId), Arc<TaskSnapshot>>,
    pub(super) notified: BTreeMap<(HostId, Incarnation, Attempt, TaskId), CheckpointId>,
}

impl History {
    /// Nothing happened yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Judges `fact` by every invariant that judges facts, and remembers it.
    ///
    /// # Errors
    ///
    /// The first [`Violation`]. The fact is remembered all the same: it did happen.
    pub fn record(&mut self, fact: &Fact) -> Result<(), Violation> {
        let verdict = judge(self, fact);
        self.remember(fact);
        verdict
    }

    /// Forgets what no invariant can ask for again, unless it is broken by then: what was restored for
    /// an attempt that its own leader has replaced, and what was frozen and acknowledged for
    /// checkpoints that cannot be committed any more.
    ///
    /// Histories that differ in such things alone become equal, which is what a checker wants. A fact
    /// that comes too late is still judged, against what is left: it breaks an invariant rather than
    /// passing unseen.
    pub fn forget(&mut self) {
        let Self { chain, committed, deployed, restored, frozen, acknowledged, .. } = self;
        let newest = chain.last_key_value().map(|(_, manifest)| manifest);
        let (epoch, checkpoint) =
            newest.map_or_else(Default::default, |newest| (newest.epoch, newest.newest_checkpoint_id()));
        // An attempt's leader deploys the next one only when it has given up this one.
        let is_replaced = |attempt: Attempt| {
            let later = deployed.range((Bound::Excluded(attempt), Bound::Unbounded)).next();
            later.is_some_and(|(later, _)| later.epoch == attempt.epoch)
        };
        // Nobody commits for an older epoch, an attempt that was replaced, or an id that is behind.
        let can_be_committed = |attempt: Attempt, id: CheckpointId| {
            attempt.epoch >= epoch && id > checkpoint && !is_replaced(attempt)
        };
        restored.retain(|(attempt, _)| !is_replaced(*attempt));
        acknowledged.retain(|(attempt, id, _), _| can_be_committed(*attempt, *id));
        frozen.retain(|(attempt, id, _), _| {
            can_be_committed(*attempt, *id) || committed.contains_key(&(*attempt, *id))
        });
    }

    /// Forgets what tasks were notified of that `host` does not have any more: they will not be notified
    /// again.
    pub fn forget_notices(&mut self, host: &Host) {
        self.notified.retain(|(id, incarnation, attempt, task), _| {
            *id != host.id() || (*incarnation == host.incarnation() && host.task(*attempt, *task).is_some())
        });
    }

    /// The newest link of the chain.
    pub fn newest(&self) -> Option<&Arc<Manifest>> {
        self.chain.last_key_value().map(|(_, manifest)| manifest)
    }

    /// The newest link of the chain that was written by a leader of at most `epoch`.
    pub(super) fn newest_of(&self, epoch: LeaderEpoch) -> Option<&Arc<Manifest>> {
        self.chain.values().rev().find(|manifest| manifest.epoch <= epoch)
    }

    /// Every checkpoint that was ever committed, by attempt and id.
    pub fn committed(&self) -> impl Iterator<Item = &Arc<CheckpointRecord>> {
        self.committed.values()
    }

    /// The checkpoint that `manifest` commits if it comes into being now: the newest link of the chain
    /// does not have it. Litter below the newest link commits nothing.
    pub fn committed_by<'m>(&self, manifest: &'m Manifest) -> Option<&'m CheckpointRecord> {
        let record = manifest.newest_checkpoint().filter(|_| self.extends(manifest))?;
        let before = self.newest().map_or(CheckpointId::NONE, |newest| newest.newest_checkpoint_id());
        (record.id != before).then_some(record)
    }

    /// Whether `manifest` extends the chain. Otherwise it is litter below the newest version: a
    /// pruned version that was created again.
    pub(super) fn extends(&self, manifest: &Manifest) -> bool {
        self.newest().is_none_or(|newest| manifest.version > newest.version)
    }

    fn remember(&mut self, fact: &Fact) {
        match fact {
            Fact::ManifestCreated(manifest) => {
                if self.extends(manifest) {
                    if let Some(record) = self.committed_by(manifest) {
                        self.outputs.extend(record.outputs);
                        self.outputs.extend(
                            record
                                .tasks
                                .iter()
                                .filter_map(|task| task.output.as_ref().map(|output| output.object)),
                        );
                        self.committed.insert((record.attempt, record.id), Arc::new(record.clone()));
                    }
                    self.chain.insert(manifest.version, Arc::clone(manifest));
                }
            }
            Fact::ObjectWritten { name, fingerprint } => {
                self.written.entry(*name).or_insert(*fingerprint);
                self.existing.insert(*name);
            }
            Fact::ObjectDeleted(name) => {
                self.existing.remove(name);
            }
            Fact::Deployed(deployment) => {
                self.deployed
                    .entry(deployment.attempt)
                    .or_default()
                    .insert(deployment.task, Arc::clone(deployment));
            }
            Fact::Restored { attempt, task, .. } => {
                self.restored.insert((*attempt, *task));
            }
            Fact::Frozen { attempt, task, checkpoint, groups } => {
                self.frozen.insert((*attempt, *checkpoint, *task), groups.clone());
            }
            Fact::Acknowledged { attempt, checkpoint, snapshot } => {
                self.acknowledged.insert((*attempt, *checkpoint, snapshot.task), Arc::clone(snapshot));
            }
            Fact::Notified { host, incarnation, attempt, task, checkpoint } => {
                self.notified.insert((*host, *incarnation, *attempt, *task), *checkpoint);
            }
            Fact::ManifestDeleted(_) | Fact::Started(_) | Fact::Contents { .. } => {}
        }
    }
}
