//! Files of rivals: one run of bytes for each key group, with a checksum.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;

use keygroups::key_group::KeyGroupRange;
use keygroups::snapshot::checksum;

use super::state::{self, TASKS_AFTER};
use super::tasks::{self, Took};

/// The key groups of one old task.
pub struct GroupedFile {
    path: PathBuf,
    owned: KeyGroupRange,
    groups: Vec<(Range<u64>, u32)>,
}

impl GroupedFile {
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn create<G>(
        path: PathBuf,
        owned: KeyGroupRange,
        groups: &[G],
        write: impl Fn(&G, &mut Vec<u8>),
    ) -> anyhow::Result<Self> {
        let mut bytes = Vec::new();
        let runs = groups.iter().map(|group| {
            let start = bytes.len();
            write(group, &mut bytes);
            (start as u64..bytes.len() as u64, checksum(&bytes[start..]))
        });
        let groups = runs.collect();
        std::fs::write(&path, bytes)?;
        Ok(Self { path, owned, groups })
    }

    /// The runs of the key groups of `wanted` that are here.
    fn runs(&self, wanted: KeyGroupRange) -> &[(Range<u64>, u32)] {
        let Some(wanted) = self.owned.intersection(wanted) else { return &[] };
        let first = wanted.first().index() - self.owned.first().index();
        &self.groups[first..first + wanted.len()]
    }

    /// The bytes of `runs`, read at once, and where in the file they begin.
    fn bytes(&self, runs: &[(Range<u64>, u32)]) -> anyhow::Result<(u64, Vec<u8>)> {
        let [(Range { start, .. }, _), ..] = runs else { return Ok((0, Vec::new())) };
        let end = runs[runs.len() - 1].0.end;
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(*start))?;
        let mut bytes = Vec::with_capacity((end - start) as usize);
        file.take(end - start).read_to_end(&mut bytes)?;
        Ok((*start, bytes))
    }

    /// The key groups of `wanted` that are here, read at once.
    fn read<G>(&self, wanted: KeyGroupRange, decode: impl Fn(&[u8]) -> G) -> anyhow::Result<Vec<G>> {
        let runs = self.runs(wanted);
        let (start, bytes) = self.bytes(runs)?;
        let group = |(run, expected): &(Range<u64>, u32)| {
            let bytes = &bytes[(run.start - start) as usize..(run.end - start) as usize];
            anyhow::ensure!(checksum(bytes) == *expected, "a file is not what was written");
            Ok(decode(bytes))
        };
        runs.iter().map(group).collect()
    }
}

/// Every new task reads what it owns and looks at nothing: no restore that reads is faster. Gives the number of bytes, too.
///
/// # Errors
///
/// If something cannot be read.
pub fn read_alone(files: &[GroupedFile]) -> anyhow::Result<(Took, u64)> {
    let (read, took) = tasks::at_once((0..TASKS_AFTER).collect(), |task| {
        let wanted = state::owned(task, TASKS_AFTER);
        let bytes = files.iter().map(|file| Ok(file.bytes(file.runs(wanted))?.1));
        bytes.collect::<anyhow::Result<Vec<_>>>()
    });
    let buffers = read.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    Ok((took, buffers.iter().flatten().map(|bytes| bytes.len() as u64).sum()))
}

/// Every new task decodes what it owns; afterwards `count` says how many entries there are, which must be
/// `keys` together.
///
/// # Errors
///
/// If something cannot be read or is not what was written.
pub fn restore<G: Send>(
    files: &[GroupedFile],
    decode: impl Fn(&[u8]) -> G + Sync,
    count: impl Fn(&[G]) -> u64,
    keys: u64,
) -> anyhow::Result<Took> {
    let (restored, took) = tasks::at_once((0..TASKS_AFTER).collect(), |task| {
        let wanted = state::owned(task, TASKS_AFTER);
        let read = files.iter().map(|file| file.read(wanted, &decode));
        Ok(read.collect::<anyhow::Result<Vec<_>>>()?.into_iter().flatten().collect())
    });
    let groups = restored.into_iter().collect::<anyhow::Result<Vec<Vec<G>>>>()?;
    let entries: u64 = groups.iter().map(|groups| count(groups)).sum();
    anyhow::ensure!(entries == keys, "{entries} entries of {keys} were restored");
    Ok(took)
}
