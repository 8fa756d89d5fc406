//! Runs a job of one's own through many seeds, from a plain test.
//!
//! A [`Simulation`] is a [`Job`] with a cluster, faults, a store and invariants. Whatever is not set is drawn
//! from the seed, so that many seeds are many different clusters; whatever is set holds for all of them.
//! [`check`](Simulation::check) is for tests: its message holds the seed, what is broken, and a command that
//! shows it again.

mod again;
mod report;
mod set;
mod settings;

pub use again::{CASE_VARIABLE, SEED_VARIABLE, is_replay};
pub use report::{Failure, Report};

use crate::batch::run_seeds;
use crate::case::{CASE_FORMAT, Case, CaseError};
use crate::cluster::{
    AnyJob, Finished, Moment, Rules, Scenario, ScenarioError, Setting, Stores, Summary, simulate_job,
};
use crate::coverage::Coverage;
use crate::fault::{Aim, Fault, FaultPlan};
use crate::job::{Job, OutputOf};
use crate::run::Run;
use crate::trace::Recording;
use settings::Settings;
use std::fmt;
use std::num::NonZeroUsize;
use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::sync::Arc;

/// The seeds of [`Simulation::check`] where nothing else is said.
const SEEDS: Range<u64> = 0..100;

type DrawPlan = Arc<dyn Fn(u64, &Scenario) -> FaultPlan + Send + Sync>;

/// A job, what it runs on, what befalls it and what must hold.
#[must_use = "a simulation does nothing until it is run or checked"]
pub struct Simulation<J: Job> {
    job: Arc<J>,
    rules: Rules<OutputOf<J>>,
    seeds: Range<u64>,
    threads: Option<NonZeroUsize>,
    settings: Settings,
    draw_plan: Option<DrawPlan>,
    timed: Vec<(u64, Fault)>,
    aims: Vec<Aim>,
    sometimes: Vec<&'static str>,
    stores: Stores,
}

impl<J: Job> Simulation<J> {
    /// `job` in clusters that are drawn from the seeds 0 to 99, on a [bad day](crate::fault::Profile::Default).
    pub fn new(job: J) -> Self {
        Self {
            job: Arc::new(job),
            rules: Vec::new(),
            seeds: SEEDS,
            threads: None,
            settings: Settings::default(),
            draw_plan: None,
            timed: Vec::new(),
            aims: Vec::new(),
            sometimes: Vec::new(),
            stores: Stores::default(),
        }
    }

    /// The cluster and the job's surroundings of a seed.
    ///
    /// # Errors
    ///
    /// [`ScenarioError`] says which setting cannot be.
    pub fn scenario(&self, seed: u64) -> Result<Scenario, ScenarioError> {
        self.settings.scenario(seed, &self.any_job().partitions())
    }

    /// What a seed runs, written out.
    ///
    /// # Panics
    ///
    /// If a setting or a fault cannot be.
    #[must_use]
    pub fn case(&self, seed: u64) -> Case {
        let scenario = self.scenario(seed).unwrap_or_else(|error| panic!("the simulation: {error}"));
        let mut plan = match &self.draw_plan {
            Some(draw) => draw(seed, &scenario),
            None => FaultPlan::draw(seed, scenario.faults(), &scenario.targets(), scenario.horizon_us()),
        };
        plan.faults_max += self.timed.len() + self.aims.len();
        plan.timed.extend(self.timed.iter().cloned());
        plan.timed.sort_by_key(|(at_us, _)| *at_us);
        plan.aims.extend(self.aims.iter().cloned());
        if !(self.timed.is_empty() && self.aims.is_empty()) {
            let end = |(at_us, fault): &(u64, Fault)| at_us + fault.lasts_us();
            let timed_us = self.timed.iter().map(end).max().unwrap_or(0);
            // Aimed faults have no time of their own.
            let aimed_us = if self.aims.is_empty() { 0 } else { scenario.horizon_us() };
            plan.horizon_us = plan.horizon_us.max(timed_us).max(aimed_us);
        }
        plan.check(&scenario.targets()).unwrap_or_else(|error| panic!("the simulation: {error}"));
        let (about, breaks) = (String::new(), None);
        Case { format: CASE_FORMAT, about, breaks, seed, mutant: None, plan, scenario }
    }

