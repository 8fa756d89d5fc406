//! What the contents of key groups are known by.

use super::{BackendError, StateBackend};
use crate::{checkpoint::Certificate, key_group::KeyGroup, snapshot::EntryDigest};

impl StateBackend {
    /// Number of entries of `key_group` and sum of their digests, over all states.
    ///
    /// # Errors
    ///
    /// [`BackendError::NotOwned`], and `BackendError::Disk` of a backend on disk.
    pub fn certificate(&self, key_group: KeyGroup) -> Result<Certificate, BackendError> {
        self.slot(key_group)?;
        self.group_certificate(key_group, &mut self.digests())
    }

    /// The [`certificate`](Self::certificate) of every key group, ascending: faster than one by one.
    pub fn certificates(&self) -> impl Iterator<Item = (KeyGroup, Result<Certificate, BackendError>)> {
        let mut digests = self.digests();
        self.key_groups.iter().map(move |group| (group, self.group_certificate(group, &mut digests)))
    }

    /// Number of entries and sum of their digests, over all key groups and states.
    ///
    /// # Errors
    ///
    /// `BackendError::Disk` of a backend on disk.
    pub fn total_certificate(&self) -> Result<Certificate, BackendError> {
        self.certificates().map(|(_, certificate)| certificate).sum()
    }

    fn group_certificate(
        &self,
        key_group: KeyGroup,
        digests: &mut [EntryDigest],
    ) -> Result<Certificate, BackendError> {
        let mut certificate = Certificate::default();
        for (id, digest) in digests.iter_mut().enumerate() {
            let mut sum = digest.sum();
            self.storage.for_each(self.place(id, key_group)?, |key, value| sum.add(key, value))?;
            certificate = certificate + sum.finish();
        }
        Ok(certificate)
    }

    fn digests(&self) -> Vec<EntryDigest> {
        self.states().map(|state| EntryDigest::new(&state.name)).collect()
    }
}
