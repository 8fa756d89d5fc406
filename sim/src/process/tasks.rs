//! What a process's tasks do with records, and whether that fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The tasks of one process, the same for all its lives. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tasks {
    processing: Arc<AtomicUsize>,
    fail: Arc<AtomicBool>,
}

impl Tasks {
    /// So many process now.
    pub(crate) fn count(&self, processing: usize) {
        self.processing.store(processing, Ordering::Relaxed);
    }

    /// Whether any do.
    pub(crate) fn process(&self) -> bool {
        self.processing.load(Ordering::Relaxed) > 0
    }

    /// Whether those that do must fail now.
    pub(crate) fn fail(&self) -> bool {
        self.fail.load(Ordering::Relaxed)
    }

    pub(super) fn behave(&self, fail: bool) {
        self.fail.store(fail, Ordering::Relaxed);
    }
}
