//! The models by name, and paths through them: in words, as pictures, as files.

mod file;
mod path;
pub(crate) mod report;
mod state;
mod telling;

pub(crate) use file::{Document, SavedPath};
pub(crate) use path::Path;
pub(crate) use state::Block;
pub(crate) use telling::{Group, Next, next, picture};

use anyhow::{Context, bail};
use keygroups_model::{
    model::JobModel,
    stories::{EVERYTHING, QUICK},
    story::Story,
    zoo::{self, Mutant},
};

/// A model that was asked for by name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice {
    pub(crate) model: JobModel,
    pub(crate) mutant: Option<&'static Mutant>,
}

impl Choice {
    /// The story `name`, true or with a planted bug.
    ///
    /// # Errors
    ///
    /// One line that lists the names there are.
    pub(crate) fn named(name: &str, mutant: Option<&str>) -> anyhow::Result<Self> {
        let story = stories().find(|story| story.name == name).with_context(|| {
            let names: Vec<_> = stories().map(|story| story.name).collect();
            format!("there is no model `{name}`: choose one of {}", names.join(", "))
        })?;
        let Some(mutant) = mutant else { return Ok(Self { model: JobModel::new(story), mutant: None }) };
        let mutant = find_mutant(mutant)?;
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

/// Every story that can be looked at.
pub(crate) fn stories() -> impl Iterator<Item = &'static Story> {
    QUICK.iter().chain([&EVERYTHING])
}

/// Whether the story is small enough to be explored completely.
pub(crate) fn is_small(story: &Story) -> bool {
    QUICK.iter().any(|quick| quick.name == story.name)
}

/// # Errors
///
/// One line that lists the names there are.
pub(crate) fn find_mutant(name: &str) -> anyhow::Result<&'static Mutant> {
    let Some(mutant) = zoo::ALL.iter().find(|mutant| mutant.name == name) else {
        let names: Vec<_> = zoo::ALL.iter().map(|mutant| mutant.name).collect();
        bail!("there is no mutant `{name}`: choose one of {}", names.join(", "));
    };
    Ok(mutant)
}
