//! A directory that one process at a time has to itself, for what need not be durable: local copies.
//!
//! Whatever is being written there when it is opened was being written by a process that is dead, so it is deleted
//! at once. In a directory of checkpoints others may be writing, and it waits for the leader's judgement ([`staged`]).

use std::{
    fs, io,
    path::{Path as FilePath, PathBuf},
    sync::Arc,
};

use object_store::{PutPayload, path::Path};

use super::{Durability, Local, create, directories::named, staged, unwritable::unusable};
use crate::{
    checkpoint::Attempt,
    store::{CheckpointStore, Identified, Layout, StoreError},
};

/// A file of this name is written and deleted again when a directory is opened.
const PROBE: &str = "keygroups-probe";

impl CheckpointStore {
    /// The store in `directory`, which is created if it is absent, without syncs and without what other processes
    /// were writing there.
    ///
    /// # Errors
    ///
    /// [`StoreError::Directory`], also if nothing can be written there, unless because it is full.
    pub(crate) fn local_owned(directory: PathBuf) -> Result<Self, StoreError> {
        let local = Local::new(directory.clone(), Durability::Unsynced)?;
        let layout = Layout::new(Path::default());
        let opened = local.sweep(&layout).and_then(|()| probe(&local.directories.root));
        opened.map_err(|error| unusable(directory, error))?;
        Ok(Self::new(Arc::new(local), layout.prefix().clone()).without_parts())
    }
}

impl Local {
    /// Deletes what was being written under the names of objects. What only looks like it is somebody else's.
    fn sweep(&self, layout: &Layout) -> io::Result<()> {
        for (kind, _) in layout.objects_from(Attempt::default()) {
            let directory = self.file(kind);
            let left = staged::list(&directory, kind).map_err(|error| named(&directory, error))?;
            for left in left {
                if matches!(layout.identify(&left.location), Identified::Object(_)) {
                    let object = self.file(&left.location);
                    staged::delete(&object).map_err(|error| named(&object, error))?;
                }
            }
        }
        Ok(())
    }
}

/// Finds out whether objects can be written in `directory`, by writing one.
fn probe(directory: &FilePath) -> io::Result<()> {
    let probe = directory.join(PROBE);
    staged::delete(&probe).map_err(|error| named(&probe, error))?;
    match create::create(&probe, &PutPayload::default(), Durability::Unsynced) {
        // Written now, or by a process that died here.
        Ok(_) => fs::remove_file(&probe).map_err(|error| named(&probe, error)),
        // Deleting old copies may make room.
        Err(error) if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
            Ok(())
        }
        Err(error) => Err(error),
    }
}
