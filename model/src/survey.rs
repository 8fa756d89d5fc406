//! A breadth-first search that people can watch, and stop.
//!
//! Level by level, on as many threads as wanted. Of equally short ways to a state the one through the
//! predecessor with the smallest [print](Ids::print) counts, so that paths, counts and depths do not
//! depend on the number of threads.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use hashbrown::{HashTable, hash_table::Entry};
use keygroups::protocol::invariant::Violation;
use stateright::Model;

use crate::{
    action::Action,
    cases::CASES,
    interned::{Ids, Interned},
    model::JobModel,
    world::World,
};

/// How far a survey has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Different states seen.
    pub unique: usize,
    /// Steps taken, those to known states included.
    pub generated: usize,
    /// Steps from the beginning to the states that are being expanded.
    pub depth: usize,
    /// States that are seen and not yet expanded.
    pub queue: usize,
}

/// A way to a state: the position of each step among the actions of the [`JobModel`] in the state
/// before it.
pub type Positions = Vec<usize>;

/// What a survey has found.
#[derive(Clone, Debug)]
pub struct Survey {
    /// How far it came.
    pub progress: Progress,
    /// Whether every reachable state was seen. A survey ends early at a violation, at its limit of
    /// states, and when it is told to stop; it has seen every state up to [`Progress::depth`] steps then,
    /// and some of those after one more.
    pub complete: bool,
    /// The invariant that was broken first, and a shortest way there.
    pub violated: Option<(Violation, Positions)>,
    /// The interesting cases, in the order of [`CASES`], each with a shortest way there.
    pub cases: Vec<(&'static str, Option<Positions>)>,
}

// A state and where it was first reached from.
#[derive(Clone, Copy)]
struct Known {
    print: u64,
    parent: u64,
    depth: u16,
}

/// Locks rarely meet if there are many more of them than threads.
const SHARDS: usize = 256;

// A print is as good as random, so it is its own hash.
struct Seen(Vec<Mutex<HashTable<Known>>>);

impl Seen {
    fn new() -> Self {
        Self((0..SHARDS).map(|_| Mutex::default()).collect())
    }

    fn shard(&self, print: u64) -> MutexGuard<'_, HashTable<Known>> {
        // Other bits than those by which the table goes. A panic of another thread is reported when
        // that thread is joined.
        self.0[(print >> 40) as usize % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    // Whether the state is new. Of two ways of the same length that of the smaller parent is kept.
    fn reach(&self, new: Known) -> bool {
        let mut shard = self.shard(new.print);
        match shard.entry(new.print, |known| known.print == new.print, |known| known.print) {
            Entry::Vacant(free) => {
                free.insert(new);
                true
            }
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                if known.depth == new.depth && new.parent < known.parent {
                    known.parent = new.parent;
                }
                false
            }
        }
    }

