//! The object store: manifests by conditional create, write-once objects, requests that may land
//! long after their sender is gone.

use std::{collections::BTreeMap, sync::Arc};

use keygroups::{
    checkpoint::{
        Attempt, Certificate, CheckpointRecord, LeaderEpoch, Manifest, ManifestVersion, ObjectName,
        OutputList, StateHandle,
    },
    key_group::KeyGroup,
    protocol::{
        CoordinatorInput, CreateOutcome, PutOutcome, ReadOutcome, SweepRequest, Swept, invariant::Contents,
    },
};

use crate::{
    part::hash_of,
    story::{self, COUNT, Groups, Offsets, Places, Record},
};

/// What lies under a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object {
    /// A snapshot.
    State {
        /// The keyed state in it.
        groups: Groups,
        /// Where the rest of its keyed state lies.
        leans_on: Places,
        /// The source offsets in it; item `i` is the `i`-th entry.
        offsets: Offsets,
    },
    /// Output of one task.
    Output(Vec<Record>),
    /// A link of the chain of committed outputs.
    List(Arc<OutputList>),
}

impl Object {
    /// Equal for equal contents.
    pub fn fingerprint(&self) -> u128 {
        u128::from(hash_of(self))
    }
}

/// What a coordinator asks the store for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Request {
    /// The newest manifest, after the create of this version was answered.
    ReadLatest {
        /// 0 for none.
        after: ManifestVersion,
    },
    /// Put a manifest if absent.
    Create(Arc<Manifest>),
    /// Write a link of the chain of outputs once.
    PutOutputList(ObjectName, Arc<OutputList>),
    /// List objects, walk the chain of outputs.
    Sweep(SweepRequest),
    /// Delete objects. Not answered.
    Delete(Vec<ObjectName>),
    /// Delete old manifests. Not answered.
    Prune(ManifestVersion),
}

impl Request {
    /// Whether it changes the store, so that it matters when it lands after its sender is gone.
    pub fn has_effect(&self) -> bool {
        match self {
            Self::Create(_) | Self::PutOutputList(..) | Self::Delete(_) | Self::Prune(_) => true,
            Self::ReadLatest { .. } | Self::Sweep(_) => false,
        }
    }

    /// What its sender hears if it is not answered; `None` if nobody waits for an answer.
    pub fn time_out(&self) -> Option<CoordinatorInput> {
        match self {
            Self::ReadLatest { after } => {
                Some(CoordinatorInput::Latest { after: *after, outcome: ReadOutcome::Unavailable })
            }
            Self::Create(manifest) => {
                Some(CoordinatorInput::Create { version: manifest.version, outcome: CreateOutcome::Unknown })
            }
            Self::PutOutputList(name, _) => {
                Some(CoordinatorInput::OutputList { name: *name, outcome: PutOutcome::Retry })
            }
            Self::Sweep(request) => Some(CoordinatorInput::Swept { request: *request, swept: None }),
            Self::Delete(_) | Self::Prune(_) => None,
        }
    }
}

/// Everything durable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Store {
    /// The chain, as far as it was not pruned.
    pub manifests: BTreeMap<ManifestVersion, Arc<Manifest>>,
    /// Write-once objects.
    pub objects: BTreeMap<ObjectName, Object>,
}

impl Store {
    /// Puts a manifest if absent.
    pub fn create(&mut self, manifest: &Arc<Manifest>) -> CreateOutcome {
        if self.manifests.contains_key(&manifest.version) {
            return CreateOutcome::Exists;
        }
        self.manifests.insert(manifest.version, Arc::clone(manifest));
        CreateOutcome::Created
    }

    /// The newest manifest.
    pub fn latest(&self) -> ReadOutcome {
        match self.manifests.last_key_value() {
            Some((_, manifest)) => ReadOutcome::Found(Arc::clone(manifest)),
            None => ReadOutcome::Absent,
        }
    }

    /// Writes an object once. Whether it was there before with the same contents makes no
    /// difference.
    pub fn put(&mut self, name: ObjectName, object: Object) -> PutOutcome {
        match self.objects.get(&name) {
            Some(found) if *found != object => PutOutcome::Conflict,
            Some(_) => PutOutcome::Written,
            None => {
                self.objects.insert(name, object);
                PutOutcome::Written
            }
        }
    }

