//! The standard library's maps, one for each key group, serialised with bincode.

#![expect(clippy::disallowed_types, reason = "the rival that everybody knows")]

use std::collections::HashMap;
use std::path::Path;

use crate::measure::figure::Figure;
use crate::measure::grouped::{self, GroupedFile};
use crate::measure::restore::{Restore, Way};
use crate::measure::state::{self, TASKS, Values};
use crate::measure::tasks;

type Map = HashMap<u64, Vec<u8>>;

pub struct Serialised {
    way: Way,
}

/// From local files in the page cache; only checksums are verified.
pub fn restore(keys: u64, rounds: usize, directory: &Path) -> anyhow::Result<Serialised> {
    let directory = tempfile::tempdir_in(directory)?;
    let by_task = state::keys_by_task(keys);
    let values = Values::new();
    let (files, _) = tasks::at_once((0..).zip(&by_task).collect(), |(task, keys)| {
        let owned = state::owned(task, TASKS);
        let mut groups: Vec<Map> = owned.iter().map(|_| Map::new()).collect();
        for key in keys {
            let group = state::key_group_of(*key, state::max_parallelism()).index() - owned.first().index();
            groups[group].insert(u64::from_le_bytes(*key), values.of(*key).to_vec());
        }
        let path = directory.path().join(format!("bincode-{task}"));
        GroupedFile::create(path, owned, &groups, |group, out| {
            bincode::serialize_into(out, group).expect("a vector takes everything");
        })
    });
    let files = files.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let read = |bytes: &[u8]| -> Map { bincode::deserialize(bytes).expect("it is what was written") };
    let count = |groups: &[Map]| groups.iter().map(HashMap::len).sum::<usize>() as u64;
    // The first one does not count, as for its rivals.
    let took = (0..=rounds).map(|_| grouped::restore(&files, read, count, keys));
    let took = took.collect::<anyhow::Result<Vec<_>>>()?;
    Ok(Serialised { way: Way::medians(&took[1..]) })
}

impl Serialised {
    pub fn figure(&self, ours: &Restore, memory: &str) -> Figure {
        let figure = ours.against("std HashMap and bincode 1.3, only checksums verified", &self.way, memory);
        figure.aiming("≥ 15×", ours.ratio(&self.way) >= 15.0)
    }
}
