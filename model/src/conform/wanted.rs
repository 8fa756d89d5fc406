//! What machines wanted to change in the store, so that nothing else changes it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use keygroups::{
    checkpoint::{Manifest, ManifestVersion, ObjectName, OutputList},
    protocol::PutOutcome,
};

use super::{
    damage::Damage,
    rule::{ANSWERS, Refusal, WRITES},
    store::Store,
};

/// What is wanted, with the node of the machine that wants it.
type ByNode<T> = Vec<(Arc<str>, T)>;

/// Every change of the store that a machine ever wanted, by the node it runs on.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    manifests: BTreeMap<ManifestVersion, ByNode<Arc<Manifest>>>,
    lists: BTreeMap<ObjectName, ByNode<Arc<OutputList>>>,
    uploads: BTreeSet<(ObjectName, Arc<str>)>,
    deletes: BTreeSet<(ObjectName, Arc<str>)>,
    prunes: BTreeSet<(ManifestVersion, Arc<str>)>,
}

impl Wanted {
    pub(super) fn create(&mut self, by: &Arc<str>, manifest: &Arc<Manifest>) {
        let wanted = self.manifests.entry(manifest.version).or_default();
        if !wanted.iter().any(|(node, other)| node == by && other == manifest) {
            wanted.push((Arc::clone(by), Arc::clone(manifest)));
        }
    }

    pub(super) fn put_list(&mut self, by: &Arc<str>, name: ObjectName, list: &Arc<OutputList>) {
        let wanted = self.lists.entry(name).or_default();
        if !wanted.iter().any(|(node, other)| node == by && other == list) {
            wanted.push((Arc::clone(by), Arc::clone(list)));
        }
    }

    pub(super) fn upload(&mut self, by: &Arc<str>, name: ObjectName) {
        self.uploads.insert((name, Arc::clone(by)));
    }

    pub(super) fn delete(&mut self, by: &Arc<str>, names: &[ObjectName]) {
        self.deletes.extend(names.iter().map(|name| (*name, Arc::clone(by))));
    }

    pub(super) fn prune(&mut self, by: &Arc<str>, below: ManifestVersion) {
        self.prunes.insert((below, Arc::clone(by)));
    }

    /// The list that was wanted under `name`.
    pub(super) fn list(&self, name: &ObjectName) -> Option<&OutputList> {
        self.lists.get(name)?.first().map(|(_, list)| &**list)
    }

    /// Whether the machine on `by` wants that version, with these contents if they are known.
    pub(super) fn allows_create(
        &self,
        by: &str,
        version: ManifestVersion,
        contents: Option<&Manifest>,
    ) -> Result<(), Refusal> {
        let wanted = self.manifests.get(&version).into_iter().flatten().filter(|(node, _)| **node == *by);
        let alike = |other: &Manifest| contents.is_none_or(|contents| contents == other);
        if wanted.clone().any(|(_, manifest)| alike(manifest)) {
            return Ok(());
        }
        WRITES.instead(wanted.map(|(_, manifest)| {
            let (epoch, newest) = (manifest.epoch, manifest.newest_checkpoint_id());
            format!("manifest {version} of epoch {epoch} with newest checkpoint {newest}")
        }))
    }

    pub(super) fn allows_write(&self, by: &str, name: ObjectName) -> Result<(), Refusal> {
        let list = self.lists.get(&name).is_some_and(|lists| lists.iter().any(|(node, _)| **node == *by));
        if list || self.uploads.contains(&(name, Arc::from(by))) { Ok(()) } else { WRITES.broken() }
    }

    pub(super) fn allows_delete(&self, by: &str, name: ObjectName) -> Result<(), Refusal> {
        if self.deletes.contains(&(name, Arc::from(by))) { Ok(()) } else { WRITES.broken() }
    }

    /// The newest version is never pruned: whoever prunes has seen one that is to be kept.
    pub(super) fn allows_prune(
        &self,
        by: &str,
        version: ManifestVersion,
        newest: Option<&Arc<Manifest>>,
    ) -> Result<(), Refusal> {
        let kept = |below: ManifestVersion| newest.is_some_and(|newest| newest.version >= below);
        let own = self.prunes.iter().filter(|(_, node)| **node == *by);
        if own.clone().any(|(below, _)| version < *below && kept(*below)) {
            return Ok(());
        }
        WRITES.instead(own.map(|(below, _)| format!("manifests below {below}")))
    }

    /// Whether a put of that list can end so now.
    pub(super) fn can_put_list(
        &self,
        store: &Store,
        damage: &Damage,
        asked: u64,
        name: &ObjectName,
        outcome: PutOutcome,
    ) -> Result<(), Refusal> {
        let mut others = self.lists.get(name).into_iter().flatten().map(|(_, list)| list);
        let first = others.next();
        let conflict = others.any(|list| Some(list) != first);
        match outcome {
            PutOutcome::Retry => Ok(()),
            PutOutcome::Written if store.held(name, asked) => Ok(()),
            PutOutcome::Conflict if conflict && store.held(name, asked) => Ok(()),
            PutOutcome::Conflict if damage.object(name, asked) => Ok(()),
            PutOutcome::Written => ANSWERS.broken_by(format!("{name} was not there meanwhile"), []),
            PutOutcome::Conflict => {
                ANSWERS.broken_by(format!("nobody has wanted other contents under {name}"), [])
            }
        }
    }
}
