//! What a job must come to, said by something that has no failures.

use super::{Committed, Position};
use crate::encoding::{SHORT_BYTES, encode, short};
use keygroups::checkpoint::Certificate;
use keygroups::key_group::KeyGroup;
use keygroups::snapshot::KeyGroupSections;
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_128;

/// Judges what is committed by a sequential run over the same records.
///
/// The simulation feeds it the records before each committed barrier, each once, and compares sums of
/// certificates: those of its own state and output with those of what lies in the store. Sums do not
/// depend on order, so what must be equal is the *set* of entries and of outputs. Tasks read several
/// partitions at the same time: where the order between records of different partitions can be seen in
/// state or output, give [`output`](Self::output) and [`entry`](Self::entry) a certificate of what does not
/// depend on it, or keep all records of a key in one partition.
pub trait Oracle: Send {
    /// What the job reads.
    type Record;
    /// What the job puts out.
    type Output;

    /// One record more, and what it puts out. Records of one partition come in order, those of different
    /// partitions in any.
    fn add(&mut self, position: Position, record: Self::Record, out: &mut Vec<Self::Output>);

    /// The certificate of all state: the sum over what should be there.
    fn state(&self) -> Certificate;

    /// What an entry that lies in a checkpoint adds to the sum. By default the [`certificate_of`] its state's
    /// name, its key and its value.
    ///
    /// # Errors
    ///
    /// Why no such entry can be.
    fn entry(&self, entry: Entry<'_>) -> Result<Certificate, String> {
        Ok(certificate_of(&entry))
    }

    /// What an output adds to the sum, expected or found.
    fn output(&self, output: &Self::Output) -> Certificate;

    /// How the state of a checkpoint that is not the expected one differs, for people.
    fn state_difference(&self, committed: &Committed<'_, Self::Output>) -> Option<String> {
        let _ = committed;
        None
    }

    /// How output that is not the expected one differs, for people.
    fn output_difference(&self, expected: &[Self::Output], found: &[Self::Output]) -> Option<String> {
        let _ = (expected, found);
        None
    }

    /// The last word, when the job has finished and everything it put out was read from the store.
    ///
    /// # Errors
    ///
    /// The name of the rule that is broken, and what was found.
    fn finished(&self, committed: &Committed<'_, Self::Output>) -> Result<(), (&'static str, String)> {
        let _ = committed;
        Ok(())
    }
}

/// One entry of keyed state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Entry<'a> {
    /// The name of the state.
    pub state: &'a str,
    /// The encoded key.
    pub key: &'a [u8],
    /// The encoded value.
    pub value: &'a [u8],
}

/// Counts as one entry, with the digest of its encoding.
///
/// # Panics
///
/// If it cannot be encoded: sequences must know their length.
#[must_use]
pub fn certificate_of(entry: &impl Serialize) -> Certificate {
    // Most entries are, so that their digest allocates nothing.
    let digest = match short(entry, &mut [0; SHORT_BYTES]) {
        Some(bytes) => xxh3_128(bytes),
        None => xxh3_128(&encode(entry)),
    };
    Certificate { entries: 1, digest }
}

/// Every entry in these sections, with its key group, by key group and state.
pub(crate) fn entries_of(sections: &[KeyGroupSections]) -> impl Iterator<Item = (KeyGroup, Entry<'_>)> {
    sections.iter().flat_map(|part| {
        let states = part.states();
        part.sections().iter().flat_map(move |section| {
            section.frames().iter().flat_map(move |frame| {
                let state = states.get(frame.state()).map_or("", |state| &*state.name);
                frame.entries().map(move |(key, value)| (section.key_group(), Entry { state, key, value }))
            })
        })
    })
}
