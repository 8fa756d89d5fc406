//! A breadth-first search that people can watch, and stop.
//!
//! Level by level, on as many threads as wanted. Among equally short ways to a state the first in
//! the order of its predecessors and of their actions counts, so that paths, counts and depths do
//! not depend on the number of threads.

#![allow(clippy::disallowed_types)] // Only looked up, never iterated.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use keygroups::protocol::invariant::Violation;
use stateright::Model;

use crate::{model::JobModel, part::hash_of, properties::CASES, world::World};

/// How far a survey has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// A way to a state: the position of each step among the actions of the state before it.
pub type Positions = Vec<usize>;

/// What a survey has found.
#[derive(Clone, Debug)]
pub struct Survey {
    /// How far it came.
    pub progress: Progress,
    /// Whether every reachable state was seen. A survey ends early at a violation, at its limit of
    /// states, and when it is told to stop.
    pub complete: bool,
    /// The invariant that was broken first, and a shortest way there.
    pub violated: Option<(Violation, Positions)>,
    /// The interesting cases, in the order of [`CASES`], each with a shortest way there.
    pub cases: Vec<(&'static str, Option<Positions>)>,
}

// Where a state was first reached from.
#[derive(Clone, Copy)]
struct Origin {
    parent: u64,
    // Of the parent in its level, and of the action among the parent's.
    rank: (u32, u16),
    depth: u16,
}

/// Locks rarely meet if there are many more of them than threads.
const SHARDS: usize = 64;

struct Seen(Vec<Mutex<HashMap<u64, Origin>>>);

impl Seen {
    fn new() -> Self {
        Self((0..SHARDS).map(|_| Mutex::default()).collect())
    }

    fn shard(&self, state: u64) -> std::sync::MutexGuard<'_, HashMap<u64, Origin>> {
        // A panic of another thread is reported when that thread is joined.
        self.0[state as usize % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    // Whether the state is new. Of two ways of the same length the lower rank is kept.
    fn reach(&self, state: u64, origin: Origin) -> bool {
        let mut shard = self.shard(state);
        let Some(known) = shard.get_mut(&state) else {
            shard.insert(state, origin);
            return true;
        };
        if known.depth == origin.depth && origin.rank < known.rank {
            *known = origin;
        }
        false
    }

    fn origin(&self, state: u64) -> Origin {
        self.shard(state)[&state]
    }

    fn way_to(&self, mut state: u64) -> Positions {
        let mut way = Vec::new();
        loop {
            let origin = self.origin(state);
            if origin.depth == 0 {
                way.reverse();
                return way;
            }
            way.push(usize::from(origin.rank.1));
            state = origin.parent;
        }
    }
}

// What one thread has found in one level.
#[derive(Default)]
struct Found {
    next: Vec<(u64, World)>,
    generated: usize,
    violated: Vec<(u64, Violation)>,
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
    mut watch: impl FnMut(Progress) -> bool,
) -> Survey {
    assert!(threads > 0, "a survey needs a thread");
    let seen = Seen::new();
    let mut survey = Survey {
        progress: Progress { unique: 0, generated: 0, depth: 0, queue: 0 },
        complete: false,
        violated: None,
        cases: CASES.iter().map(|(name, _)| (*name, None)).collect(),
    };
    let mut level = Vec::new();
    let mut first = Found::default();
    for (rank, world) in (0..).zip(model.init_states()) {
        let state = hash_of(&world);
        seen.reach(state, Origin { parent: 0, rank: (rank, 0), depth: 0 });
        first.judge(model, &survey, state, &world);
        level.push((state, world));
    }
    survey.progress.unique = level.len();
    survey.absorb(&seen, vec![first]);
    while !level.is_empty() && survey.violated.is_none() && survey.progress.unique < unique_max {
        survey.progress.queue = level.len();
        let Some(found) = expand(model, threads, &seen, &level, &survey, &mut watch) else { return survey };
        survey.progress.depth += 1;
        let mut next: Vec<(u64, World)> = Vec::new();
        let mut found = found;
        found.iter_mut().for_each(|found| next.append(&mut found.next));
        next.sort_by_cached_key(|(state, _)| seen.origin(*state).rank);
        survey.progress.unique += next.len();
        survey.absorb(&seen, found);
        level = next;
    }
    survey.progress.queue = level.len();
    survey.complete = level.is_empty();
    if survey.complete {
        // The last level had nothing behind it.
        survey.progress.depth = survey.progress.depth.saturating_sub(1);
    }
    survey
}

/// Takes every step out of a level; `None` if the survey was ended meanwhile.
fn expand(
    model: &JobModel,
    threads: usize,
    seen: &Seen,
    level: &[(u64, World)],
    survey: &Survey,
    watch: &mut impl FnMut(Progress) -> bool,
) -> Option<Vec<Found>> {
    // Small, so that threads end a level together.
    const CHUNK: usize = 32;
    let (taken, unique, generated) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let stop = AtomicBool::new(false);
    let work = |watch: &mut dyn FnMut() -> bool| {
        let mut found = Found::default();
        loop {
            let from = taken.fetch_add(CHUNK, Ordering::Relaxed);
            if from >= level.len() || stop.load(Ordering::Relaxed) {
                return found;
            }
            let before = (found.next.len(), found.generated);
            for (index, (state, world)) in level.iter().enumerate().skip(from).take(CHUNK) {
                found.expand(model, seen, survey, index, *state, world);
            }
            unique.fetch_add(found.next.len() - before.0, Ordering::Relaxed);
            generated.fetch_add(found.generated - before.1, Ordering::Relaxed);
            if !watch() {
                stop.store(true, Ordering::Relaxed);
            }
        }
    };
    let mut look = || {
        let done = taken.load(Ordering::Relaxed).min(level.len());
        let unique = unique.load(Ordering::Relaxed);
        watch(Progress {
            unique: survey.progress.unique + unique,
            generated: survey.progress.generated + generated.load(Ordering::Relaxed),
            depth: survey.progress.depth,
            queue: level.len() - done + unique,
        })
    };
    let work = &work;
    let found = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(move || work(&mut || true))).collect();
        let mut all = vec![work(&mut look)];
        all.extend(others.into_iter().map(|other| other.join().expect("the model does not panic")));
        all
    });
    (!stop.load(Ordering::Relaxed)).then_some(found)
}

