//! A snapshot to the local disk, such that it survives a power failure, against a plain file of as many bytes.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use keygroups::backend::SectionOptions;
use keygroups::store::Durability;
use serde::Serialize;

use super::figure::{self, Figure};
use super::state::{self, Task};
use super::statistics::median;
use super::tasks;
use super::transfer::{Files, identity};

/// Of both tasks together, by the wall's clock.
#[derive(Clone, Debug, Serialize)]
pub struct Durable {
    keys: u64,
    bytes: u64,
    snapshot_ms: f64,
    plain_ms: f64,
    /// Of the rounds: a disk is not the same from moment to moment, so neighbours are compared.
    plain_over_snapshot: f64,
}

/// Both by turns: every task freezes, encodes and uploads; then every task writes a file of as many bytes and
/// syncs it.
///
/// # Errors
///
/// If `directory` cannot be written to.
pub fn durable(keys: u64, rounds: usize, directory: &Path) -> anyhow::Result<Durable> {
    let directory = tempfile::tempdir_in(directory)?;
    let files = Files::new(directory.path(), Durability::Synced)?;
    let mut filled = state::filled(&state::keys_by_task(keys), SectionOptions::default());
    let (mut snapshots, mut plain, mut bytes) = (Vec::new(), Vec::new(), 0);
    for round in 1..=rounds as u64 {
        let inputs = (0..).zip(&mut filled).collect();
        let (written, took) = tasks::at_once(inputs, |(number, task): (u32, &mut Task)| {
            files.write(identity(number, round), task.backend.freeze())
        });
        let handles = written.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
        snapshots.push(took.wall);
        bytes = handles.iter().map(|handle| handle.bytes).sum();
        files.delete(&handles);

        let buffers = (0..).zip(handles.iter().map(|handle| vec![7; handle.bytes as usize])).collect();
        let (written, took) = tasks::at_once(buffers, |(number, buffer): (u32, Vec<u8>)| {
            let path = directory.path().join(format!("plain-{number}"));
            let mut file = File::create(&path)?;
            file.write_all(&buffer)?;
            file.sync_all()?;
            Ok(path)
        });
        plain.push(took.wall);
        for path in written.into_iter().collect::<std::io::Result<Vec<_>>>()? {
            std::fs::remove_file(path)?;
        }
    }
    let ratios = plain.iter().zip(&snapshots).map(|(plain, snapshot)| plain / snapshot);
    let plain_over_snapshot = median(ratios);
    Ok(Durable {
        keys,
        bytes,
        snapshot_ms: median(snapshots) * 1e3,
        plain_ms: median(plain) * 1e3,
        plain_over_snapshot,
    })
}

impl Durable {
    pub fn figures(&self) -> Vec<Figure> {
        let speed = |ms: f64| self.bytes as f64 / ms / 1e6;
        let ratio = self.plain_over_snapshot;
        vec![
            Figure::new(
                format!(
                    "snapshot durable on the local disk, {}, checksums and digests",
                    figure::keys(self.keys)
                ),
                format!(
                    "{:.2} GB/s, **{ratio:.2}×** of a plain write with fsync ({:.2} GB/s)",
                    speed(self.snapshot_ms),
                    speed(self.plain_ms)
                ),
            )
            .aiming("≥ 0.8×", ratio >= 0.8),
        ]
    }
}
