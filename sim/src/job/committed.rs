//! What a checkpoint has committed, as invariants see it.

use super::oracle::{Entry, entries_of};
use keygroups::checkpoint::CheckpointId;
use keygroups::codec;
use keygroups::key_group::{KeyGroup, Parallelism};
use keygroups::snapshot::KeyGroupSections;
use serde::de::DeserializeOwned;

/// A committed checkpoint, decoded: all keyed state, the offsets, and output.
#[derive(Clone, Copy, Debug)]
pub struct Committed<'a, O> {
    /// Its id.
    pub checkpoint: CheckpointId,
    /// The job's parallelism when it was taken.
    pub parallelism: Parallelism,
    /// How many records of each partition are before its barrier.
    pub offsets: &'a [u64],
    /// What was put out: by this checkpoint alone; at the end, by all, in the order in which a reader of
    /// the chain of outputs gets it.
    pub outputs: &'a [O],
    pub(crate) sections: &'a [KeyGroupSections],
}

impl<'a, O> Committed<'a, O> {
    /// Every entry of keyed state with its key group.
    pub fn entries(&self) -> impl Iterator<Item = (KeyGroup, Entry<'a>)> + use<'a, O> {
        entries_of(self.sections)
    }

    /// Keys and values of the state `name`, in order of task and key group.
    ///
    /// # Errors
    ///
    /// An entry that is no `K` or `V`.
    pub fn values<K: DeserializeOwned, V: DeserializeOwned>(
        &self,
        name: &str,
    ) -> Result<Vec<(K, V)>, String> {
        let entries = self.entries().filter(|(_, entry)| entry.state == name);
        let decoded = entries.map(|(key_group, entry)| {
            let both = codec::decode(entry.key).and_then(|key| Ok((key, codec::decode(entry.value)?)));
            both.map_err(|error| format!("key group {key_group}, state {name}: {error}"))
        });
        decoded.collect()
    }
}