    /// Runs every seed.
    ///
    /// # Panics
    ///
    /// If a setting or a fault cannot be.
    #[must_use]
    pub fn run(&self) -> Report {
        self.run_while(|_| ControlFlow::Continue(()))
    }

    /// Runs the seeds up to the first that breaks something, for tests. With [`SEED_VARIABLE`] or
    /// [`CASE_VARIABLE`] in the environment only that seed or file, with its story.
    ///
    /// # Panics
    ///
    /// If a seed breaks something: the message holds the seed, what is broken and how to see it again. If something never
    /// happens that is to happen [sometimes](Self::sometimes). If a setting or a fault cannot be.
    #[track_caller]
    pub fn check(&self) {
        if let Some(case) = again::asked_for(|seed| self.case(seed)) {
            let run = self.replay(&case);
            println!("{}", story(&run));
            if let Err(violation) = &run.outcome {
                panic!("seed {} breaks {violation}", case.seed);
            }
            return;
        }
        let report = self.run_while(|run| match run.outcome {
            Ok(_) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        });
        report.check();
    }

    /// Runs a case of this job, and keeps every event.
    ///
    /// # Panics
    ///
    /// If it cannot be run.
    #[must_use]
    pub fn replay(&self, case: &Case) -> Run<Summary> {
        case.check_surroundings().unwrap_or_else(|error| panic!("the case: {error}"));
        self.one(case, Recording { keep: true, stream: None })
    }

    /// Reads a case of this job that [`check`](Self::check) has written, and runs it: for failures that are to
    /// be tested for ever.
    ///
    /// # Errors
    ///
    /// [`CaseError`]: unreadable, no case, another format, or one that cannot be run.
    pub fn replay_file(&self, path: &Path) -> Result<Run<Summary>, CaseError> {
        Ok(self.replay(&Case::read_surroundings(path)?))
    }

    fn run_while(&self, progress: impl FnMut(&Run<Summary>) -> ControlFlow<()>) -> Report {
        let one = |seed| self.one(&self.case(seed), Recording::default());
        let batch = run_seeds(self.seeds.clone(), self.threads, one, progress);
        let failures = batch.failures().map(|(seed, violation)| Failure {
            violation: violation.clone(),
            case: Case { breaks: Some(violation.rule().to_owned()), ..self.case(seed) },
        });
        let mut coverage = Coverage::default();
        let held = batch.runs.iter().filter_map(|run| run.outcome.as_ref().ok());
        held.for_each(|summary| coverage.add(&summary.coverage));
        let never = self.sometimes.iter().copied().filter(|mark| coverage.times(mark) == 0).collect();
        Report { failures: failures.collect(), never, coverage, batch }
    }

    fn one(&self, case: &Case, recording: Recording) -> Run<Summary> {
        let setting = Setting {
            noted: None,
            scenario: case.scenario.clone(),
            plan: case.plan.clone(),
            planted: case.planted().unwrap_or_else(|error| panic!("{error}")),
            job: self.any_job(),
            stores: self.stores.clone(),
        };
        simulate_job(case.seed, setting, recording).map(|Finished { summary, .. }| summary)
    }

    fn any_job(&self) -> AnyJob {
        AnyJob::new(Arc::clone(&self.job), self.rules.clone())
    }
}

/// The moments of a run that was kept, one on each line.
#[must_use]
pub fn story(run: &Run<Summary>) -> String {
    run.kept.iter().filter_map(Moment::of).map(|moment| format!("{moment}\n")).collect()
}

impl<J: Job> fmt::Debug for Simulation<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation")
            .field("seeds", &self.seeds)
            .field("settings", &self.settings)
            .field("rules", &self.rules.len())
            .finish_non_exhaustive()
    }
}
