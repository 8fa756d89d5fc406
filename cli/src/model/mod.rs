//! The models by name, paths through them in words, as pictures and as files, and searches.

mod bound;
mod file;
mod lanes;
mod limit;
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

pub(crate) use bound::{parse_bound, stories};
pub(crate) use file::{Document, SavedPath, check_writable, write_file};
pub(crate) use limit::{Allowance, Limit, check_measurable, parse_limit};
pub(crate) use next::{Group, Next, next};
pub(crate) use path::Path;
pub(crate) use state::Block;
pub(crate) use telling::{phase, picture};
pub(crate) use watched::{Watched, how_far, how_far_recovered};

use crate::names;

/// A model that was asked for by name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice {
    pub(crate) model: JobModel,
    pub(crate) mutant: Option<&'static Mutant>,
    pub(crate) bound: Bound,
}

impl Choice {
    /// A model to look into, of the bound quick: every step of the story `name` is one of its own.
    ///
    /// # Errors
    ///
    /// One line that says what was probably meant.
    pub(crate) fn named(name: &str, mutant: Option<&str>) -> anyhow::Result<Self> {
        let names: Vec<_> = stories().map(|story| story.name).collect();
        let story = stories()
            .find(|story| story.name == name)
            .ok_or_else(|| names::unknown("model", name, &names, "keygroups check --list"))?;
        Self::new(Bound::Quick, story, mutant, false)
    }

    /// A model to check: states that differ only in what cannot matter are one, unless a bug is planted.
    ///
    /// # Errors
    ///
    /// One line that says what was probably meant, or that the bound has no such model.
    pub(crate) fn to_check(bound: Bound, name: &str, mutant: Option<&str>) -> anyhow::Result<Self> {
        let story = bound.stories().iter().find(|story| story.name == name);
        if let Some(story) = story {
            return Self::new(bound, story, mutant, true);
        }
        let elsewhere = Self::named(name, mutant)?.name();
        let names: Vec<_> = bound.stories().iter().map(|story| story.name).collect();
        bail!(
            "there is no model `{elsewhere}` in the bound {}, only {}; keygroups explore {elsewhere} walks through it",
            bound.name(),
            names.join(", ")
        )
    }

    /// The model of a path in a file.
    ///
    /// # Errors
    ///
    /// One line that says what was probably meant.
    pub(crate) fn of_path(
        bound: Bound,
        name: &str,
        mutant: Option<&str>,
        reduced: bool,
    ) -> anyhow::Result<Self> {
        let choice = match bound {
            Bound::Quick => Self::named(name, mutant)?,
            _ => Self::to_check(bound, name, mutant)?,
        };
        Self::new(bound, choice.model.story(), mutant, reduced)
    }

    /// The story as it is, to check.
    pub(crate) fn of(bound: Bound, story: &'static Story) -> Self {
        Self { model: JobModel::reduced(story), mutant: None, bound }
    }

    fn new(bound: Bound, story: &'static Story, mutant: Option<&str>, reduced: bool) -> anyhow::Result<Self> {
        let mutant = mutant.map(find_mutant).transpose()?;
        let model = match mutant {
            Some(mutant) => JobModel::with_twist(story, mutant.twist),
            None if reduced => JobModel::reduced(story),
            None => JobModel::new(story),
        };
        Ok(Self { model, mutant, bound })
    }

    /// The same, and every step is one of its own.
    pub(crate) fn unreduced(&self) -> Self {
        Self { model: self.model.unreduced(), ..*self }
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
    zoo::every()
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
