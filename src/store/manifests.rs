//! The chain of manifests: creating the next link, finding the newest.

use std::sync::PoisonError;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt};

use super::{CheckpointStore, Create, Identified, StoreError};
use crate::checkpoint::{Manifest, ManifestVersion};

// Each listing that comes to nothing means that somebody has meanwhile created a manifest and
// pruned all that were listed; three of those within one call is a store that lies.
const LISTINGS_MAX: u32 = 3;

/// A manifest that this process has tried to create, and its object: whoever reads that back, as a leader
/// does after each create, knows what it says.
#[derive(Debug)]
pub(super) struct Created {
    manifest: Manifest,
    object: Bytes,
}

impl CheckpointStore {
    /// Creates `manifest` at its version, if that is still free. Whoever succeeds has decided this
    /// step of history.
    ///
    /// A manifest that breaks a rule of [`Manifest::check`] is not written: [`Create::Failed`].
    pub async fn create_manifest(&self, manifest: &Manifest) -> Create {
        let path = self.layout.manifest(manifest.version);
        match manifest.encode() {
            Ok(object) => {
                let object = Bytes::from(object);
                let created = Created { manifest: manifest.clone(), object: object.clone() };
                *self.created.lock().unwrap_or_else(PoisonError::into_inner) = Some(created);
                self.create(&path, object.into()).await
            }
            Err(source) => Create::Failed { reason: StoreError::Content { path: path.to_string(), source } },
        }
    }

    /// The newest manifest at some moment during this call; `None` if the chain has not begun.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] names the newest manifest if it cannot be read: an older one is never
    /// given instead, for that would take back what was committed (S7). Otherwise what the store
    /// said.
    pub async fn latest_manifest(&self) -> Result<Option<Manifest>, StoreError> {
        for _ in 0..LISTINGS_MAX {
            let listed = self.list_manifests().await?.last().copied();
            let mut version = listed.unwrap_or(ManifestVersion(1));
            let Some(mut object) = self.read(&self.layout.manifest(version)).await? else {
                if listed.is_none() {
                    return Ok(None);
                }
                // Listed and gone: it was pruned, so a newer one exists that the listing did not
                // show yet.
                continue;
            };
            // A listing may lag behind; versions are dense, so the next name is known.
            while let Some(next) = version.0.checked_add(1).map(ManifestVersion) {
                let Some(newer) = self.read(&self.layout.manifest(next)).await? else { break };
                (version, object) = (next, newer);
            }
            return self.decode(version, &object).map(Some);
        }
        Err(StoreError::Unsettled { path: self.layout.manifests().to_string(), listings: LISTINGS_MAX })
    }

    /// The manifest `version`; `None` if it was pruned or never created.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] if it cannot be read, otherwise what the store said.
    pub async fn read_manifest(&self, version: ManifestVersion) -> Result<Option<Manifest>, StoreError> {
        let Some(object) = self.read(&self.layout.manifest(version)).await? else { return Ok(None) };
        self.decode(version, &object).map(Some)
    }

    fn decode(&self, version: ManifestVersion, object: &Bytes) -> Result<Manifest, StoreError> {
        if let Some(created) = &*self.created.lock().unwrap_or_else(PoisonError::into_inner)
            && created.manifest.version == version
            && created.object == *object
        {
            return Ok(created.manifest.clone());
        }
        Manifest::decode(version, object)
            .map_err(|source| StoreError::damaged(&self.layout.manifest(version), source))
    }

    /// The versions that exist, ascending. They need not be dense: a deposed coordinator may have
    /// created a pruned version again.
    ///
    /// # Errors
    ///
    /// What the store said.
    pub async fn list_manifests(&self) -> Result<Vec<ManifestVersion>, StoreError> {
        let directory = self.layout.manifests();
        let found: Vec<_> = self
            .store
            .list(Some(directory))
            .try_collect()
            .await
            .map_err(|source| StoreError::access("list", directory, source))?;
        let mut versions: Vec<_> = found
            .iter()
            .filter_map(|meta| match self.layout.identify(&meta.location) {
                Identified::Manifest(version) => Some(version),
                Identified::Object(_) | Identified::Foreign => None,
            })
            .collect();
        versions.sort_unstable();
        Ok(versions)
    }

    /// Deletes every manifest below `below`, oldest first, so that a crash in between leaves a chain
    /// without gaps. Gives how many are gone. Safe to repeat.
    ///
    /// # Errors
    ///
    /// [`StoreError::PruneNewest`] if no manifest at or above `below` exists; nothing is deleted
    /// then. Otherwise what the store said.
    pub async fn prune_manifests(&self, below: ManifestVersion) -> Result<usize, StoreError> {
        let versions = self.list_manifests().await?;
        let newest = versions.last().copied();
        if newest.is_none_or(|newest| newest < below) {
            return Err(StoreError::PruneNewest { below, newest });
        }
        let mut gone = 0;
        for version in versions.into_iter().take_while(|version| *version < below) {
            let path = self.layout.manifest(version);
            match self.store.delete(&path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => gone += 1,
                Err(source) => return Err(StoreError::access("delete", &path, source)),
            }
        }
        Ok(gone)
    }
}
