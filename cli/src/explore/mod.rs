//! `keygroups explore`: a model in the browser, step by step.

mod address;
mod beside;
mod server;
mod view;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use clap::Args;
use keygroups_model::liveness;
use keygroups_model::survey::survey;

use crate::Verdict;
use crate::model::{Choice, Path, SavedPath, gets_stuck, how_far, how_far_recovered};
use crate::progress::Ticker;
use crate::sim::style::{BOLD, FAINT, RESET};

/// Step through a model in the browser: pictures, states in words, every possible step
///
/// Serves a page of our own and, at another port, stateright's. Both show the same model. With a
/// mutant the page opens at its counterexample.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Explore {
    /// The model; `keygroups check --list` shows them all
    #[arg(value_name = "MODEL")]
    model: String,

    /// Plant this bug, and open at a shortest path to what it breaks
    #[arg(long, value_name = "NAME")]
    mutant: Option<String>,

    /// Open at the path in FILE, which check or the page has saved
    #[arg(long, value_name = "FILE", conflicts_with = "mutant")]
    path: Option<PathBuf>,

    /// Where to listen; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000", value_parser = address::parse)]
    addr: SocketAddr,
}

const EXAMPLES: &str = "\
Examples:
  From one task to two, in any order you like:
    keygroups explore scale-out

  How a planted bug loses a checkpoint:
    keygroups explore leadership --mutant ambiguous_is_failed

  A counterexample of check:
    keygroups explore leadership --path counterexample.json

In the page: choose a step on the right; click on a line of the picture, or use the arrow keys, to look at
an earlier state; a step that is chosen there begins another path. The address of the page holds the
path, so that it can be kept and sent. Ctrl-C ends the server.";

impl Explore {
    pub(crate) fn run(self) -> anyhow::Result<Verdict> {
        let (choice, path) = self.opening()?;
        // Before anything that takes time.
        let server = server::Server::bind(self.addr)?;
        let path = match (path, choice.mutant) {
            (Some(path), _) => path,
            (None, Some(_)) => counterexample(&choice)?,
            (None, None) => Path::new(choice.model),
        };
        let beside = beside::serve(&choice, server.address());
        let mut out = anstream::AutoStream::auto(io::stdout());
        writeln!(out, "{BOLD}{}{RESET}: {}", choice.arguments(), choice.model.story().about)?;
        writeln!(
            out,
            "  open               http://{}/{}",
            server.address(),
            view::fragment(&path.positions)
        )?;
        match &beside {
            Ok(beside) => writeln!(out, "  {FAINT}stateright's page  http://{beside}/{RESET}")?,
            Err(error) => writeln!(out, "  {FAINT}stateright's page  is not there: {error:#}{RESET}")?,
        }
        writeln!(out, "  {FAINT}Ctrl-C ends it{RESET}")?;
        out.flush()?;
        server.serve(Arc::new(view::View::new(choice, path, beside.ok())))
    }

    /// What to look at, as far as arguments and files say it.
    fn opening(&self) -> anyhow::Result<(Choice, Option<Path>)> {
        let choice = Choice::named(&self.model, self.mutant.as_deref())?;
        let Some(file) = &self.path else { return Ok((choice, None)) };
        let saved = SavedPath::read(file)?;
        ensure!(
            saved.choice.name() == choice.name(),
            "{} is a path of the model `{}`, not of `{}`",
            file.display(),
            saved.choice.name(),
            choice.name()
        );
        Ok((saved.choice, Some(saved.path)))
    }
}

/// The most states that are searched where a model is too large for all of them.
const STATES_MAX: usize = 300_000;

fn counterexample(choice: &Choice) -> anyhow::Result<Path> {
    let found = match choice.mutant {
        Some(mutant) if gets_stuck(mutant) => stuck(choice)?,
        _ => broken(choice)?,
    };
    found.with_context(|| {
        let home = choice.mutant.map_or(choice.name(), |mutant| mutant.story.name);
        format!("this bug breaks nothing in `{}`: its model is `{home}`", choice.name())
    })
}

/// A shortest path to a broken invariant.
fn broken(choice: &Choice) -> anyhow::Result<Option<Path>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut ticker = Ticker::new();
    let survey = survey(&choice.model, threads, STATES_MAX, |progress| {
        ticker.tick(|took| how_far(choice.name(), progress, took));
        true
    });
    ticker.clear();
    survey.violated.map(|(_, positions)| Path::follow(choice.model, &positions)).transpose()
}

/// A shortest path to where a goal of recovery is out of reach.
fn stuck(choice: &Choice) -> anyhow::Result<Option<Path>> {
    let mut ticker = Ticker::new();
    let report = liveness::check(&choice.model, STATES_MAX, |progress| {
        ticker.tick(|took| how_far_recovered(choice.name(), progress, took));
        true
    });
    ticker.clear();
    let Some(found) = report.counterexample else { return Ok(None) };
    let path = Path::along(choice.model, &found.path)?;
    match liveness::ALL.iter().find(|goal| goal.name == found.violation.invariant) {
        Some(goal) => Ok(Some(path.losing(goal))),
        None if path.broken().is_some() => Ok(Some(path)),
        None => bail!("a path of the search breaks nothing"),
    }
}
