//! The models by name, paths through them in words, as pictures and as files, and searches.

mod bound;
mod file;
mod lanes;
mod next;
mod path;
pub(crate) mod report;
mod state;
mod telling;
mod watched;

use anyhow::bail;
use keygroups_model::Bound;
use keygroups_model::liveness;
use keygroups_model::model::JobModel;
use keygroups_model::story::Story;
use keygroups_model::zoo::{self, Mutant};

pub(crate) use bound::{bound_name, parse_bound, stories, stories_of};
pub(crate) use file::{Document, SavedPath, check_writable, write_file};
pub(crate) use next::{Group, Next, next};
pub(crate) use path::Path;
pub(crate) use state::Block;
pub(crate) use telling::picture;
pub(crate) use watched::{Watched, how_far, how_far_recovered};

use crate::names;

/// A model that was asked for by name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice {
    pub(crate) model: JobModel,
    pub(crate) mutant: Option<&'static Mutant>,
}

impl Choice {
    /// The story, true.
    pub(crate) fn of(story: &'static Story) -> Self {
        Self { model: JobModel::new(story), mutant: None }
    }

    /// The story `name`, true or with a planted bug.
    ///
    /// # Errors
    ///
    /// One line that says what was probably meant.
    pub(crate) fn named(name: &str, mutant: Option<&str>) -> anyhow::Result<Self> {
        let names: Vec<_> = stories().map(|story| story.name).collect();
        let story = stories()
            .find(|story| story.name == name)
            .ok_or_else(|| names::unknown("model", name, &names, "keygroups check --list"))?;
        Self::planted(story, mutant)
    }

    /// The same among the models of a bound.
    ///
    /// # Errors
    ///
    /// One line that says what was probably meant, or that the model is larger than that.
    pub(crate) fn in_bound(bound: Bound, name: &str, mutant: Option<&str>) -> anyhow::Result<Self> {
        if let Some(story) = stories_of(bound).iter().find(|story| story.name == name) {
            return Self::planted(story, mutant);
        }
        let elsewhere = Self::named(name, mutant)?;
        bail!(
            "`{}` is too large to be explored completely with the bound {}: walk through it with keygroups explore",
            elsewhere.name(),
            bound_name(bound)
        )
    }

    fn planted(story: &'static Story, mutant: Option<&str>) -> anyhow::Result<Self> {
        let Some(mutant) = mutant.map(find_mutant).transpose()? else { return Ok(Self::of(story)) };
        Ok(Self { model: JobModel::with_twist(story, mutant.twist), mutant: Some(mutant) })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.model.story().name
    }

    /// The arguments that name it.
    pub(crate) fn arguments(&self) -> String {
        match self.mutant {
            Some(mutant) => format!("{} --mutant {}", self.name(), mutant.name),
            None => self.name().to_owned(),
        }
    }
}

/// Every planted bug: those that break an invariant, then those that lose a goal.
pub(crate) fn mutants() -> impl Iterator<Item = &'static Mutant> {
    zoo::ALL.iter().chain(zoo::STUCK)
}

/// Whether a mutant does no harm, and gets the job stuck.
pub(crate) fn gets_stuck(mutant: &Mutant) -> bool {
    liveness::ALL.iter().any(|goal| goal.name == mutant.breaks)
}

/// # Errors
///
/// One line that says what was probably meant.
pub(crate) fn find_mutant(name: &str) -> anyhow::Result<&'static Mutant> {
    let names: Vec<_> = mutants().map(|mutant| mutant.name).collect();
    mutants()
        .find(|mutant| mutant.name == name)
        .ok_or_else(|| names::unknown("mutant", name, &names, "keygroups zoo --list"))
}
