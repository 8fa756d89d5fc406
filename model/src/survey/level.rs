//! One level: every step out of the states that are equally far from the beginning.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use super::{
    Progress,
    seen::{Known, Reached, Seen},
};
use crate::interned::{Ids, Interned};

/// States in pieces: small, so that threads end a level together and the memory of each piece is free again
/// when it was expanded.
#[derive(Default)]
pub(super) struct States {
    pieces: Vec<Vec<Ids>>,
    count: usize,
}

const PIECE: usize = 256;

impl States {
    pub(super) fn push(&mut self, ids: Ids) {
        self.count += 1;
        match self.pieces.last_mut() {
            Some(piece) if piece.len() < PIECE => piece.push(ids),
            _ => {
                let mut piece = Vec::with_capacity(PIECE);
                piece.push(ids);
                self.pieces.push(piece);
            }
        }
    }

    pub(super) fn append(&mut self, mut other: Self) {
        self.count += other.count;
        self.pieces.append(&mut other.pieces);
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// What is looked for.
#[derive(Clone, Copy)]
pub(super) struct Search<'a> {
    pub(super) model: &'a Interned,
    /// How many steps from the beginning the states are that are reached.
    pub(super) depth: usize,
    /// The cases that nobody has reached yet, one bit each.
    pub(super) wanted: u32,
}

/// What one thread has found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) next: States,
    pub(super) generated: usize,
    pub(super) violated: Vec<Ids>,
    /// Cases and the prints of states.
    pub(super) cases: Vec<(usize, u64)>,
    // States, each after the one it was reached from, that there was no room for.
    unplaced: Vec<[Ids; 2]>,
}

/// What there is after a level.
pub(super) struct Expanded {
    pub(super) found: Vec<Found>,
    /// Whether the search was ended.
    pub(super) ended: bool,
    /// States that were not expanded then.
    pub(super) rest: usize,
}

/// Takes every step out of a level. `watch` is called now and then from this thread, with how far the level
/// has come; it ends the search by returning false.
pub(super) fn expand(
    search: Search<'_>,
    threads: usize,
    seen: &mut Seen,
    level: States,
    mut watch: impl FnMut(Progress) -> bool,
) -> Expanded {
    let work = Work { queue: level.count, pieces: Mutex::new(level.pieces), ..Work::default() };
    let mut all = Vec::new();
    loop {
        let mut found = work.share(search, threads, seen, &mut watch);
        while seen.is_crowded() {
            seen.make_room();
            found.iter_mut().for_each(|found| found.place_the_rest(search, seen));
        }
        all.append(&mut found);
        let rest = work.pieces().iter().map(Vec::len).sum();
        let ended = work.ended.load(Ordering::Relaxed);
        if rest == 0 || ended {
            return Expanded { found: all, ended, rest };
        }
    }
}

#[derive(Default)]
struct Work {
    pieces: Mutex<Vec<Vec<Ids>>>,
    queue: usize,
    expanded: AtomicUsize,
    unique: AtomicUsize,
    generated: AtomicUsize,
    ended: AtomicBool,
}

impl Work {
    // On all threads, until there are no more states, no more room, or no more interest.
    fn share(
        &self,
        search: Search<'_>,
        threads: usize,
        seen: &Seen,
        watch: &mut impl FnMut(Progress) -> bool,
    ) -> Vec<Found> {
        thread::scope(|scope| {
            let others: Vec<_> =
                (1..threads).map(|_| scope.spawn(|| self.take_part(search, seen, || true))).collect();
            let mut all = vec![self.take_part(search, seen, || watch(self.progress(search.depth - 1)))];
            all.extend(others.into_iter().map(|other| other.join().expect("the model does not panic")));
            all
        })
    }

    fn take_part(&self, search: Search<'_>, seen: &Seen, mut watch: impl FnMut() -> bool) -> Found {
        let mut found = Found::default();
        while !seen.is_crowded() && !self.ended.load(Ordering::Relaxed) {
            let Some(piece) = self.pieces().pop() else { break };
            let before = (found.next.len(), found.generated);
            piece.iter().for_each(|ids| found.expand(search, seen, ids));
            self.unique.fetch_add(found.next.len() - before.0, Ordering::Relaxed);
            self.generated.fetch_add(found.generated - before.1, Ordering::Relaxed);
            self.expanded.fetch_add(piece.len(), Ordering::Relaxed);
            if !watch() {
                self.ended.store(true, Ordering::Relaxed);
            }
        }
        found
    }

    // A panic of another thread is reported when that thread is joined.
    fn pieces(&self) -> MutexGuard<'_, Vec<Vec<Ids>>> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn progress(&self, depth: usize) -> Progress {
        let unique = self.unique.load(Ordering::Relaxed);
        let generated = self.generated.load(Ordering::Relaxed);
        let queue = self.queue + unique - self.expanded.load(Ordering::Relaxed);
        Progress { unique, generated, depth, queue }
    }
}

impl Found {
    fn expand(&mut self, search: Search<'_>, seen: &Seen, ids: &Ids) {
        search.model.steps(ids, |_, reached| {
            self.generated += 1;
            self.reach(search, seen, ids, reached);
        });
    }

    fn place_the_rest(&mut self, search: Search<'_>, seen: &Seen) {
        for [before, reached] in std::mem::take(&mut self.unplaced) {
            self.reach(search, seen, &before, reached);
        }
    }

    fn reach(&mut self, search: Search<'_>, seen: &Seen, before: &Ids, reached: Ids) {
        let new = Known { print: reached.print(), parent: before.print(), depth: search.depth };
        match seen.reach(new) {
            Reached::New => {
                self.judge(search, Some(before), &reached);
                self.next.push(reached);
            }
            Reached::Known => {}
            Reached::NoRoom => self.unplaced.push([*before, reached]),
        }
    }

    /// Puts down what is wrong with a state, and which cases it is. The state before is none of them.
    pub(super) fn judge(&mut self, search: Search<'_>, before: Option<&Ids>, ids: &Ids) {
        if search.model.violation_of(ids).is_some() {
            self.violated.push(*ids);
        }
        let mut cases = search.model.cases(before, ids, search.wanted);
        while cases != 0 {
            self.cases.push((cases.trailing_zeros() as usize, ids.print()));
            cases &= cases - 1;
        }
    }
}
