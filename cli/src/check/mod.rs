//! `keygroups check`: explores a model completely and says what holds.

mod all;
mod document;
mod one;
mod text;

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use keygroups_model::{Bound, Limits};

use crate::Verdict;
use crate::coverage::Coverage;
use crate::model::{Choice, Watched, check_measurable, check_writable, parse_bound, parse_limit, stories};
use crate::sim::style::{BOLD, FAINT, RESET};

/// Explore a model completely: every order of events, every loss, every crash within its budget
///
/// The model runs the library's own machines. After every step every invariant is checked; then every
/// state is asked whether the job can still get to where it should be, with everything in flight lost.
/// A violation is shown with a shortest path to it.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Check {
    /// The model; --list shows them all
    #[arg(value_name = "MODEL", required_unless_present_any = ["list", "all", "coverage"])]
    model: Option<String>,

    /// Every model of the bound, one line each
    #[arg(long, conflicts_with_all = ["model", "mutant", "list"])]
    all: bool,

    /// List the models
    #[arg(long, conflicts_with_all = ["model", "mutant"])]
    list: bool,

    /// How large the check is: quick takes seconds for each model, ci a minute for all; deep goes as far as
    /// half an hour and 20 GB of memory go
    #[arg(long, value_name = "BOUND", default_value = "quick", value_parser = parse_bound)]
    bound: Bound,

    /// Plant this bug first; `keygroups zoo --list` shows them all
    #[arg(long, value_name = "NAME")]
    mutant: Option<String>,

    /// Invariants only: do not ask whether the goals of recovery stay reachable
    #[arg(long)]
    no_recovery: bool,

    /// End the check of a model after so many minutes [default: 30 in the bound deep, none in others]
    #[arg(long, value_name = "M", value_parser = parse_limit)]
    minutes: Option<f64>,

    /// End the check of a model when the process holds so many times 10^9 bytes in memory; looked at where
    /// the system is Linux [default: 20 in the bound deep, none in others]
    #[arg(long, value_name = "G", value_parser = parse_limit)]
    gigabytes: Option<f64>,

    /// How many threads explore; the result does not depend on it [default: all]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,

    /// Where a counterexample is drawn
    #[arg(long, value_name = "FILE", default_value = "counterexample.html")]
    html: PathBuf,

    /// Where a counterexample is kept for replay and explore
    #[arg(long, value_name = "FILE", default_value = "counterexample.json")]
    save: PathBuf,

    /// One JSON document instead of words
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    coverage: Coverage,
}

const EXAMPLES: &str = "\
Examples:
  Every way in which one job can go from one task to two:
    keygroups check scale-out

  The same with a planted bug, and where it goes wrong:
    keygroups check scale-out --mutant own_handle_only

  A bug that does no harm, and after which no checkpoint is ever committed:
    keygroups check checkpoint --mutant abort_stops_the_trigger

  The figures alone:
    keygroups check scale-out --threads 1 --json | jq .states_per_second

  All models, one line each:
    keygroups check --all

  What a thousand seeds of the simulation reach, and what the models reach:
    keygroups check --coverage --seeds 1000

  The larger ones, invariants only:
    keygroups check --all --bound ci --no-recovery

  As far as an hour and 12 GB go:
    keygroups check everything --bound deep --no-recovery --minutes 60 --gigabytes 12

Exit codes: 0 every invariant holds and every goal stays reachable, 1 a violation was found, 2 wrong use,
3 cut short by a limit of time or memory with nothing found, 130 stopped with Ctrl-C before the end with nothing
found.";

impl Check {
    pub(crate) fn run(self) -> anyhow::Result<Verdict> {
        if self.coverage.coverage {
            return self.coverage.run(self.threads, self.json);
        }
        let mut out = anstream::AutoStream::auto(io::stdout());
        if self.list {
            list(&mut out, self.bound, self.json)?;
            return Ok(Verdict::Holds);
        }
        // Before the work whose result goes there.
        check_writable(&self.html)?;
        check_writable(&self.save)?;
        if self.gigabytes.is_some() {
            check_measurable()?;
        }
        match self.model.as_deref() {
            Some(model) => {
                let choice = Choice::to_check(self.bound, model, self.mutant.as_deref())?;
                self.one(&mut out, &choice)
            }
            None => self.all(&mut out),
        }
    }

    /// Of each model.
    fn limits(&self) -> Limits {
        let Limits { minutes, gigabytes } = self.bound.limits();
        Limits { minutes: self.minutes.or(minutes), gigabytes: self.gigabytes.or(gigabytes) }
    }

    fn watched(&self) -> anyhow::Result<Watched> {
        Watched::new(self.threads)
    }
}

fn list(out: &mut impl Write, bound: Bound, json: bool) -> anyhow::Result<()> {
    let is_small = |name| bound.stories().iter().any(|story| story.name == name);
    // A bound may have some of its own.
    let others = bound.stories().iter().filter(|story| stories().all(|other| other.name != story.name));
    let stories: Vec<_> = stories().chain(others).collect();
    if json {
        let stories: Vec<_> = stories
            .iter()
            .map(|story| {
                serde_json::json!({ "name": story.name, "about": story.about, "small": is_small(story.name) })
            })
            .collect();
        serde_json::to_writer(&mut *out, &stories)?;
        writeln!(out)?;
        return Ok(());
    }
    for story in stories {
        let note = if is_small(story.name) { "" } else { " (not in this bound: explore it)" };
        writeln!(out, "{BOLD}{:12}{RESET} {}{FAINT}{note}{RESET}", story.name, story.about)?;
    }
    Ok(())
}
