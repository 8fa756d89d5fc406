//! What a checkpoint writes after one of a hundred key groups has changed.

use std::path::Path;

use keygroups::backend::{StateBackend, StateDescriptor, ValueState};
use keygroups::checkpoint::CheckpointId;
use keygroups::key_group::{self, KeyGroup, MaxParallelism};
use keygroups::snapshot::SnapshotIndex;
use keygroups::store::Durability;
use serde::Serialize;

use super::clock;
use super::figure::{self, Figure};
use super::state::{self, Values};
use super::transfer::{Files, identity};

const GROUPS: u32 = 100;
const CHANGED: KeyGroup = KeyGroup(42);

/// Of one task that owns a hundred key groups.
#[derive(Clone, Debug, Serialize)]
pub struct Incremental {
    keys: u64,
    full_bytes: u64,
    /// Of the changed key group in the full snapshot.
    changed_bytes: u64,
    written_bytes: u64,
    /// From freezing to the end of the upload, which is not synced.
    written_ms: f64,
}

/// Verified: the second snapshot is restored, and has every entry and the changed value.
///
/// # Errors
///
/// If `directory` cannot be written to, or something is not what was written.
pub fn incremental(keys: u64, directory: &Path) -> anyhow::Result<Incremental> {
    let directory = tempfile::tempdir_in(directory)?;
    let files = Files::new(directory.path(), Durability::Unsynced)?;
    let max = MaxParallelism::new(GROUPS)?;
    let mut backend = StateBackend::new(max, max.all())?;
    let state: ValueState<u64, Vec<u8>> = backend.register(StateDescriptor::value("values"))?;
    let values = Values::new();
    let group_of = |key| key_group::of(&u64::from_le_bytes(key), max);
    let mut changed = None;
    for key in (0..keys).map(state::key) {
        let key_group = group_of(key);
        backend.put_encoded(&state, key_group, &key, values.of(key))?;
        if key_group == CHANGED {
            changed = Some(key);
        }
    }
    let changed = changed.ok_or_else(|| anyhow::anyhow!("too few keys for 100 key groups"))?;
    let first = backend.freeze_at(CheckpointId(1), CheckpointId::NONE);
    let encoded = first.encode(identity(0, 1), &[])?;
    let index = SnapshotIndex::decode(&encoded.parts.concat()[..encoded.index_bytes as usize])?;
    drop(encoded);
    let full = files.write(identity(0, 1), first)?;
    let changed_bytes =
        index.groups().iter().find(|group| group.key_group == CHANGED).map_or(0, |group| group.bytes);

    let after = state::changed(values.of(changed));
    backend.put_encoded(&state, CHANGED, &changed, &after)?;
    let began = clock::now();
    let second = backend.freeze_at(CheckpointId(2), CheckpointId(1));
    let written = files.write(identity(0, 2), second)?;
    let written_ms = began.elapsed().as_secs_f64() * 1e3;
    drop(backend);

    let written_bytes = written.bytes;
    let (mut restored, _) = files.read(&[written], max, max.all())?;
    let state: ValueState<u64, Vec<u8>> = restored.register(StateDescriptor::value("values"))?;
    anyhow::ensure!(restored.memory().entries as u64 == keys, "entries were lost");
    anyhow::ensure!(
        restored.get_encoded(&state, CHANGED, &changed)?.as_deref() == Some(&after[..]),
        "a change was lost"
    );
    Ok(Incremental { keys, full_bytes: full.bytes, changed_bytes, written_bytes, written_ms })
}

impl Incremental {
    pub fn figures(&self) -> Vec<Figure> {
        let Self { full_bytes, changed_bytes, written_bytes, written_ms, .. } = *self;
        let more = (written_bytes as f64 / changed_bytes as f64 - 1.0) * 100.0;
        vec![
            Figure::new(
                format!(
                    "checkpoint after 1 of 100 key groups changed, {}, {:.2} GB, restored and verified",
                    figure::keys(self.keys),
                    full_bytes as f64 / 1e9
                ),
                format!(
                    "{written_bytes} bytes for a group of {changed_bytes}: **{more:+.2}%**; {written_ms:.1} ms"
                ),
            )
            .aiming("within 5%", more.abs() <= 5.0),
        ]
    }
}
