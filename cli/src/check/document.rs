//! What is known of a model after its check, as one JSON document.

use std::path::PathBuf;

use keygroups::protocol::invariant;
use keygroups_model::Bound;
use keygroups_model::liveness;
use keygroups_model::survey::{Progress, Survey};
use serde::Serialize;

use crate::Verdict;
use crate::model::{Choice, Limit};

#[derive(Serialize)]
pub(super) struct Document {
    pub(super) verdict: Verdict,
    pub(super) model: &'static str,
    pub(super) mutant: Option<&'static str>,
    pub(super) bound: &'static str,
    pub(super) threads: usize,
    /// Whether every reachable state was seen.
    pub(super) complete: bool,
    /// The limit that has ended the search for broken invariants or that for recoveries; `null` if none has.
    pub(super) cut_short_by: Option<Limit>,
    pub(super) unique_states: usize,
    pub(super) generated_states: usize,
    /// Every state up to so many steps from the beginning was seen.
    pub(super) depth: usize,
    pub(super) queue: usize,
    pub(super) seconds: f64,
    pub(super) states_per_second: f64,
    pub(super) properties: Vec<Property>,
    pub(super) cases: Vec<Case>,
    /// `null` if nobody asked, or an invariant is broken.
    pub(super) recovery: Option<Recovery>,
    pub(super) counterexample: Option<Counterexample>,
}

#[derive(Serialize)]
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) sentence: &'static str,
    /// `null` if the check has ended before that was known.
    pub(super) holds: Option<bool>,
}

#[derive(Serialize)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) reached: bool,
    pub(super) steps: Option<usize>,
}

#[derive(Serialize)]
pub(super) struct Recovery {
    /// Whether every reachable state was asked.
    pub(super) complete: bool,
    /// Reachable states: here each on its own.
    pub(super) reachable_states: usize,
    /// Different states that were asked: reachable ones after a loss of everything in flight.
    pub(super) asked_states: usize,
    /// States and steps of the recorded graph of recoveries.
    pub(super) recorded_states: usize,
    pub(super) recorded_steps: usize,
    /// Steps of all recoveries together.
    pub(super) steps: usize,
    pub(super) seconds: f64,
    pub(super) goals: Vec<Goal>,
    /// The invariant that a step of a recovery has broken, and how.
    pub(super) broken: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Goal {
    pub(super) name: &'static str,
    pub(super) sentence: &'static str,
    /// `null` if the check has ended before that was known.
    pub(super) stays_reachable: Option<bool>,
}

#[derive(Serialize)]
pub(super) struct Counterexample {
    /// An invariant, or a goal of recovery.
    pub(super) breaks: &'static str,
    pub(super) detail: String,
    pub(super) steps: Vec<String>,
    pub(super) html: PathBuf,
    pub(super) path: PathBuf,
    pub(super) explore: String,
}

impl Document {
    /// What a search for broken invariants has found.
    pub(super) fn new(
        choice: &Choice,
        bound: Bound,
        threads: usize,
        survey: &Survey,
        limit: Option<Limit>,
        seconds: f64,
    ) -> Self {
        let holds = |name| match &survey.violated {
            Some((violation, _)) if violation.invariant == name => Some(false),
            _ => survey.complete.then_some(true),
        };
        let Progress { unique, generated, depth, queue } = survey.progress;
        Self {
            verdict: match (&survey.violated, survey.complete) {
                (Some(_), _) => Verdict::Violated,
                (None, true) => Verdict::Holds,
                (None, false) => unfinished(limit),
            },
            model: choice.name(),
            mutant: choice.mutant.map(|mutant| mutant.name),
            bound: bound.name(),
            threads,
            complete: survey.complete,
            cut_short_by: limit,
            unique_states: unique,
            generated_states: generated,
            depth,
            queue,
            seconds,
            states_per_second: unique as f64 / seconds.max(1e-9),
            properties: invariant::ALL
                .iter()
                .map(|it| Property { name: it.name, sentence: it.sentence, holds: holds(it.name) })
                .collect(),
            cases: survey
                .cases
                .iter()
                .map(|(name, way)| Case { name, reached: way.is_some(), steps: way.as_ref().map(Vec::len) })
                .collect(),
            recovery: None,
            counterexample: None,
        }
    }

    /// Adds what the search for recoveries has found.
    pub(super) fn recovered(&mut self, recovery: Recovery, limit: Option<Limit>) {
        self.cut_short_by = limit;
        if recovery.broken.is_some() || recovery.goals.iter().any(|goal| goal.stays_reachable == Some(false))
        {
            self.verdict = Verdict::Violated;
        } else if !recovery.complete {
            self.verdict = unfinished(limit);
        }
        self.recovery = Some(recovery);
    }
}

/// Of what has ended early.
fn unfinished(limit: Option<Limit>) -> Verdict {
    match limit {
        Some(_) => Verdict::CutShort,
        None => Verdict::Stopped,
    }
}

impl Recovery {
    pub(super) fn new(report: &liveness::Report, seconds: f64) -> Self {
        let lost = report.counterexample.as_ref().map(|found| found.violation.invariant);
        let goals = liveness::ALL.iter().map(|goal| Goal {
            name: goal.name,
            sentence: goal.sentence,
            stays_reachable: if lost == Some(goal.name) {
                Some(false)
            } else {
                report.complete.then_some(true)
            },
        });
        let liveness::Effort { asked, states, edges, steps } = report.effort;
        Self {
            complete: report.complete,
            reachable_states: report.unique,
            asked_states: asked,
            recorded_states: states,
            recorded_steps: edges,
            steps,
            seconds,
            goals: goals.collect(),
            broken: report.broken.as_ref().map(ToString::to_string),
        }
    }
}
