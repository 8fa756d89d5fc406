//! What of the store cannot be believed, as the trace tells: reads that were answered with something else than
//! what was there, listings that omitted something, objects that were damaged.
//!
//! The model's store is never damaged. The protocol must take damage for a failed request, never for other
//! contents; so where the trace tells of damage, an answer may also be that something is unreadable. What
//! was read in spite of it must be true all the same.

use std::collections::{BTreeMap, BTreeSet};

use keygroups::checkpoint::ObjectName;

use super::changes::Thing;

/// Every untruth so far.
#[derive(Debug, Default)]
pub(super) struct Damage {
    // Damaged for ever.
    objects: BTreeSet<ObjectName>,
    manifests: bool,
    // The newest line at which a reader got something else, by object.
    misread: BTreeMap<ObjectName, u64>,
    misread_manifest: Option<u64>,
    listed_less: Option<u64>,
}

impl Damage {
    /// The object at `path` is not what was written any more.
    pub(super) fn lasts(&mut self, path: &str) {
        match Thing::at(path) {
            Some(Thing::Manifest(_)) => self.manifests = true,
            Some(Thing::Object(name)) => {
                self.objects.insert(name);
            }
            None => {}
        }
    }

    /// Whoever reads `path` at line `now` gets something else, or nothing.
    pub(super) fn misread(&mut self, now: u64, path: &str) {
        match Thing::at(path) {
            Some(Thing::Manifest(_)) => self.misread_manifest = Some(now),
            Some(Thing::Object(name)) => {
                self.misread.insert(name, now);
            }
            None => {}
        }
    }

    /// A listing at line `now` does not show everything.
    pub(super) fn listed_less(&mut self, now: u64) {
        self.listed_less = Some(now);
    }

    /// Whether a manifest that was read since line `asked` may have been unreadable.
    pub(super) fn manifest(&self, asked: u64) -> bool {
        self.manifests || self.misread_manifest.is_some_and(|at| at > asked)
    }

    /// Whether the object may have been unreadable at some moment since line `asked`.
    pub(super) fn object(&self, name: &ObjectName, asked: u64) -> bool {
        self.objects.contains(name) || self.misread.get(name).is_some_and(|at| *at > asked)
    }

    /// Whether a listing since line `asked` may have omitted something.
    pub(super) fn listing(&self, asked: u64) -> bool {
        self.listed_less.is_some_and(|at| at > asked)
    }
}
