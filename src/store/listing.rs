//! Listing and deleting write-once objects. What is garbage is decided elsewhere.

use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStore;

use super::{CheckpointStore, Identified, StoreError};
use crate::checkpoint::{Attempt, ObjectName};

/// What a listing found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The objects of this library, ascending.
    pub objects: Vec<ObjectName>,
    /// Paths that this library did not write, ascending. They are nobody's garbage.
    pub foreign: Vec<String>,
}

/// What became of deleting objects.
#[derive(Debug, Default)]
pub struct Deletion {
    /// How many of them are not there any more, or never were.
    pub gone: usize,
    /// Why the others may still be there; a later sweep finds them again.
    pub failed: Vec<StoreError>,
}

impl CheckpointStore {
    /// The objects of attempt `from` and of all later ones; of [`Attempt::default`], all. Foreign
    /// paths are reported if they lie where the listing looks. A local directory also lists what is
    /// or was being written and cannot be read.
    ///
    /// # Errors
    ///
    /// What the store said.
    pub async fn list_objects(&self, from: Attempt) -> Result<Listing, StoreError> {
        let mut listing = Listing::default();
        for (directory, offset) in self.layout.objects_from(from) {
            let mut found = self.store.list_with_offset(Some(directory), &offset);
            while let Some(meta) =
                found.try_next().await.map_err(|source| StoreError::access("list", directory, source))?
            {
                match self.layout.identify(&meta.location) {
                    Identified::Object(name) => listing.objects.push(name),
                    Identified::Manifest(_) | Identified::Foreign => {
                        listing.foreign.push(meta.location.to_string());
                    }
                }
            }
        }
        listing.objects.sort_unstable();
        // An object and a write of it that was given up have one name.
        listing.objects.dedup();
        listing.foreign.sort_unstable();
        Ok(listing)
    }

    /// Deletes `names`. One that is already gone counts as deleted, so a repeat is harmless.
    pub async fn delete_objects(&self, names: &[ObjectName]) -> Deletion {
        let paths: Vec<_> = names.iter().map(|name| Ok(self.layout.object(name))).collect();
        let mut answers = self.store.delete_stream(stream::iter(paths).boxed());
        let mut deletion = Deletion::default();
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => deletion.gone += 1,
                Err(source) => {
                    deletion.failed.push(StoreError::access("delete", self.layout.prefix(), source));
                }
            }
        }
        deletion
    }
}
