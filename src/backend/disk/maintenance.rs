//! The thread that writes full buffers to disk and merges what was written, and the writer that waits
//! for it.

use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread::{self, JoinHandle},
};

use lsm_tree::{AbstractTree, SequenceNumberCounter, Tree, compaction::Leveled};

use super::said;

/// So many buffers that are full wait for the disk, at most.
const BUFFERS_WAITING_MAX: usize = 2;
/// Files that overlap are merged when there are so many,
const RUNS_TO_MERGE: u8 = 4;
/// and a writer that is that far ahead of the merging waits for it, because every read looks into each.
const RUNS_MAX: usize = 12;

/// Writes and merges, until it is dropped.
pub(super) struct Maintenance {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    tree: Tree,
    writes: SequenceNumberCounter,
    strategy: Arc<Leveled>,
    work: Mutex<Work>,
    changed: Condvar,
}

#[derive(Default)]
struct Work {
    wanted: bool,
    stopping: bool,
    // Why the newest round has failed, until the writer has heard it.
    failure: Option<String>,
    // The thread has ended, by its own fault if nobody has stopped it.
    ended: bool,
}

impl Maintenance {
    pub(super) fn start(
        tree: Tree,
        writes: SequenceNumberCounter,
        file_bytes: u64,
    ) -> Result<Self, io::Error> {
        let strategy = Leveled::default().with_l0_threshold(RUNS_TO_MERGE).with_table_target_size(file_bytes);
        let (work, changed) = (Mutex::default(), Condvar::new());
        let shared = Arc::new(Shared { tree, writes, strategy: Arc::new(strategy), work, changed });
        let thread = {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name("keygroups-disk".to_owned()).spawn(move || shared.run())?
        };
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Gives the buffer that is written to away and waits while too much is waiting. Nothing is
    /// given away on an error, which is the newest of the disk; said once, and then it is tried again.
    pub(super) fn make_room(&self) -> Result<(), String> {
        let Shared { tree, .. } = &*self.shared;
        let mut work = self.shared.work();
        loop {
            if let Some(failure) = work.failure.take() {
                work.wanted = true;
                self.shared.changed.notify_all();
                return Err(failure);
            }
            if work.ended {
                return Err("the thread that writes has ended, which is a defect".to_owned());
            }
            let ahead =
                tree.sealed_memtable_count() >= BUFFERS_WAITING_MAX || tree.l0_run_count() >= RUNS_MAX;
            if !ahead {
                break;
            }
            work.wanted = true;
            self.shared.changed.notify_all();
            work = self.shared.changed.wait(work).expect("nobody panics with the lock");
        }
        tree.rotate_memtable();
        work.wanted = true;
        self.shared.changed.notify_all();
        Ok(())
    }
}

impl Drop for Maintenance {
    fn drop(&mut self) {
        self.shared.work().stopping = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Shared {
    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().expect("nobody panics with the lock")
    }

    fn run(&self) {
        let _ending = Ending(self);
        loop {
            let mut work = self.work();
            while !work.wanted && !work.stopping {
                work = self.changed.wait(work).expect("nobody panics with the lock");
            }
            if work.stopping {
                return;
            }
            work.wanted = false;
            drop(work);
            let runs = self.tree.l0_run_count();
            let done = self.round();
            let mut work = self.work();
            match done {
                // More of the same only as long as it helps.
                Ok(()) => work.wanted |= self.tree.l0_run_count() < runs,
                Err(error) => work.failure = Some(said(&error)),
            }
            self.changed.notify_all();
        }
    }

    /// Writes all full buffers, then merges at the two places that need it most.
    fn round(&self) -> lsm_tree::Result<()> {
        // What is frozen pins its files and buffers: of each key only the newest value is needed, as of now.
        let newest = self.writes.get();
        self.tree.flush(&self.tree.get_flush_lock(), newest)?;
        for _ in 0..2 {
            self.tree.compact(Arc::clone(&self.strategy) as _, newest)?;
        }
        Ok(())
    }
}

/// Nobody waits for a thread that has ended.
struct Ending<'a>(&'a Shared);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.work().ended = true;
        self.0.changed.notify_all();
    }
}