    // The states on a shortest way, the first left out.
    fn way_to(&self, mut state: u64) -> Vec<u64> {
        let mut way = Vec::new();
        loop {
            let shard = self.shard(state);
            let known = *shard.find(state, |known| known.print == state).expect("a state that was seen");
            drop(shard);
            if known.depth == 0 {
                way.reverse();
                return way;
            }
            way.push(state);
            state = known.parent;
        }
    }
}

// What one thread has found in one level.
#[derive(Default)]
struct Found {
    next: Vec<Ids>,
    expanded: usize,
    generated: usize,
    violated: Vec<Ids>,
    cases: Vec<(usize, u64)>,
}

/// Explores by distance with `threads` threads, to the end of the first level with a violation, at most
/// `unique_max` states (checked after each level). `watch` is called now and then from this thread; it ends the
/// survey by returning false.
///
/// # Panics
///
/// If `threads` is 0.
pub fn survey(
    model: &JobModel,
    threads: usize,
    unique_max: usize,
    watch: impl FnMut(Progress) -> bool,
) -> Survey {
    survey_interned(&Interned::new(*model), threads, unique_max, watch)
}

/// [`survey`] over a model whose values are known already.
///
/// # Panics
///
/// If `threads` is 0.
pub fn survey_interned(
    model: &Interned,
    threads: usize,
    unique_max: usize,
    mut watch: impl FnMut(Progress) -> bool,
) -> Survey {
    assert!(threads > 0, "a survey needs a thread");
    let seen = Seen::new();
    let mut survey = Survey {
        progress: Progress::default(),
        complete: false,
        violated: None,
        cases: CASES.iter().map(|case| (case.name, None)).collect(),
    };
    let first = model.first();
    seen.reach(Known { print: first.print(), parent: 0, depth: 0 });
    let mut found = Found::default();
    found.judge(model, u32::MAX, &first);
    let mut level = vec![vec![first]];
    survey.progress.unique = 1;
    survey.absorb(model, &seen, &[found]);
    while !level.is_empty() && survey.violated.is_none() && survey.progress.unique < unique_max {
        survey.progress.queue = level.iter().map(Vec::len).sum();
        let (mut found, ended) = expand(model, threads, &seen, &level, &survey, &mut watch);
        survey.absorb(model, &seen, &found);
        level = found.iter_mut().map(|found| std::mem::take(&mut found.next)).collect();
        level.retain(|states| !states.is_empty());
        let new = level.iter().map(Vec::len).sum::<usize>();
        survey.progress.unique += new;
        if ended {
            let expanded = found.iter().map(|found| found.expanded).sum::<usize>();
            survey.progress.queue = survey.progress.queue + new - expanded;
            return survey;
        }
        survey.progress.depth += 1;
    }
    survey.progress.queue = level.iter().map(Vec::len).sum();
    survey.complete = level.is_empty();
    if survey.complete {
        // The last level had nothing behind it.
        survey.progress.depth = survey.progress.depth.saturating_sub(1);
    }
    survey
}

/// Takes every step out of a level; also says whether the survey was ended meanwhile.
fn expand(
    model: &Interned,
    threads: usize,
    seen: &Seen,
    level: &[Vec<Ids>],
    survey: &Survey,
    watch: &mut impl FnMut(Progress) -> bool,
) -> (Vec<Found>, bool) {
    // Small, so that threads end a level together.
    const CHUNK: usize = 64;
    let chunks: Vec<&[Ids]> = level.iter().flat_map(|states| states.chunks(CHUNK)).collect();
    let (taken, unique, generated) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let stop = AtomicBool::new(false);
    let depth = survey.progress.depth as u16 + 1;
    let wanted = survey.cases.iter().enumerate().filter(|(_, (_, way))| way.is_none());
    let wanted = wanted.fold(0, |bits, (index, _)| bits | 1 << index);
    let work = |watch: &mut dyn FnMut() -> bool| {
        let mut found = Found::default();
        loop {
            let Some(chunk) = chunks.get(taken.fetch_add(1, Ordering::Relaxed)) else { return found };
            if stop.load(Ordering::Relaxed) {
                return found;
            }
            let before = (found.next.len(), found.generated);
            chunk.iter().for_each(|ids| found.expand(model, seen, depth, wanted, ids));
            unique.fetch_add(found.next.len() - before.0, Ordering::Relaxed);
            generated.fetch_add(found.generated - before.1, Ordering::Relaxed);
            if !watch() {
                stop.store(true, Ordering::Relaxed);
            }
        }
    };
    let mut look = || {
        let done = (taken.load(Ordering::Relaxed) * CHUNK).min(survey.progress.queue);
        let unique = unique.load(Ordering::Relaxed);
        watch(Progress {
            unique: survey.progress.unique + unique,
            generated: survey.progress.generated + generated.load(Ordering::Relaxed),
            depth: survey.progress.depth,
            queue: survey.progress.queue - done + unique,
        })
    };
    let work = &work;
    let found = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(move || work(&mut || true))).collect();
        let mut all = vec![work(&mut look)];
        all.extend(others.into_iter().map(|other| other.join().expect("the model does not panic")));
        all
    });
    (found, stop.load(Ordering::Relaxed))
}

impl Found {
    fn expand(&mut self, model: &Interned, seen: &Seen, depth: u16, wanted: u32, ids: &Ids) {
        self.expanded += 1;
        let parent = ids.print();
        model.steps(ids, |_, reached| {
            self.generated += 1;
            if seen.reach(Known { print: reached.print(), parent, depth }) {
                self.judge(model, wanted, &reached);
                self.next.push(reached);
            }
        });
    }

    // Only cases that are wanted still are asked for.
    fn judge(&mut self, model: &Interned, wanted: u32, ids: &Ids) {
        if model.violation_of(ids).is_some() {
            self.violated.push(*ids);
        }
        if wanted != 0 {
            let mut reached = model.cases(ids, wanted);
            while reached != 0 {
                self.cases.push((reached.trailing_zeros() as usize, ids.print()));
                reached &= reached - 1;
            }
        }
    }
}

impl Survey {
    fn absorb(&mut self, model: &Interned, seen: &Seen, found: &[Found]) {
        let way_to = |state: u64| positions(model.model(), &actions(model, &seen.way_to(state)));
        let violated = found.iter().flat_map(|found| &found.violated).min_by_key(|ids| ids.print());
        if let Some((ids, violation)) = violated.and_then(|ids| Some((ids, model.violation_of(ids)?))) {
            self.violated = Some((violation.clone(), way_to(ids.print())));
        }
        for (index, (_, way)) in self.cases.iter_mut().enumerate().filter(|(_, (_, way))| way.is_none()) {
            let states = found.iter().flat_map(|found| &found.cases).filter(|case| case.0 == index);
            *way = states.map(|(_, state)| *state).min().map(way_to);
        }
        self.progress.generated += found.iter().map(|found| found.generated).sum::<usize>();
    }
}

/// What leads from the first state through states with these prints.
pub(crate) fn actions(model: &Interned, way: &[u64]) -> Vec<Action> {
    let mut at = model.first();
    way.iter()
        .map(|print| {
            let mut step = None;
            model.steps(&at, |offer, next| {
                if step.is_none() && next.print() == *print {
                    step = Some((offer, next));
                }
            });
            let (offer, next) = step.expect("a state on the way is one step from the state before");
            at = next;
            model.action(offer).clone()
        })
        .collect()
}

fn positions(model: &JobModel, actions: &[Action]) -> Positions {
    let mut world = World::new(model);
    actions
        .iter()
        .map(|action| {
            let mut possible = Vec::new();
            model.actions(&world, &mut possible);
            world = model.next_state(&world, action.clone()).expect("both models take the same steps");
            possible.iter().position(|it| it == action).expect("both models offer the same actions")
        })
        .collect()
}
