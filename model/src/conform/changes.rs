//! What is asked of the store, and what it does then.

use std::sync::Arc;

use keygroups::{
    checkpoint::{ManifestVersion, ObjectName},
    protocol::invariant::Fact,
};

use super::{
    checker::Checker,
    line::{Damaged, Fate, How, Requested},
    rule::{OUTSIDE, Refusal},
    world::Follows,
};

impl Checker {
    // Brings the replayed store up to date.
    pub(super) fn stored(
        &mut self,
        now: u64,
        node: &Arc<str>,
        fact: &Fact,
        follows: &Follows,
    ) -> Result<(), Refusal> {
        let world = &mut self.world;
        match (fact, follows) {
            (Fact::ManifestCreated(manifest), Follows::Created(by, version)) => {
                world.wanted.allows_create(by, *version, Some(manifest))?;
                if let Some(record) = world.history.committed_by(manifest) {
                    world.follows(node, Follows::Compared(record.id));
                }
                let awaited = self.coordinators.get(by).is_some_and(|life| life.creates(*version));
                if !awaited {
                    world.tally.landed_late("create manifest");
                }
                world.store.created(now, Arc::clone(manifest), Arc::clone(by));
            }
            (Fact::ManifestDeleted(version), _) => {
                world.tally.landed_late("prune manifests");
                world.store.pruned(now, *version);
            }
            (Fact::ObjectWritten { name, .. }, Follows::Written(by, _)) => {
                let awaited = self.coordinators.get(by).is_some_and(|life| life.writes(name));
                if matches!(name, ObjectName::OutputList { .. }) && !awaited {
                    world.tally.landed_late("put output list");
                }
                world.store.written(now, *name);
            }
            (Fact::ObjectDeleted(name), _) => {
                world.tally.landed_late("delete objects");
                world.store.deleted(now, name);
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn requested(&mut self, now: u64, request: &Requested) -> Result<(), Refusal> {
        self.nothing_is_due()?;
        let Requested { by, operation, path, fate } = request;
        let (world, carried_out) = (&mut self.world, fate.is_carried_out());
        let store: Arc<str> = Arc::from(STORE_NODE);
        match (operation.as_str(), Thing::at(path)) {
            ("get" | "head" | "list", _) if fate.is_misread() => world.damage.misread(now, path),
            ("get" | "head" | "list", _) if *fate == Fate::Stale => world.damage.listed_less(now),
            ("get" | "head" | "list", _) => {}
            ("put", Some(Thing::Manifest(version))) => {
                world.wanted.allows_create(by, version, None)?;
                match (carried_out, world.store.holds_manifest(version)) {
                    (false, _) => {}
                    (true, false) => {
                        world.follows(&store, Follows::Created(Arc::from(by.as_str()), version));
                    }
                    (true, true) => world.store.met(now, version, by),
                }
            }
            ("put", Some(Thing::Object(name))) => {
                world.wanted.allows_write(by, name)?;
                if carried_out && !world.store.holds(&name) {
                    world.follows(&store, Follows::Written(Arc::from(by.as_str()), name));
                }
            }
            // Nobody sees a part before the upload is complete.
            ("begin-parts" | "put-part" | "abort-parts", Some(Thing::Object(name))) => {
                world.wanted.allows_write(by, name)?;
            }
            ("complete-parts", Some(Thing::Object(name))) => {
                world.wanted.allows_write(by, name)?;
                if carried_out {
                    world.follows(&store, Follows::Written(Arc::from(by.as_str()), name));
                }
            }
            ("delete", Some(Thing::Manifest(version))) => {
                world.wanted.allows_prune(by, version, world.store.newest())?;
                if carried_out && world.store.holds_manifest(version) {
                    world.follows(&store, Follows::Fact(Fact::ManifestDeleted(version)));
                }
            }
            ("delete", Some(Thing::Object(name))) => {
                world.wanted.allows_delete(by, name)?;
                if carried_out && world.store.holds(&name) {
                    world.follows(&store, Follows::Fact(Fact::ObjectDeleted(name)));
                }
            }
            _ => return OUTSIDE.broken_by("nothing of the protocol asks for that", []),
        }
        Ok(())
    }
}

impl Checker {
    /// Nobody asked for it: the store itself loses or spoils something.
    pub(super) fn damaged(&mut self, now: u64, damaged: &Damaged) -> Result<(), Refusal> {
        self.nothing_is_due()?;
        let world = &mut self.world;
        world.damage.lasts(&damaged.path);
        match (damaged.how, Thing::at(&damaged.path)) {
            (How::MissingObject, Some(Thing::Manifest(version))) => world.store.pruned(now, version),
            (How::MissingObject, Some(Thing::Object(name))) => world.store.deleted(now, &name),
            (How::BitRot | How::Truncation | How::MisdirectedWrite | How::MissingObject, _) => {}
        }
        Ok(())
    }
}

/// The node of the store.
const STORE_NODE: &str = "store";

/// What a path stands for.
pub(super) enum Thing {
    Manifest(ManifestVersion),
    Object(ObjectName),
}

impl Thing {
    /// Below the first segment, which is the job's.
    pub(super) fn at(path: &str) -> Option<Self> {
        let (_, name) = path.split_once('/')?;
        match name.strip_prefix("manifest/") {
            Some(version) => version.parse().ok().map(|version| Self::Manifest(ManifestVersion(version))),
            None => name.parse().ok().map(Self::Object),
        }
    }
}