    /// The manifests that [`Request::Prune`] deletes: none if the newest would be among them.
    pub fn prunable(&self, below: ManifestVersion) -> Vec<ManifestVersion> {
        let keeps_newest = self.manifests.last_key_value().is_some_and(|(newest, _)| *newest >= below);
        if keeps_newest {
            self.manifests.range(..below).map(|(version, _)| *version).collect()
        } else {
            Vec::new()
        }
    }

    /// Answers [`Request::Sweep`]; `None` if a link of the chain is missing.
    pub fn sweep(&self, request: SweepRequest) -> Option<Swept> {
        let SweepRequest { from, head, .. } = request;
        let objects = self.objects.keys().filter(|name| name.attempt() >= from).copied().collect();
        let mut committed = Vec::new();
        let mut next = head;
        while let Some(name) = next.filter(|name| name.attempt() >= from) {
            let list = self.list(name)?;
            committed.push(name);
            committed.extend(list.outputs.iter().map(|output| output.object));
            next = list.previous;
        }
        Some(Swept { objects, committed })
    }

    /// Objects that neither the newest manifest nor the chain of outputs names.
    pub fn unnamed(&self) -> impl Iterator<Item = &ObjectName> {
        let newest = self.manifests.last_key_value().map(|(_, manifest)| manifest);
        let head = newest.and_then(|newest| newest.newest_checkpoint()?.outputs);
        let request = SweepRequest { epoch: LeaderEpoch(0), from: Attempt::default(), head };
        let mut named = self.sweep(request).map(|swept| swept.committed).unwrap_or_default();
        named.extend(newest.into_iter().flat_map(|newest| newest.objects()));
        self.objects.keys().filter(move |name| !named.contains(name))
    }

    fn list(&self, name: ObjectName) -> Option<&Arc<OutputList>> {
        match self.objects.get(&name)? {
            Object::List(list) => Some(list),
            Object::State { .. } | Object::Output(_) => None,
        }
    }

    /// The snapshot under `name`: what lies in it, and where the rest does.
    pub fn state(&self, name: ObjectName) -> Option<(&Groups, &Places, &Offsets)> {
        match self.objects.get(&name)? {
            Object::State { groups, leans_on, offsets } => Some((groups, leans_on, offsets)),
            Object::Output(_) | Object::List(_) => None,
        }
    }

    /// The keyed state of the snapshot under `name`, and where each of its key groups lies; `None` where
    /// what it leans on is not there.
    pub fn keyed(
        &self,
        name: ObjectName,
    ) -> Option<impl Iterator<Item = (KeyGroup, ObjectName, Option<&Vec<Record>>)>> {
        let (groups, leans_on, _) = self.state(name)?;
        let own = groups.iter().map(move |(group, records)| (*group, name, Some(records)));
        let others = leans_on.iter().map(|(group, base)| {
            (*group, *base, self.state(*base).and_then(|(groups, ..)| groups.get(group)))
        });
        Some(own.chain(others))
    }

    /// What `checkpoint` really holds, all committed output before it included. What is missing
    /// counts as nothing.
    pub fn contents(&self, checkpoint: &CheckpointRecord) -> Contents {
        let snapshots = checkpoint.tasks.iter().filter(|task| task.task.vertex == COUNT);
        // Through what the handle names: the rest need not live any longer.
        let keyed = |handle: &StateHandle| -> Groups {
            let found = self.keyed(handle.object).into_iter().flatten();
            let named = found.filter(|(_, place, _)| handle.objects().any(|object| object == place));
            named.filter_map(|(group, _, records)| Some((group, records?.clone()))).collect()
        };
        let state = snapshots.flat_map(|task| story::certificates(&keyed(&task.state)).into_values()).sum();
        let mut output = Certificate::default();
        let mut next = checkpoint.outputs;
        while let Some(list) = next.and_then(|name| self.list(name)) {
            for handle in &list.outputs {
                if let Some(Object::Output(records)) = self.objects.get(&handle.object) {
                    output =
                        records.iter().map(|record| story::of_output(*record)).fold(output, |a, b| a + b);
                }
            }
            next = list.previous;
        }
        Contents { state, output }
    }

    /// The source offsets in `checkpoint`.
    pub fn offsets(&self, checkpoint: &CheckpointRecord) -> Offsets {
        let states = checkpoint.tasks.iter().filter_map(|task| self.state(task.state.object));
        states.flat_map(|(_, _, offsets)| offsets.iter().map(|(split, offset)| (*split, *offset))).collect()
    }
}
