//! Searches for what a mutant breaks, and for anything that the protocol itself breaks.

use keygroups_model::model::JobModel;
use keygroups_model::story::Story;
use keygroups_model::zoo::Mutant;
use serde::Serialize;

use crate::model::{Allowance, Watched, gets_stuck};

/// What a mutant breaks first.
#[derive(Serialize)]
pub(super) struct Caught {
    pub(super) mutant: &'static str,
    pub(super) source: &'static str,
    pub(super) model: &'static str,
    pub(super) must_break: &'static str,
    pub(super) breaks: Option<&'static str>,
    pub(super) caught: bool,
    /// On a shortest path.
    pub(super) steps: Option<usize>,
    pub(super) states: usize,
    pub(super) seconds: f64,
}

/// The protocol itself in a model that a mutant lives in.
#[derive(Serialize)]
pub(super) struct Unmutated {
    pub(super) model: &'static str,
    /// No invariant is broken and every goal stays reachable, in and from every reachable state.
    pub(super) holds: bool,
    /// Whether every reachable state was seen and asked.
    pub(super) complete: bool,
    pub(super) breaks: Option<&'static str>,
    pub(super) states: usize,
    /// Different states that were asked whether the job recovers from them.
    pub(super) asked_states: usize,
    pub(super) seconds: f64,
}

impl Caught {
    /// `None` if the user did not wait for it.
    pub(super) fn hunt(mutant: &Mutant, watched: &Watched) -> Option<Self> {
        let model = JobModel::with_twist(mutant.story, mutant.twist);
        let mut caught = Self {
            mutant: mutant.name,
            source: mutant.source,
            model: mutant.story.name,
            must_break: mutant.breaks,
            breaks: None,
            caught: false,
            steps: None,
            states: 0,
            seconds: 0.0,
        };
        if gets_stuck(mutant) {
            // Judges invariants too, on the way.
            let (report, seconds) = watched.recovery(mutant.name, &model, &Allowance::unlimited());
            if watched.stopped() {
                return None;
            }
            let found = report.counterexample.as_ref();
            caught.breaks = found.map(|found| found.violation.invariant);
            caught.steps = found.map(|found| found.path.len());
            (caught.states, caught.seconds) = (report.unique, seconds);
        } else {
            let (survey, seconds) = watched.safety(mutant.name, &model, &Allowance::unlimited());
            if watched.stopped() {
                return None;
            }
            caught.breaks = survey.violated.as_ref().map(|(violation, _)| violation.invariant);
            caught.steps = survey.violated.as_ref().map(|(_, positions)| positions.len());
            (caught.states, caught.seconds) = (survey.progress.unique, seconds);
        }
        caught.caught = caught.breaks == Some(mutant.breaks);
        Some(caught)
    }
}

impl Unmutated {
    /// `None` if the user did not wait for it.
    pub(super) fn check(story: &'static Story, watched: &Watched) -> Option<Self> {
        let model = JobModel::reduced(story);
        let may = Allowance::unlimited();
        let (survey, took) = watched.safety(story.name, &model, &may);
        let states = survey.progress.unique;
        let (report, more) = watched.recovery(story.name, &model, &may);
        if watched.stopped() {
            return None;
        }
        let broken = survey.violated.map(|(violation, _)| violation);
        let breaks = broken.or(report.counterexample.map(|found| found.violation)).or(report.broken);
        let complete = survey.complete && report.complete;
        Some(Self {
            model: story.name,
            holds: breaks.is_none() && complete,
            complete,
            breaks: breaks.map(|violation| violation.invariant),
            states,
            asked_states: report.effort.asked,
            seconds: took + more,
        })
    }
}
