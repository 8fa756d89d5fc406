//! A rescale from 2 tasks to 4: every new task reads what it owns from local files in the page cache,
//! verifies every checksum and digest, and can be used.

use std::path::Path;

use keygroups::backend::SectionOptions;
use keygroups::checkpoint::StateHandle;
use keygroups::driver::RestoreMetrics;
use keygroups::store::Durability;
use serde::Serialize;

use super::boxed::{BoxedTask, Group};
use super::figure::{self, Figure};
use super::grouped::{self, GroupedFile};
use super::state::{self, Key, TASKS, TASKS_AFTER, Task, Values};
use super::statistics::median;
use super::tasks::{self, Took};
use super::transfer::{Files, identity};
use super::{copy, snapshot};

/// Every so many keys are looked up after a restore.
const LOOKED_UP: usize = 101;

/// How long one way takes: medians.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Way {
    /// Until the last task is ready.
    pub wall_ms: f64,
    /// Processor time of all tasks.
    pub processor_ms: f64,
}

impl Way {
    pub fn medians(rounds: &[Took]) -> Self {
        let of = |seconds: fn(&Took) -> f64| median(rounds.iter().map(seconds)) * 1e3;
        Self { wall_ms: of(|took| took.wall), processor_ms: of(|took| took.processor) }
    }
}

/// The same state restored in several ways.
#[derive(Clone, Debug, Serialize)]
pub struct Restore {
    pub keys: u64,
    /// Bytes of the snapshots.
    bytes: u64,
    pub tables: Way,
    /// The same files, mapped into memory instead of being read.
    pub mapped: Way,
    /// The same files, read into huge pages.
    huge: Way,
    /// The same snapshots entry by entry: [`SectionOptions::with_tables_from_bytes`] of `usize::MAX`.
    sorted: Way,
    /// Files of entries, checksums verified, into boxed tables.
    boxed: Way,
    /// The same files of entries, read and not looked at.
    alone: Way,
    alone_bytes: u64,
    memcpy: f64,
    /// Bytes read over bytes owned.
    amplification: f64,
}

