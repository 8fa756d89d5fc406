//! The tests of this theme, over state on disk.

use std::path::{Path, PathBuf};

use keygroups::{
    backend::{BackendError, DiskOptions, StateBackend},
    key_group::{KeyGroupRange, MaxParallelism},
};
use proptest::prelude::ProptestConfig;

/// A backend without state, in the first directory that no other test uses.
pub fn empty(max: MaxParallelism, owned: KeyGroupRange) -> Result<StateBackend, BackendError> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("state_on_disk");
    let directories = (0..).map(|number: u32| directory.join(number.to_string()));
    let open = |directory: PathBuf| match StateBackend::on_disk(max, owned, options(directory)) {
        Err(BackendError::DirectoryInUse { .. }) => None,
        opened => Some(opened),
    };
    directories.filter_map(open).next().expect("there are endlessly many")
}

fn options(directory: PathBuf) -> DiskOptions {
    DiskOptions::new(directory).with_memory_bytes(1 << 20)
}

/// How often a property is tried: each of its backends makes files and a thread.
pub fn cases() -> ProptestConfig {
    ProptestConfig::with_cases(24)
}
