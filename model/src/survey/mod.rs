//! A breadth-first search that people can watch, and stop.
//!
//! Level by level, on as many threads as wanted. Of equally short ways to a state the one through the
//! predecessor with the smallest [print](crate::interned::Ids::print) counts, so that paths, counts and depths do not
//! depend on the number of threads.

mod level;
mod seen;

use keygroups::protocol::invariant::Violation;
use level::{Expanded, Found, Search, States, expand};
use seen::{DEPTH_MAX, Known, Seen};
use stateright::Model;

use crate::{action::Action, cases::CASES, interned::Interned, model::JobModel, world::World};

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

/// Explores by distance with `threads` threads, to the end of the first level with a violation, at most
/// `unique_max` states (checked after each level) and 1,022 steps. `watch` is called now and then from this thread; it ends the
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
    let mut survey = Survey {
        progress: Progress::default(),
        complete: false,
        violated: None,
        cases: CASES.iter().map(|case| (case.name, None)).collect(),
    };
    let (mut seen, first) = (Seen::new(), model.first());
    let mut found = Found::default();
    seen.reach(Known { print: first.print(), parent: 0, depth: 0 });
    found.judge(Search { model, depth: 0, wanted: u32::MAX }, None, &first);
    found.next.push(first);
    let mut level = survey.absorb(model, &seen, vec![found]);
    while !level.is_empty() && survey.violated.is_none() && survey.progress.unique < unique_max {
        let Progress { unique, generated, depth, .. } = survey.progress;
        if depth == DEPTH_MAX {
            return survey;
        }
        let search = Search { model, depth: depth + 1, wanted: survey.wanted() };
        let Expanded { found, ended, rest } = expand(search, threads, &mut seen, level, |level| {
            watch(Progress { unique: unique + level.unique, generated: generated + level.generated, ..level })
        });
        level = survey.absorb(model, &seen, found);
        if ended {
            survey.progress.queue += rest;
            return survey;
        }
        survey.progress.depth += 1;
    }
    survey.complete = level.is_empty();
    if survey.complete {
        // The last level had nothing behind it.
        survey.progress.depth = survey.progress.depth.saturating_sub(1);
    }
    survey
}

impl Survey {
    // The cases that were not reached, one bit each.
    fn wanted(&self) -> u32 {
        let wanted = self.cases.iter().enumerate().filter(|(_, (_, way))| way.is_none());
        wanted.fold(0, |bits, (index, _)| bits | 1 << index)
    }

    // Adds what was found, and gives the states that are new.
    fn absorb(&mut self, model: &Interned, seen: &Seen, found: Vec<Found>) -> States {
        let way_to = |state: u64| positions(model.model(), &actions(model, &seen.way_to(state)));
        let violated = found.iter().flat_map(|found| &found.violated).min_by_key(|ids| ids.print());
        if let Some((ids, violation)) = violated.and_then(|ids| Some((ids, model.violation_of(ids)?))) {
            self.violated = Some((violation.clone(), way_to(ids.print())));
        }
        for (index, (_, way)) in self.cases.iter_mut().enumerate().filter(|(_, (_, way))| way.is_none()) {
            let states = found.iter().flat_map(|found| &found.cases).filter(|case| case.0 == index);
            *way = states.map(|(_, state)| *state).min().map(way_to);
        }
        let mut level = States::default();
        for found in found {
            self.progress.generated += found.generated;
            level.append(found.next);
        }
        self.progress.unique += level.len();
        self.progress.queue = level.len();
        level
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
