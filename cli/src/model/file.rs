//! A path in a file: what was done, by position and in words, so that a file from another version of the
//! model is noticed and never silently replayed as something else.

use std::fs;
use std::io::ErrorKind;
use std::path::Path as FilePath;

use anyhow::{Context, bail, ensure};
use keygroups_model::{Bound, liveness};
use serde::{Deserialize, Serialize};

use super::{Choice, Path, parse_bound};

/// The contents of the file.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    pub(crate) model: String,
    pub(crate) mutant: Option<String>,
    #[serde(default = "quick")]
    pub(crate) bound: String,
    /// Whether some steps are parts of others, as in a check.
    #[serde(default)]
    pub(crate) reduced: bool,
    /// The invariant that the last step breaks, or the goal of recovery that is out of reach after it.
    pub(crate) breaks: Option<String>,
    pub(crate) steps: Vec<SavedStep>,
}

fn quick() -> String {
    Bound::Quick.name().to_owned()
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SavedStep {
    /// Of the action among those that are possible there.
    pub(crate) position: usize,
    pub(crate) words: String,
}

/// A path that was read from a file and taken again.
#[derive(Debug)]
pub(crate) struct SavedPath {
    pub(crate) choice: Choice,
    pub(crate) path: Path,
}

impl Document {
    pub(crate) fn of(choice: &Choice, path: &Path) -> Self {
        let steps = path.positions.iter().zip(&path.actions);
        Self {
            model: choice.name().to_owned(),
            mutant: choice.mutant.map(|mutant| mutant.name.to_owned()),
            bound: choice.bound.name().to_owned(),
            reduced: choice.model.is_reduced(),
            breaks: path.broken().map(|violation| violation.invariant.to_owned()),
            steps: steps
                .map(|(position, action)| SavedStep { position: *position, words: action.to_string() })
                .collect(),
        }
    }

    /// # Errors
    ///
    /// If the file cannot be written.
    pub(crate) fn save(&self, file: &FilePath) -> anyhow::Result<()> {
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        write_file(file, &json)
    }
}

/// # Errors
///
/// One line that names the file.
pub(crate) fn write_file(file: &FilePath, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))
}

/// Finds out whether a file can be written before the work begins whose result goes there. Leaves
/// everything as it was.
///
/// # Errors
///
/// One line that names the file.
pub(crate) fn check_writable(file: &FilePath) -> anyhow::Result<()> {
    let created = match fs::OpenOptions::new().write(true).create_new(true).open(file) {
        Ok(_) => fs::remove_file(file),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            fs::OpenOptions::new().append(true).open(file).map(drop)
        }
        Err(error) => Err(error),
    };
    created.with_context(|| format!("cannot write {}", file.display()))
}

impl SavedPath {
    /// Reads a file and goes along its path.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is no path, or is none of this version of the model.
    pub(crate) fn read(file: &FilePath) -> anyhow::Result<Self> {
        let name = file.display();
        let bytes = fs::read(file).with_context(|| format!("cannot read {name}"))?;
        let document: Document =
            serde_json::from_slice(&bytes).with_context(|| format!("{name} is no path of a model"))?;
        document.follow().with_context(|| format!("cannot follow the path in {name}"))
    }
}

impl Document {
    /// Goes along the path.
    ///
    /// # Errors
    ///
    /// If this version of the model does not allow it.
    pub(crate) fn follow(&self) -> anyhow::Result<SavedPath> {
        let bound = parse_bound(&self.bound).map_err(anyhow::Error::msg)?;
        let choice = Choice::of_path(bound, &self.model, self.mutant.as_deref(), self.reduced)?;
        let mut path = Path::new(choice.model);
        for (number, step) in (1..).zip(&self.steps) {
            let possible: Vec<_> = path.possible().iter().map(ToString::to_string).collect();
            // Positions move when a version of the model has more actions; words say what is meant.
            let position = match possible.get(step.position) {
                Some(words) if *words == step.words => Some(step.position),
                _ => possible.iter().position(|words| *words == step.words),
            };
            let Some(position) = position else {
                bail!("step {number}: this version of the model has no step `{}` there", step.words);
            };
            path.step(position)?;
        }
        // Whether a goal is out of reach would take a search to find out.
        if let Some(goal) = liveness::ALL.iter().find(|goal| Some(goal.name) == self.breaks.as_deref()) {
            path = path.losing(goal);
        }
        let broken = path.broken().map(|violation| violation.invariant);
        ensure!(
            broken == self.breaks.as_deref(),
            "it was to break {}, and breaks {}",
            self.breaks.as_deref().unwrap_or("nothing"),
            broken.unwrap_or("nothing")
        );
        Ok(SavedPath { choice, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(steps: usize) -> Document {
        let choice = Choice::named("scale-out", None).unwrap();
        let mut path = Path::new(choice.model);
        while path.positions.len() < steps {
            let count = path.possible().len();
            assert!((0..count).any(|position| path.step(position).is_ok()));
        }
        Document::of(&choice, &path)
    }

    #[test]
    fn a_path_survives_its_file() {
        let document = document(6);
        let json = serde_json::to_string(&document).unwrap();
        let read: Document = serde_json::from_str(&json).unwrap();
        assert_eq!(read, document);
        assert_eq!(read.follow().unwrap().path.actions.len(), 6);
    }

    #[test]
    fn steps_that_have_moved_are_found_by_their_words() {
        let mut document = document(3);
        document.steps[1].position += 100;
        assert_eq!(document.follow().unwrap().path.actions.len(), 3);
    }

    #[test]
    fn a_step_that_does_not_exist_is_named() {
        let mut document = document(3);
        document.steps[2].words = "coordinator 0: retires".into();
        let error = document.follow().unwrap_err().to_string();
        assert_eq!(error, "step 3: this version of the model has no step `coordinator 0: retires` there");
    }
}
