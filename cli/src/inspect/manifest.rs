//! What a manifest says, and whether the objects that it names are there.

use std::collections::BTreeMap;

use anyhow::bail;
use keygroups::ErrorKind;
use keygroups::checkpoint::{ContentError, FormatError, Manifest, ManifestVersion, ObjectName};
use serde::Serialize;

use super::source::Found;

#[derive(Serialize)]
pub(super) struct Document {
    at: String,
    /// Nothing if it is damaged.
    pub(super) manifest: Option<Manifest>,
    /// How many objects it names, if they were looked for: they are, where a manifest has its name in a store.
    pub(super) objects: Option<usize>,
    pub(super) problems: Vec<String>,
}

impl Document {
    pub(super) fn of(found: &Found) -> anyhow::Result<Self> {
        let expected = ManifestVersion(found.version().unwrap_or_default());
        let decoded = match Manifest::decode(expected, &found.bytes) {
            // It is not where its name says what it is.
            Err(FormatError::Content(ContentError::Misdirected { found: version, .. }))
                if found.version().is_none() =>
            {
                Manifest::decode(version, &found.bytes)
            }
            decoded => decoded,
        };
        let at = found.at.clone();
        match decoded {
            Ok(manifest) => {
                let named = objects(&manifest);
                let found = found.lengths(named.keys().copied())?;
                let problems = found.as_ref().map_or_else(Vec::new, |found| missing(&named, found));
                Ok(Self { at, manifest: Some(manifest), objects: found.map(|_| named.len()), problems })
            }
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                Ok(Self { problems: vec![format!("{at}: {error}")], at, manifest: None, objects: None })
            }
            Err(error) => bail!("{at}: {error}"),
        }
    }
}

/// The objects that a manifest names, and how long they are, where it says that.
fn objects(manifest: &Manifest) -> BTreeMap<ObjectName, Option<u64>> {
    let mut objects: BTreeMap<_, _> = manifest.objects().map(|object| (*object, None)).collect();
    for task in manifest.checkpoints.iter().flat_map(|checkpoint| &checkpoint.tasks) {
        objects.insert(task.state.object, Some(task.state.bytes));
        objects.extend(task.output.as_ref().map(|output| (output.object, Some(output.bytes))));
    }
    objects
}

/// Which are not among those that were `found`, or are longer or shorter there.
fn missing(named: &BTreeMap<ObjectName, Option<u64>>, found: &BTreeMap<ObjectName, u64>) -> Vec<String> {
    let problem = |(object, promised): (&ObjectName, &Option<u64>)| match (found.get(object), promised) {
        (None, _) => Some(format!("{object} is missing")),
        (Some(bytes), Some(promised)) if bytes != promised => {
            Some(format!("{object} has {bytes} bytes, and should have {promised}"))
        }
        (Some(_), _) => None,
    };
    named.iter().filter_map(problem).collect()
}
