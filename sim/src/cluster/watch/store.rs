//! Judges every change of the store in the moment it takes effect.

use super::super::untyped::{Compared, Read};
use super::{STORE, State, Watch};
use crate::run::Violation;
use crate::storage::{Change, Mutation};
use bytes::Bytes;
use keygroups::checkpoint::{Manifest, ManifestVersion, ObjectName};
use keygroups::protocol::invariant::Fact;
use keygroups::store::Identified;
use std::collections::BTreeSet;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_128;

impl Watch {
    /// Those of `paths` that no manifest names, directly or through the chain of outputs.
    pub(crate) fn garbage<P: AsRef<str>>(&self, paths: impl Iterator<Item = P>) -> Vec<ObjectName> {
        let found = paths.filter_map(|path| match self.layout.identify(&path) {
            Identified::Object(name) => Some(name),
            Identified::Manifest(_) | Identified::Foreign => None,
        });
        let mut found: Vec<_> = found.collect();
        let mut unnamed: BTreeSet<_> = found.iter().copied().collect();
        let state = self.state();
        let history = state.seen.history();
        let kept: BTreeSet<_> =
            history.newest().into_iter().flat_map(|manifest| manifest.objects()).collect();
        for name in history.committed().flat_map(|record| record.objects()) {
            if !matches!(name, ObjectName::State { .. }) || kept.contains(name) {
                unnamed.remove(name);
            }
        }
        found.retain(|name| unnamed.contains(name));
        found
    }

    /// Something was changed; `read` gives every object as it is then.
    pub(in super::super) fn mutated(&self, mutation: &Mutation<'_>, read: Read<'_>) {
        let now = match mutation.change {
            Change::Created(bytes) | Change::Replaced { now: bytes, .. } => Some(bytes),
            Change::Deleted { .. } => None,
        };
        let mut state = self.state();
        match (self.layout.identify(mutation.path), now) {
            (Identified::Manifest(version), Some(bytes)) => {
                self.manifest_created(&mut state, version, bytes, read)
            }
            (Identified::Manifest(version), None) => {
                self.judge(&mut state, STORE, &Fact::ManifestDeleted(version))
            }
            (Identified::Object(name), Some(bytes)) => {
                self.judge(&mut state, STORE, &Fact::ObjectWritten { name, fingerprint: xxh3_128(bytes) });
            }
            (Identified::Object(name), None) => self.judge(&mut state, STORE, &Fact::ObjectDeleted(name)),
            (Identified::Foreign, _) => {}
        }
        state.meetings.lives(&self.nodes);
        state.meetings.moved();
    }

    fn manifest_created(&self, state: &mut State, version: ManifestVersion, bytes: &Bytes, read: Read<'_>) {
        let manifest = match Manifest::decode(version, bytes) {
            Ok(manifest) => Arc::new(manifest),
            Err(error) => {
                self.broken(state, Violation::broken("manifests_are_readable", error));
                return;
            }
        };
        let commits = state.seen.history().committed_by(&manifest);
        self.judge(state, STORE, &Fact::ManifestCreated(Arc::clone(&manifest)));
        state.progress.newest = state.seen.history().newest().cloned();
        if let Some(record) = commits {
            match state.judge.compare(record, read, &self.layout) {
                Ok(Compared { found, expected, difference, broken }) => {
                    let fact = Fact::Contents { checkpoint: record.id, found, expected };
                    self.judge_with(state, STORE, &fact, difference);
                    if let Some(violation) = broken {
                        self.broken(state, violation);
                    }
                }
                Err(unreadable) => {
                    let what = format!("checkpoint {}: {unreadable}", record.id);
                    self.broken(state, Violation::broken("committed_checkpoints_are_readable", what));
                }
            }
        }
    }
}
