//! The recoverability atlas: for each object, whether it is the last good copy of something that is, or can
//! still become, needed.
//!
//! It reads the store as a reader of the format would, from the undamaged bytes: the newest manifest, the
//! checkpoint that recovery starts from, the chain of committed outputs. What none of these names is spare
//! if nobody can commit it any more. When in doubt it says "needed": then a fault only strikes less.

use super::damage::DamageKind;
use super::objects::Objects;
use super::trouble::LISTING_LAG_MAX;
use bytes::Bytes;
use keygroups::checkpoint::{Manifest, ManifestVersion, ObjectName, OutputList};
use keygroups::key_group::KeyGroupRange;
use keygroups::store::{Identified, Layout};
use object_store::path::Path;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What an object is to its job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// The newest manifest: the truth.
    Truth,
    /// A manifest over which a listing that lags leads to the newest.
    Step,
    /// What recovery would start from.
    State {
        /// The key groups of the task whose snapshot it is, or whose snapshot leans on it; `None` for a
        /// task without keyed state.
        key_groups: Option<KeyGroupRange>,
    },
    /// Committed output, or a link of the chain that names it: needed for ever.
    Output,
    /// Nothing names it, but a checkpoint that is under way may.
    Pending,
    /// A manifest that nobody reads any more.
    OldManifest,
    /// State of a retained checkpoint that is not the newest.
    OldCheckpoint,
    /// Nothing names it, and nothing ever will.
    Litter,
}

impl Need {
    /// Whether the protocol can do without it for ever.
    #[must_use]
    pub fn is_spare(&self) -> bool {
        match self {
            Self::OldManifest | Self::OldCheckpoint | Self::Litter => true,
            Self::Truth | Self::Step | Self::State { .. } | Self::Output | Self::Pending => false,
        }
    }

    /// Whether its damage destroys the last good copy of something that is needed now, and can be noticed.
    ///
    /// That the newest manifest is missing, nobody can notice: a chain that ends one earlier looks the same.
    /// What is pending is not lost, for it is not committed.
    #[must_use]
    pub fn can_be_destroyed(&self, how: DamageKind) -> bool {
        match self {
            Self::Truth => how != DamageKind::MissingObject,
            Self::State { .. } | Self::Output => true,
            Self::Step | Self::Pending | Self::OldManifest | Self::OldCheckpoint | Self::Litter => false,
        }
    }
}

/// What each object is to its job, by path. Objects of nobody's are not in it.
#[derive(Clone, Debug, Default)]
pub struct Atlas {
    needs: BTreeMap<String, Need>,
}

impl Atlas {
    /// The atlas of these objects. `undamaged` holds the bytes of those that were damaged, as they were.
    #[must_use]
    pub fn of(objects: &Objects, undamaged: &BTreeMap<String, Bytes>) -> Self {
        let read = |path: &Path| {
            let path = path.as_ref();
            undamaged.get(path).or_else(|| objects.get(path).map(|object| &object.bytes))
        };
        let mut atlas = Self::default();
        // A job's prefix has one segment.
        let jobs: BTreeSet<_> = objects.keys().filter_map(|path| path.split('/').next()).collect();
        for job in jobs {
            let layout = Layout::new(Path::from(job));
            let below = format!("{job}/");
            let mine = objects.keys().filter(|path| path.starts_with(&below));
            let known: Vec<_> = mine.map(|path| (path, layout.identify(path))).collect();
            let truth = Truth::read(&layout, &known, read);
            for (path, identified) in known {
                if let Some(need) = truth.need(&identified) {
                    atlas.needs.insert(path.clone(), need);
                }
            }
        }
        atlas
    }

    /// What the object at `path` is to its job.
    #[must_use]
    pub fn need(&self, path: &str) -> Option<&Need> {
        self.needs.get(path)
    }

    /// All of them, in order of path.
    pub fn needs(&self) -> impl Iterator<Item = (&str, &Need)> {
        self.needs.iter().map(|(path, need)| (path.as_str(), need))
    }
}

/// What the newest manifest says.
struct Truth {
    // The highest version there is, readable or not.
    newest: ManifestVersion,
    manifest: Option<Manifest>,
    outputs: BTreeSet<ObjectName>,
}

impl Truth {
    fn read<'a>(
        layout: &Layout,
        known: &[(&String, Identified)],
        read: impl Fn(&Path) -> Option<&'a Bytes>,
    ) -> Self {
        let versions = known.iter().filter_map(|(_, identified)| match identified {
            Identified::Manifest(version) => Some(*version),
            Identified::Object(_) | Identified::Foreign => None,
        });
        let newest = versions.max().unwrap_or_default();
        let manifest = read(&layout.manifest(newest)).and_then(|bytes| Manifest::decode(newest, bytes).ok());
        let mut outputs = BTreeSet::new();
        let mut next = manifest
            .as_ref()
            .and_then(|manifest| manifest.newest_checkpoint())
            .and_then(|newest| newest.outputs);
        while let Some(name) = next {
            outputs.insert(name);
            let list = read(&layout.object(&name)).and_then(|bytes| OutputList::decode(name, bytes).ok());
            next = list.and_then(|list| {
                outputs.extend(list.outputs.iter().map(|output| output.object));
                list.previous
            });
        }
        Self { newest, manifest, outputs }
    }

    fn need(&self, identified: &Identified) -> Option<Need> {
        let name = match identified {
            Identified::Foreign => return None,
            Identified::Manifest(version) if *version == self.newest => return Some(Need::Truth),
            Identified::Manifest(version) if version.0 + LISTING_LAG_MAX as u64 >= self.newest.0 => {
                return Some(Need::Step);
            }
            Identified::Manifest(_) => return Some(Need::OldManifest),
            Identified::Object(name) => name,
        };
        // Without a manifest that can be read nothing is known to be spare.
        let Some(manifest) = &self.manifest else { return Some(Need::Pending) };
        if self.outputs.contains(name) {
            return Some(Need::Output);
        }
        let newest = manifest.newest_checkpoint();
        let tasks = newest.into_iter().flat_map(|record| &record.tasks);
        if let Some(task) = tasks.into_iter().find(|task| task.state.objects().any(|named| named == name)) {
            return Some(Need::State { key_groups: task.state.key_groups });
        }
        if manifest.objects().any(|named| named == name) {
            return Some(match name {
                ObjectName::State { .. } => Need::OldCheckpoint,
                ObjectName::Output { .. } | ObjectName::OutputList { .. } => Need::Output,
            });
        }
        // An older leader commits nothing any more, and nobody an id that is behind.
        let decided = name.attempt().epoch < manifest.epoch
            || name.checkpoint() <= newest.map(|record| record.id).unwrap_or_default();
        Some(if decided { Need::Litter } else { Need::Pending })
    }
}
