//! A run written out: the job, the cluster, every fault. What a seed draws, and what a file of a
//! regression holds.
//!
//! A seed belongs to a build: another build may draw something else from it. A case says everything
//! that was drawn, so that it survives changes of the drawing; the seed in it still decides the rest
//! (delays of single messages and, unless the plan lists them, which of them are lost and which requests the
//! store refuses).

use crate::cluster::{self, Planted, Scenario, ScenarioError, Summary, simulate_plan};
use crate::fault::{FaultPlan, PlanError};
use crate::misfortune::Misfortunes;
use crate::run::{Run, Violation};
use crate::trace::Recording;
use keygroups_model::zoo::{self, Mutant};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The format of a case's file.
pub const CASE_FORMAT: u32 = 1;

/// One run, written out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// [`CASE_FORMAT`].
    pub format: u32,
    /// What happens here, for people: the story of the bug that it shows.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// The rule that the run is expected to break; `None` if everything is to hold.
    pub breaks: Option<String>,
    /// What is left to chance.
    pub seed: u64,
    /// The mutant of the zoo that is planted; `None` for the protocol as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mutant: Option<String>,
    /// Every fault.
    pub plan: FaultPlan,
    /// The job and its cluster.
    pub scenario: Scenario,
}

/// A case that cannot be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaseError {
    /// The file cannot be read.
    #[error("cannot read {path}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write {path}", path = path.display())]
    Unwritten {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// It is no JSON, or something else in JSON.
    #[error("{path} holds no case", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        source: serde_json::Error,
    },
    /// Another version of this program has written it.
    #[error("the case has format {found}; this version reads format {CASE_FORMAT}")]
    Format {
        /// The format it has.
        found: u32,
    },
    /// The job or the cluster cannot be.
    #[error("the case's scenario: {0}")]
    Scenario(#[from] ScenarioError),
    /// The zoo has no such bug.
    #[error("the case's mutant: there is no {0:?} in the zoo")]
    Mutant(String),
    /// A fault cannot be.
    #[error("the case's plan: {0}")]
    Plan(#[from] PlanError),
}

impl Case {
    /// What `seed` draws for a scenario, written out.
    #[must_use]
    pub fn draw(seed: u64, scenario: &Scenario) -> Self {
        let plan = FaultPlan::draw(seed, scenario.faults(), &scenario.targets(), scenario.horizon_us());
        Self {
            format: CASE_FORMAT,
            about: String::new(),
            breaks: None,
            seed,
            mutant: None,
            plan,
            scenario: scenario.clone(),
        }
    }

    /// The same run with this bug in it.
    #[must_use]
    pub fn with_mutant(mut self, mutant: &Mutant) -> Self {
        self.mutant = Some(mutant.name.to_owned());
        self
    }

    pub(crate) fn planted(&self) -> Result<Planted, CaseError> {
        let Some(name) = &self.mutant else { return Ok(Planted::NOTHING) };
        zoo::find(name).map(Planted::bug).ok_or_else(|| CaseError::Mutant(name.clone()))
    }

    /// Whether it can be run.
    ///
    /// # Errors
    ///
    /// [`CaseError`] says what cannot be.
    pub fn check(&self) -> Result<(), CaseError> {
        if self.format != CASE_FORMAT {
            return Err(CaseError::Format { found: self.format });
        }
        self.check_surroundings()?;
        Ok(self.scenario.check_input()?)
    }

    /// Whether a job that brings its own source can be run by it.
    pub(crate) fn check_surroundings(&self) -> Result<(), CaseError> {
        self.planted()?;
        self.scenario.check()?;
        Ok(self.plan.check(&self.scenario.targets())?)
    }

    /// Runs it, whatever it is expected to break. Equal cases and builds give equal runs.
    ///
    /// # Panics
    ///
    /// If it does not pass [`check`](Self::check).
    #[must_use]
    pub fn run(&self, recording: Recording) -> Run<Summary> {
        let planted = self.planted().expect("the case was checked");
        simulate_plan(self.seed, &self.scenario, self.plan.clone(), planted, recording)
    }

    /// What chance strikes in its run, one by one: what is in its plan, or else what the rates there draw.
    ///
    /// # Panics
    ///
    /// If it does not pass [`check`](Self::check).
    #[must_use]
    pub fn misfortunes(&self) -> Misfortunes {
        match &self.plan.misfortunes {
            Some(misfortunes) => misfortunes.clone(),
            None => {
                let planted = self.planted().expect("the case was checked");
                cluster::misfortunes(self.seed, &self.scenario, self.plan.clone(), planted)
            }
        }
    }

    /// Whether a run of this case came out as it is expected to.
    #[must_use]
    pub fn is_met_by(&self, run: &Run<Summary>) -> bool {
        self.breaks.as_deref() == run.outcome.as_ref().err().map(Violation::rule)
    }

    /// Reads a case and checks it.
    ///
    /// # Errors
    ///
    /// [`CaseError`]: unreadable, no case, another format, or one that cannot be run.
    pub fn read(path: &Path) -> Result<Self, CaseError> {
        let text =
            std::fs::read(path).map_err(|source| CaseError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(path, &text)
    }

    /// The case in the bytes of a file; `path` is what errors call it.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn parse(path: &Path, text: &[u8]) -> Result<Self, CaseError> {
        let case = Self::parse_surroundings(path, text)?;
        case.check()?;
        Ok(case)
    }

    /// Reads the case of a job that brings its own source.
    pub(crate) fn read_surroundings(path: &Path) -> Result<Self, CaseError> {
        let text =
            std::fs::read(path).map_err(|source| CaseError::Unreadable { path: path.to_owned(), source })?;
        Self::parse_surroundings(path, &text)
    }

    fn parse_surroundings(path: &Path, text: &[u8]) -> Result<Self, CaseError> {
        let malformed = |source| CaseError::Malformed { path: path.to_owned(), source };
        // The format first: what another format holds is nobody's error.
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format } = serde_json::from_slice(text).map_err(malformed)?;
        if format != CASE_FORMAT {
            return Err(CaseError::Format { found: format });
        }
        let case: Self = serde_json::from_slice(text).map_err(malformed)?;
        case.check_surroundings()?;
        Ok(case)
    }

    /// Writes it where [`read`](Self::read) finds it; as a whole or not at all.
    ///
    /// # Errors
    ///
    /// [`CaseError::Unwritten`].
    pub fn write(&self, path: &Path) -> Result<(), CaseError> {
        let mut text = serde_json::to_string_pretty(self).expect("a case is plain data");
        text.push('\n');
        let beside = path.with_extension("json.part");
        std::fs::write(&beside, text)
            .and_then(|()| std::fs::rename(&beside, path))
            .map_err(|source| CaseError::Unwritten { path: path.to_owned(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Profile;
    use crate::input::Table;
    use std::sync::Arc;

    // With what lies behind it, as a command line tells it.
    fn whole(error: &CaseError) -> String {
        let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
        format!("{error}{}", cause.unwrap_or_default())
    }

    fn drawn(seed: u64) -> Case {
        let table = Arc::new(Table::january("tailnum").unwrap());
        Case::draw(seed, &Scenario::swarm(seed, &table, 200, Profile::Chaos))
    }

    #[test]
    fn case_that_was_written_and_read_runs_as_the_seed_does() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("case.json");
        let case = drawn(7);
        case.write(&path).unwrap();
        let read = Case::read(&path).unwrap();
        assert_eq!(read, case);
        let (run, again) = (case.run(Recording::default()), read.run(Recording::default()));
        assert_eq!(run.hash, again.hash);
        assert!(case.is_met_by(&run));
        assert_eq!(run.hash, crate::cluster::simulate(7, &case.scenario, Recording::default()).hash);
    }

    #[test]
    fn what_cannot_be_run_is_refused_with_its_reason() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("case.json");
        let refused = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut value = serde_json::to_value(drawn(7)).unwrap();
            change(&mut value);
            std::fs::write(&path, value.to_string()).unwrap();
            whole(&Case::read(&path).unwrap_err())
        };
        let says = |text: &str, part: &str| assert!(text.contains(part), "{text}");
        says(&refused(&|case| case["format"] = 9.into()), "format 9; this version reads format 1");
        says(&refused(&|case| case["scenario"]["slots"] = 0.into()), "slots");
        says(&refused(&|case| case["scenario"]["parallelisms"] = serde_json::json!([])), "no parallelism");
        says(&refused(&|case| case["scenario"]["hosts"] = 60_000.into()), "hosts");
        says(&refused(&|case| case["scenario"]["hosts"] = 0.into()), "hosts");
        says(
            &refused(&|case| {
                case["scenario"]["hosts"] = 1.into();
                case["scenario"]["parallelisms"] = serde_json::json!([5, 6]);
            }),
            "are too few",
        );
        says(&refused(&|case| case["scenario"]["input"] = serde_json::json!([])), "no row");
        says(&refused(&|case| case["scenario"]["max_parallelism"] = 0.into()), "max parallelism");
        says(&refused(&|case| case["mutant"] = "basilisk".into()), "no \"basilisk\" in the zoo");
        says(&refused(&|case| case["plan"]["surprise"] = 1.into()), "surprise");
        says(
            &refused(&|case| {
                case["plan"]["timed"][0][1] = serde_json::json!({"Crash": {"node": 99, "down_us": 1}})
            }),
            "node 99",
        );
        std::fs::write(&path, "{").unwrap();
        says(&whole(&Case::read(&path).unwrap_err()), "holds no case");
        std::fs::remove_file(&path).unwrap();
        says(&whole(&Case::read(&path).unwrap_err()), "case.json");
    }
}