impl Found {
    fn expand(
        &mut self,
        model: &JobModel,
        seen: &Seen,
        survey: &Survey,
        index: usize,
        state: u64,
        world: &World,
    ) {
        let mut actions = Vec::new();
        model.actions(world, &mut actions);
        for (position, action) in actions.into_iter().enumerate() {
            let Some(reached) = model.next_state(world, action) else { continue };
            self.generated += 1;
            let to = hash_of(&reached);
            let rank = (index as u32, position as u16);
            let depth = survey.progress.depth as u16 + 1;
            if seen.reach(to, Origin { parent: state, rank, depth }) {
                self.judge(model, survey, to, &reached);
                self.next.push((to, reached));
            }
        }
    }

    fn judge(&mut self, model: &JobModel, survey: &Survey, state: u64, world: &World) {
        if let Some(violation) = &world.violation {
            self.violated.push((state, violation.clone()));
        }
        for (index, ((_, way), (_, reached))) in survey.cases.iter().zip(CASES).enumerate() {
            if way.is_none() && reached(model, world) {
                self.cases.push((index, state));
            }
        }
    }
}

impl Survey {
    fn absorb(&mut self, seen: &Seen, found: Vec<Found>) {
        let rank = |state: &u64| seen.origin(*state).rank;
        let violated = found.iter().flat_map(|found| &found.violated);
        if let Some((state, violation)) = violated.min_by_key(|(state, _)| rank(state)) {
            self.violated = Some((violation.clone(), seen.way_to(*state)));
        }
        for (index, (_, way)) in self.cases.iter_mut().enumerate().filter(|(_, (_, way))| way.is_none()) {
            let states = found.iter().flat_map(|found| &found.cases).filter(|case| case.0 == index);
            *way = states.map(|(_, state)| state).min_by_key(|state| rank(state)).map(|s| seen.way_to(*s));
        }
        self.progress.generated += found.iter().map(|found| found.generated).sum::<usize>();
    }
}
