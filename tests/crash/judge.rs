//! Looks at a directory whose process was killed: the newest committed checkpoint must be complete, and
//! everything must be in it that was told to be committed.

use std::{collections::BTreeMap, error::Error, path::Path};

use futures::executor::block_on;
use keygroups::{
    checkpoint::{Attempt, CheckpointId, JobStatus, Manifest, ManifestVersion, ObjectName},
    key_group::KeyGroup,
    snapshot,
    store::CheckpointStore,
};

use crate::process::Output;

/// What the directory has shown so far.
#[derive(Default)]
pub struct Judge {
    version: ManifestVersion,
    head: Option<ObjectName>,
    /// How many records of each key group the committed outputs have.
    committed: BTreeMap<KeyGroup, u64>,
    /// The committed checkpoint that these are of.
    pub checkpoint: CheckpointId,
}

/// What a kill has left in the directory besides the newest checkpoint.
#[derive(Clone, Copy, Debug, Default)]
pub struct Left {
    /// Files that were being written.
    pub staged: usize,
    /// Snapshots that no manifest names, whole or half-written.
    pub unnamed: usize,
}

impl Judge {
    /// How many records of `key_group` are committed.
    pub fn committed(&self, key_group: KeyGroup) -> u64 {
        self.committed.get(&key_group).copied().unwrap_or(0)
    }

    /// Looks at what lies in `directory`. `told` is the newest checkpoint of which the process has
    /// said that it is committed.
    pub fn look(
        &mut self,
        directory: &Path,
        told: CheckpointId,
    ) -> Result<(Left, JobStatus), Box<dyn Error>> {
        let store = CheckpointStore::from_url(directory.to_str().ok_or("a path that is not UTF-8")?)?;
        block_on(async {
            let Some(manifest) = store.latest_manifest().await? else {
                let nothing = told == CheckpointId::NONE && self.version == ManifestVersion::default();
                return if nothing {
                    Ok((Left::default(), JobStatus::Running))
                } else {
                    Err("no manifest".into())
                };
            };
            if manifest.version < self.version {
                return Err(format!("manifest {} after {}", manifest.version, self.version).into());
            }
            let newest = manifest.newest_checkpoint_id();
            if newest < told.max(self.checkpoint) {
                let before = told.max(self.checkpoint);
                return Err(format!("checkpoint {newest} after {before} was committed").into());
            }
            verify(&store, &manifest).await?;
            self.follow_outputs(&store, &manifest).await?;
            (self.version, self.checkpoint) = (manifest.version, newest);
            let named: Vec<_> = manifest.objects().copied().collect();
            let objects = store.list_objects(Attempt::default()).await?.objects;
            // Outputs of older checkpoints are named by the chain.
            let is_state = |object: &&ObjectName| matches!(object, ObjectName::State { .. });
            let unnamed = objects.iter().filter(is_state).filter(|object| !named.contains(object)).count();
            Ok((Left { staged: staged(directory)?, unnamed }, manifest.status))
        })
    }

    /// Walks the outputs that were committed since the last look: each must go on where the one
    /// before ended.
    async fn follow_outputs(
        &mut self,
        store: &CheckpointStore,
        manifest: &Manifest,
    ) -> Result<(), Box<dyn Error>> {
        let head = manifest.newest_checkpoint().and_then(|record| record.outputs);
        let mut walk = store.walk_outputs(head, Attempt::default());
        let mut lists = Vec::new();
        let mut at = head;
        while at != self.head {
            let (_, list) =
                walk.next().await?.ok_or("the chain of outputs does not reach what was committed")?;
            at = list.previous;
            lists.push(list);
        }
        for handle in lists.iter().rev().flat_map(|list| &list.outputs) {
            let output: Output = serde_json::from_slice(&store.read_output(handle).await?)?;
            for (group, from, to) in output {
                let committed = self.committed.entry(group).or_default();
                if from != *committed {
                    return Err(
                        format!("{}: key group {group}: {from} after {committed}", handle.object).into()
                    );
                }
                *committed = to;
            }
        }
        self.head = head;
        Ok(())
    }
}

/// Every object of every retained checkpoint is there, whole, and the one its handle describes.
async fn verify(store: &CheckpointStore, manifest: &Manifest) -> Result<(), Box<dyn Error>> {
    for task in manifest.checkpoints.iter().flat_map(|record| &record.tasks) {
        let bytes = store.get(task.state.object).await?;
        let mut bases = BTreeMap::new();
        for base in &task.state.bases {
            bases.insert(*base, store.get(*base).await?);
        }
        let contents = snapshot::verify_with(&bytes, &bases)
            .map_err(|error| format!("{}: {error}", task.state.object))?;
        let found = contents.key_groups.map(|groups| groups.certificate()).unwrap_or_default();
        if (bytes.len() as u64, found) != (task.state.bytes, task.state.certificate) {
            return Err(format!("{} is not what its handle says", task.state.object).into());
        }
    }
    Ok(())
}

/// How many staging files lie in `directory`.
fn staged(directory: &Path) -> std::io::Result<usize> {
    let mut staged = 0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            staged += self::staged(&entry.path())?;
        } else if entry.file_name().to_string_lossy().contains('#') {
            staged += 1;
        }
    }
    Ok(staged)
}