/// By turns, after a round that does not count: memory that a virtual machine never used, or gave back, comes from
/// its host, and whoever is first would pay for that. After each restore of ours the number of entries and every 101st value
/// is checked, which is not measured.
///
/// # Errors
///
/// If `directory` cannot be written to, or something is not what was written.
pub fn restore(keys: u64, rounds: usize, directory: &Path) -> anyhow::Result<Restore> {
    let directory = tempfile::tempdir_in(directory)?;
    let by_task = state::keys_by_task(keys);
    let files = Files::new(directory.path(), Durability::Unsynced)?;
    let mapped_files = Files::mapped(directory.path(), Durability::Unsynced)?;
    let huge_files = Files::in_huge_pages(directory.path(), Durability::Unsynced)?;
    let as_tables = written(&files, &by_task, SectionOptions::default(), 1)?;
    let sorted = SectionOptions::default().with_tables_from_bytes(usize::MAX);
    let as_entries = written(&files, &by_task, sorted, 2)?;
    let as_boxed = boxed_files(&by_task, directory.path())?;
    let (mut tables, mut mapped, mut huge) = (Vec::new(), Vec::new(), Vec::new());
    let (mut entries, mut boxed, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    let mut alone_bytes = 0;
    let mut read = RestoreMetrics::default();
    for _ in 0..=rounds {
        let (took, metrics) = restored(&files, &as_tables, &by_task)?;
        tables.push(took);
        read = metrics;
        mapped.push(restored(&mapped_files, &as_tables, &by_task)?.0);
        huge.push(restored(&huge_files, &as_tables, &by_task)?.0);
        entries.push(restored(&files, &as_entries, &by_task)?.0);
        boxed.push(grouped::restore(
            &as_boxed,
            Group::read,
            |groups| groups.iter().map(Group::len).sum::<usize>() as u64,
            keys,
        )?);
        let (took, bytes) = grouped::read_alone(&as_boxed)?;
        alone.push(took);
        alone_bytes = bytes;
    }
    Ok(Restore {
        keys,
        bytes: as_tables.iter().map(|handle| handle.bytes).sum(),
        tables: Way::medians(&tables[1..]),
        mapped: Way::medians(&mapped[1..]),
        huge: Way::medians(&huge[1..]),
        sorted: Way::medians(&entries[1..]),
        boxed: Way::medians(&boxed[1..]),
        alone: Way::medians(&alone[1..]),
        alone_bytes,
        memcpy: copy::memcpy(TASKS as usize, rounds),
        amplification: read.amplification().unwrap_or_default(),
    })
}

fn written(
    files: &Files,
    by_task: &[Vec<Key>],
    options: SectionOptions,
    checkpoint: u64,
) -> anyhow::Result<Vec<StateHandle>> {
    let filled = (0..).zip(state::filled(by_task, options)).collect();
    let (written, _) = tasks::at_once(filled, |(number, mut task): (u32, Task)| {
        files.write(identity(number, checkpoint), task.backend.freeze())
    });
    written.into_iter().collect()
}

fn restored(
    files: &Files,
    handles: &[StateHandle],
    by_task: &[Vec<Key>],
) -> anyhow::Result<(Took, RestoreMetrics)> {
    let (read, took) = tasks::at_once((0..TASKS_AFTER).collect(), |task| {
        files.read(handles, state::max_parallelism(), state::owned(task, TASKS_AFTER))
    });
    let (values, mut sum) = (Values::new(), RestoreMetrics::default());
    let (mut restored, mut entries) = (Vec::new(), 0);
    for one in read {
        let (backend, metrics) = one?;
        sum.bytes_read += metrics.bytes_read;
        sum.bytes_owned += metrics.bytes_owned;
        entries += backend.memory().entries;
        restored.push(Task::new(backend));
    }
    anyhow::ensure!(entries == by_task.iter().map(Vec::len).sum::<usize>(), "entries were lost");
    for key in by_task.iter().flatten().step_by(LOOKED_UP) {
        let key_group = state::key_group_of(*key, state::max_parallelism());
        let owner = restored.iter().find(|task| task.backend.key_groups().contains(key_group));
        let value = owner.and_then(|task| task.get(*key));
        anyhow::ensure!(value.as_deref() == Some(&values.of(*key)[..]), "a value is not what was written");
    }
    Ok((took, sum))
}

fn boxed_files(by_task: &[Vec<Key>], directory: &Path) -> anyhow::Result<Vec<GroupedFile>> {
    let values = Values::new();
    let (written, _) = tasks::at_once((0..).zip(by_task).collect(), |(number, keys)| {
        let mut task = BoxedTask::empty(state::owned(number, TASKS));
        keys.iter().for_each(|key| task.put(*key, values.of(*key)));
        let write = |group: &Group, out: &mut Vec<u8>| group.write(out);
        let path = directory.join(format!("boxed-{number}"));
        GroupedFile::create(path, state::owned(number, TASKS), task.groups(), write)
    });
    written.into_iter().collect()
}

impl Restore {
    /// Nanoseconds of processor time for each entry.
    pub fn ns_per_entry(&self) -> f64 {
        self.tables.processor_ms * 1e6 / self.keys as f64
    }

    /// How much faster than another `way` to restore as many keys.
    pub fn against(&self, name: &str, way: &Way, memory: &str) -> Figure {
        let (copied, mapped) = (self.ratio(way), way.wall_ms / self.mapped.wall_ms);
        let of_reading = way.wall_ms / self.alone.wall_ms;
        Figure::new(
            format!("the same against {name}, {}, {memory}", figure::keys(self.keys)),
            format!(
                "**{copied:.1}×** as fast, mapped **{mapped:.1}×**; {:.0} ms, CPU {:.0} ms, {of_reading:.1}× \
                 as long as reading alone",
                way.wall_ms, way.processor_ms
            ),
        )
    }

    /// What no restore that reads can be faster than.
    fn beside_reading(&self, memory: &str) -> Figure {
        let Way { wall_ms, processor_ms } = self.alone;
        let (ours, megabytes) = (self.tables.wall_ms / wall_ms, self.alone_bytes as f64 / 1e6);
        Figure::new(
            format!("the files of boxed tables only read, by 4 tasks, {}, {memory}", figure::keys(self.keys)),
            format!(
                "**{wall_ms:.1} ms**, CPU {processor_ms:.0} ms for {megabytes:.0} MB; the restore takes \
                 **{ours:.1}×** as long"
            ),
        )
    }

    /// The time of another `way` over that of files that are read.
    pub fn ratio(&self, way: &Way) -> f64 {
        way.wall_ms / self.tables.wall_ms
    }

    /// `memory` says whether it was fresh or recycled.
    pub fn figures(&self, memory: &str) -> Vec<Figure> {
        let keys = figure::keys(self.keys);
        let Way { wall_ms, processor_ms } = self.tables;
        let otherwise = |how: &str, way: Way| {
            let (ms, cpu, ratio) = (way.wall_ms, way.processor_ms, wall_ms / way.wall_ms);
            let name = format!("the same {how}, {keys}, {memory}");
            Figure::new(name, format!("**{ms:.0} ms**, CPU {cpu:.0} ms: {ratio:.1}× as fast"))
        };
        let speed = self.bytes as f64 / wall_ms / 1e6;
        let entries = self.keys as f64 / wall_ms / 1e3;
        let content = snapshot::content_bytes(self.keys) as f64 / 1e6;
        vec![
            Figure::new(
                format!(
                    "restore 2→4 from local files, every checksum and digest verified, {keys} ({content:.0} MB), \
                     {memory}"
                ),
                format!(
                    "**{wall_ms:.0} ms**, CPU {processor_ms:.0} ms; {speed:.2} GB/s, {entries:.1} M entries/s, \
                     {:.2}× memcpy; {:.4} bytes read per byte owned",
                    speed / self.memcpy,
                    self.amplification
                ),
            ),
            otherwise("with files mapped into memory (`?map=on`)", self.mapped),
            otherwise("into huge pages (`?huge_pages=on`)", self.huge),
            self.against("our own snapshots written entry by entry", &self.sorted, memory),
            self.against("boxed tables, only checksums verified", &self.boxed, memory),
            self.beside_reading(memory),
        ]
    }
}
