//! One model: search, tell, keep what was found.

use std::io::Write;
use std::path::{Path as FilePath, PathBuf};

use anyhow::Context;
use keygroups_model::liveness;

use super::Check;
use super::document::{Counterexample, Document, Recovery};
use super::text::{ended_early, tell};
use crate::Verdict;
use crate::model::{
    Allowance, Choice, Document as SavedDocument, Path, Watched, picture, report, write_file,
};

/// What was found out about one model, and the way to what is wrong with it.
pub(super) struct Checked {
    pub(super) document: Document,
    path: Option<Path>,
    // What the path is one of.
    choice: Choice,
}

impl Check {
    pub(super) fn one(&self, out: &mut impl Write, choice: &Choice) -> anyhow::Result<Verdict> {
        let watched = self.watched()?;
        let checked = self.search(choice, &watched)?;
        let document = &checked.document;
        if self.json {
            serde_json::to_writer(&mut *out, document)?;
            writeln!(out)?;
        } else {
            tell(out, document)?;
        }
        out.flush()?;
        self.keep(&checked)?;
        if let Some(line) = ended_early(document) {
            eprintln!("{line}");
        }
        Ok(document.verdict)
    }

    /// Looks for a broken invariant and, if there is none, for a goal out of reach.
    pub(super) fn search(&self, choice: &Choice, watched: &Watched) -> anyhow::Result<Checked> {
        let may = Allowance::new(self.limits());
        let (survey, seconds) = watched.safety(choice.name(), &choice.model, &may);
        let mut document =
            Document::new(choice, self.bound, watched.threads, &survey, may.reached(), seconds);
        let mut choice = *choice;
        let mut path = match &survey.violated {
            Some((_, positions)) => Some(Path::follow(choice.model, positions)?),
            None => None,
        };
        if !self.no_recovery && survey.complete && path.is_none() {
            choice = choice.unreduced();
            let (report, seconds) = watched.recovery(choice.name(), &choice.model, &may);
            if let Some(found) = &report.counterexample {
                let goal = liveness::ALL.iter().find(|goal| goal.name == found.violation.invariant);
                let goal = goal.context("the search for recoveries has found a broken invariant")?;
                path = Some(Path::along(choice.model, &found.path)?.losing(goal));
            }
            document.recovered(Recovery::new(&report, seconds), may.reached());
        }
        document.counterexample = path.as_ref().and_then(|path| self.counterexample(&choice, path));
        Ok(Checked { document, path, choice })
    }

    fn counterexample(&self, choice: &Choice, path: &Path) -> Option<Counterexample> {
        let violation = path.broken()?;
        Some(Counterexample {
            breaks: violation.invariant,
            detail: violation.detail.clone(),
            steps: picture(path).rows.into_iter().skip(1).map(|row| row.words).collect(),
            explore: format!(
                "keygroups explore {} --path {}",
                choice.name(),
                self.file(choice, &self.save).display()
            ),
            html: self.file(choice, &self.html),
            path: self.file(choice, &self.save),
        })
    }

    /// Where something of this model goes: with --all each model has files of its own.
    fn file(&self, choice: &Choice, file: &FilePath) -> PathBuf {
        let stem = file.file_stem().filter(|_| self.all).map(|stem| stem.to_string_lossy());
        let Some(stem) = stem else { return file.to_owned() };
        let mut own = file.with_file_name(format!("{stem}-{}", choice.name()));
        if let Some(extension) = file.extension() {
            own.set_extension(extension);
        }
        own
    }

    /// Writes a counterexample down.
    pub(super) fn keep(&self, checked: &Checked) -> anyhow::Result<()> {
        let Checked { document, path: Some(path), choice } = checked else { return Ok(()) };
        let Some(counterexample) = &document.counterexample else { return Ok(()) };
        SavedDocument::of(choice, path).save(&counterexample.path)?;
        write_file(&counterexample.html, report::html(choice, path, &counterexample.explore).as_bytes())
    }
}
