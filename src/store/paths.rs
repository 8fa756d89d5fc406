//! Where everything lies below the prefix of a job.
//!
//! ```text
//! manifest/<version>                                    one step of history
//! state/<attempt>/<vertex>-<subtask>/<checkpoint>       a task's snapshot
//! output/<attempt>/<vertex>-<subtask>/<checkpoint>      a task's output
//! outputs/<attempt>/<checkpoint>                        a link of the output chain
//! ```
//!
//! Numbers have a fixed width, so that listings come in their order. Nothing else is written, and
//! what else is found is foreign: reported, never touched.

use std::sync::Arc;

use object_store::path::Path;

use crate::checkpoint::{
    Attempt, ManifestVersion, ObjectName,
    path::{attempt_segment, digits},
};

pub(super) const MANIFEST: &str = "manifest";
/// The directories of the three kinds of [`ObjectName`].
const KINDS: [&str; 3] = ["state", "output", "outputs"];

/// The paths of one job's objects.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    // Shared, for every request takes its store along.
    directories: Arc<Directories>,
}

/// What does not change from path to path.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Directories {
    prefix: Path,
    manifests: Path,
    kinds: [Path; 3],
}

/// What a path below the prefix stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Identified {
    /// A manifest.
    Manifest(ManifestVersion),
    /// A write-once object.
    Object(ObjectName),
    /// Nothing that this library wrote.
    Foreign,
}

impl Layout {
    /// The layout below `prefix`.
    pub fn new(prefix: Path) -> Self {
        let below = |directory| prefix.clone().join(directory);
        let (manifests, kinds) = (below(MANIFEST), KINDS.map(below));
        Self { directories: Arc::new(Directories { prefix, manifests, kinds }) }
    }

    /// Everything lies below this path.
    pub fn prefix(&self) -> &Path {
        &self.directories.prefix
    }

    /// The path of a manifest.
    pub fn manifest(&self, version: ManifestVersion) -> Path {
        self.manifests().clone().join(&*format!("{version:020}"))
    }

    /// The path of a write-once object.
    pub fn object(&self, name: &ObjectName) -> Path {
        Path::parse(self.object_text(name)).expect("a path, and below it letters, digits, dots and dashes")
    }

    /// The text of that path, for whoever only looks it up.
    pub fn object_text(&self, name: &ObjectName) -> String {
        let prefix = self.prefix().as_ref();
        let mut path = String::with_capacity(prefix.len() + 1 + ObjectName::TEXT_BYTES_MAX);
        path.push_str(prefix);
        if !path.is_empty() {
            path.push('/');
        }
        path.push_str(name.text().as_str());
        path
    }

    /// What lies at `path`, a store's path or its text; the exact inverse of [`manifest`](Self::manifest) and
    /// [`object`](Self::object).
    pub fn identify(&self, path: &(impl AsRef<str> + ?Sized)) -> Identified {
        let Some(text) = self.below(path.as_ref()) else { return Identified::Foreign };
        match text.strip_prefix(MANIFEST).and_then(|text| text.strip_prefix('/')) {
            Some(version) => digits(version.as_bytes(), 20)
                .map_or(Identified::Foreign, |version| Identified::Manifest(ManifestVersion(version))),
            None => text.parse().map_or(Identified::Foreign, Identified::Object),
        }
    }

    /// What follows the prefix in `path`.
    fn below<'a>(&self, path: &'a str) -> Option<&'a str> {
        let text = path.strip_prefix(self.prefix().as_ref())?;
        if self.prefix().is_root() { Some(text) } else { text.strip_prefix('/') }
    }

    /// The directory of manifests.
    pub(super) fn manifests(&self) -> &Path {
        &self.directories.manifests
    }

    /// For each kind of object its directory, and the path in it behind which the objects of
    /// `from` and all later attempts lie.
    pub(super) fn objects_from(&self, from: Attempt) -> [(&Path, Path); 3] {
        let attempt = attempt_segment(from);
        self.directories
            .kinds
            .each_ref()
            .map(|directory| (directory, directory.clone().join(attempt.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        checkpoint::{CheckpointId, LeaderEpoch, TaskId, VertexId},
        key_group::Subtask,
    };

    fn layouts() -> impl Strategy<Value = Layout> {
        prop_oneof![Just(""), Just("jobs"), Just("a/manifest/state"), Just("per%cent/a b")]
            .prop_map(|prefix| Layout::new(Path::from(prefix)))
    }

    proptest! {
        #[test]
        fn identify_is_the_inverse_of_the_paths(
            layout in layouts(),
            (version, epoch, run, vertex, subtask, id) in any::<(u64, u64, u32, u16, u16, u64)>(),
        ) {
            let version = ManifestVersion(version);
            prop_assert_eq!(layout.identify(&layout.manifest(version)), Identified::Manifest(version));
            let attempt = Attempt { epoch: LeaderEpoch(epoch), run };
            let task = TaskId { vertex: VertexId(vertex), subtask: Subtask(subtask) };
            let checkpoint = CheckpointId(id);
            for name in [
                ObjectName::State { attempt, task, checkpoint },
                ObjectName::Output { attempt, task, checkpoint },
                ObjectName::OutputList { attempt, checkpoint },
            ] {
                let path = layout.object(&name);
                prop_assert_eq!(layout.identify(&path), Identified::Object(name));
                let [state, output, outputs] = layout.objects_from(attempt);
                let (directory, offset) = match name {
                    ObjectName::State { .. } => state,
                    ObjectName::Output { .. } => output,
                    ObjectName::OutputList { .. } => outputs,
                };
                prop_assert!(path > offset && path.prefix_matches(directory));
            }
        }

        #[test]
        fn path_order_is_version_order(one: u64, other: u64) {
            let layout = Layout::new(Path::from("job"));
            prop_assert_eq!(
                layout.manifest(ManifestVersion(one)).cmp(&layout.manifest(ManifestVersion(other))),
                one.cmp(&other)
            );
        }
    }

    #[test]
    fn what_nobody_wrote_is_foreign() {
        let layout = Layout::new(Path::from("job"));
        for path in [
            "job",
            "other/manifest/00000000000000000001",
            "manifest/00000000000000000001",
            "job/manifest/1",
            "job/manifest/00000000000000000001.tmp",
            "job/manifest/99999999999999999999",
            "job/manifest/00000000000000000001/00000000000000000001",
            "job/README",
        ] {
            assert_eq!(layout.identify(&Path::from(path)), Identified::Foreign, "{path}");
        }
    }
}
