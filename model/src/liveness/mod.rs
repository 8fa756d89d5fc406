//! Recovery: whatever has happened, the job can go on once nothing goes wrong any more.
//!
//! A [`Goal`] says what "going on" means. The check takes **every** reachable state of a story,
//! loses everything that is in flight there between processes, and asks whether each goal can still
//! be reached by what happens by itself: no crash, no loss, no error, no false suspicion. That is
//! AG EF, with the worst loss there is at every single moment.
//!
//! What is explored of these recoveries is recorded as a graph. A goal is taken backwards along the
//! recorded steps as soon as it is reached, so that each state is explored once, whoever asks.
//! docs/model.md says what this proves and what it does not.

mod goals;
mod graph;
mod recovery;

use std::{fmt, time::Duration};

use keygroups::protocol::invariant::Violation;

use self::goals::GOES_ON;
pub use self::goals::{ALL, Goal};
use self::recovery::{Answer, PRICE_MAX, Recovery, VISITED_MAX};
use crate::{
    interned::Interned,
    model::JobModel,
    search::{self, Counterexample, Verdict},
    survey,
};

/// How much recoveries have taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Different states that were asked: what is left of reachable ones when everything in flight is
    /// lost.
    pub asked: usize,
    /// States of the graph of recoveries that were recorded, those that were asked included.
    pub states: usize,
    /// Steps that were recorded, each from one state to another.
    pub edges: usize,
    /// Steps that were tried.
    pub steps: usize,
}

/// How far a check of recovery has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How far the search through the reachable states has come.
    pub search: survey::Progress,
    /// How much their recoveries have taken.
    pub effort: Effort,
}

/// What a check of recovery has found.
#[derive(Clone, Debug)]
pub struct Report {
    /// The story.
    pub name: &'static str,
    /// Different reachable states.
    pub unique: usize,
    /// How much recoveries have taken.
    pub effort: Effort,
    /// Whether every reachable state was asked.
    pub complete: bool,
    /// A shortest path to a state from which a goal cannot be reached any more, or to a broken
    /// invariant.
    pub counterexample: Option<Counterexample>,
    /// The first invariant that a step of a recovery has broken. No recovery goes that way; steps of
    /// recoveries have no budget, so that they can see more than the story allows.
    pub broken: Option<Violation>,
    /// How long it took.
    pub took: Duration,
}

impl Report {
    /// Whether every goal stays reachable from every reachable state, and nothing is broken on the way.
    pub fn holds(&self) -> bool {
        self.complete && self.counterexample.is_none() && self.broken.is_none()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Effort { asked, states, edges, steps } = self.effort;
        writeln!(
            f,
            "{}: {} unique states, {asked} after a loss of everything in flight, {steps} steps of recovery, \
             {states} states and {edges} steps recorded, {}, {:.2} s",
            self.name,
            self.unique,
            if self.complete { "complete" } else { "cut short" },
            self.took.as_secs_f64()
        )?;
        if let Some(broken) = &self.broken {
            writeln!(f, "  a step of a recovery breaks {broken}")?;
        }
        match &self.counterexample {
            Some(counterexample) => write!(f, "{counterexample}"),
            None => write!(f, "  every goal stays reachable"),
        }
    }
}

/// Checks that every goal stays reachable from every state of the model, or from those of the first
/// `unique_max` states. `watch` is told how far that is, and ends it by answering no.
///
/// The states are those of the model [unreduced](JobModel::unreduced): a reduction lets things arrive
/// early, and what has arrived cannot get lost. So is the path of a counterexample.
pub fn check(model: &JobModel, unique_max: usize, mut watch: impl FnMut(Progress) -> bool) -> Report {
    #[expect(clippy::disallowed_methods, reason = "how long a check took is for people")]
    let began = std::time::Instant::now();
    let interned = Interned::new(model.unreduced());
    let mut recovery = Recovery::new(&interned);
    let search = search::shortest_while(&interned, unique_max, |ids, search| {
        if let Some(violation) = interned.violation_of(ids) {
            return Verdict::Bad(violation.clone());
        }
        if !watch(Progress { search, effort: recovery.effort() }) {
            return Verdict::Enough;
        }
        let (goal, end) = match recovery.ask(ids) {
            Answer::Recovers => return Verdict::Fine,
            Answer::Rest => (GOES_ON, "nothing happens any more, though the job is not finished".to_owned()),
            Answer::Lost(goal) => (goal, format!("never: {}", goal.sentence)),
            Answer::TooFar(goal) => {
                let within = format!("{PRICE_MAX} steps that have a price and {VISITED_MAX} states");
                (goal, format!("not within {within}: {}", goal.sentence))
            }
        };
        Verdict::Bad(Violation {
            invariant: goal.name,
            detail: format!("everything in flight is lost, nothing goes wrong after that, and {end}"),
        })
    });
    Report {
        name: model.story().name,
        unique: search.unique,
        effort: recovery.effort(),
        complete: search.complete,
        counterexample: search.counterexample,
        broken: recovery.broken().cloned(),
        took: began.elapsed(),
    }
}
