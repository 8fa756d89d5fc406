//! The entries of one key group to bytes.

use super::{EntryDigest, SnapshotError, StateMeta};
use crate::{checkpoint::Certificate, key_group::KeyGroup};

/// Writes the section of one key group. Nothing is written for a key group without entries.
pub struct SectionWriter<'a> {
    out: &'a mut Vec<u8>,
    states: &'a [StateMeta],
    digests: &'a mut [EntryDigest],
    key_group: KeyGroup,
    certificate: Certificate,
    // States below this one are written.
    next_state: usize,
}

impl<'a> SectionWriter<'a> {
    /// Appends to `out`; `digests` has one for each of `states`, the object's state table.
    pub(super) fn new(
        key_group: KeyGroup,
        states: &'a [StateMeta],
        digests: &'a mut [EntryDigest],
        out: &'a mut Vec<u8>,
    ) -> Self {
        Self { out, states, digests, key_group, certificate: Certificate::default(), next_state: 0 }
    }

    pub(super) const fn certificate(&self) -> Certificate {
        self.certificate
    }

    /// Appends the entries of the state at position `state` of the object's state table, strictly
    /// ascending by key. States are appended in ascending order, each at most once.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::TooLarge`] if a key or value is 4 GiB or longer.
    ///
    /// # Panics
    ///
    /// If the table has no such state, or states or keys do not ascend.
    pub fn state<'e>(
        &mut self,
        state: usize,
        entries: impl ExactSizeIterator<Item = (&'e [u8], &'e [u8])>,
    ) -> Result<(), SnapshotError> {
        if entries.len() == 0 {
            return Ok(());
        }
        assert!(state >= self.next_state, "a source writes states in ascending order");
        self.next_state = state + 1;
        if self.certificate.entries == 0 {
            self.out.extend_from_slice(&self.key_group.0.to_le_bytes());
        }
        let digest = self.digests.get_mut(state).expect("a source writes only states of its own table");
        let name = &self.states.get(state).expect("there is a digest for each state").name;
        self.out.extend_from_slice(&(name.len() as u16).to_le_bytes());
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(&(entries.len() as u64).to_le_bytes());
        let mut before: Option<&[u8]> = None;
        for (key, value) in entries {
            assert!(before.is_none_or(|before| before < key), "a source writes keys in ascending order");
            before = Some(key);
            self.out.extend_from_slice(&length("the length of a key in bytes", key)?.to_le_bytes());
            self.out.extend_from_slice(&length("the length of a value in bytes", value)?.to_le_bytes());
            self.out.extend_from_slice(key);
            self.out.extend_from_slice(value);
            self.certificate = self.certificate + digest.certificate(key, value);
        }
        Ok(())
    }
}

/// The length of `bytes` as the format holds it.
pub(super) fn length(what: &'static str, bytes: &[u8]) -> Result<u32, SnapshotError> {
    u32::try_from(bytes.len()).map_err(|_| SnapshotError::TooLarge {
        what,
        found: bytes.len() as u64,
        max: u64::from(u32::MAX),
    })
}
