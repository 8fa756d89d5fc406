//! `keygroups zoo`: every planted bug against its model.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::Ordering;

use clap::Args;
use keygroups_model::model::JobModel;
use keygroups_model::survey::survey;
use keygroups_model::zoo::{self, Mutant};
use serde::Serialize;

use crate::Verdict;
use crate::check::{Ticker, now, stopped_by_ctrl_c};
use crate::model::find_mutant;
use crate::sim::style::{BOLD, FAINT, GREEN, RED, RESET, thousands};

/// Plant every known bug, and see that the invariant it must break notices
///
/// The protocol without a bug is checked in the same models: it is the bugs that are caught.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Zoo {
    /// Only this one
    #[arg(value_name = "NAME")]
    mutant: Option<String>,

    /// One JSON document instead of a table
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  All of them:
    keygroups zoo

  One, then the path to its violation in pictures:
    keygroups zoo exists_is_created
    keygroups explore leadership --mutant exists_is_created

Exit codes: 0 every mutant is caught by its invariant and the protocol without them holds, 1 one
survives or the protocol fails, 2 wrong use, 130 stopped with Ctrl-C.";

#[derive(Serialize)]
struct Document {
    verdict: Verdict,
    mutants: Vec<Caught>,
    unmutated: Vec<Unmutated>,
}

#[derive(Serialize)]
struct Caught {
    mutant: &'static str,
    model: &'static str,
    must_break: &'static str,
    breaks: Option<&'static str>,
    caught: bool,
    steps: Option<usize>,
    states: usize,
    seconds: f64,
}

#[derive(Serialize)]
struct Unmutated {
    model: &'static str,
    holds: bool,
    complete: bool,
    states: usize,
    seconds: f64,
}

impl Zoo {
    pub(crate) fn run(self) -> anyhow::Result<Verdict> {
        let mutants: Vec<&Mutant> = match &self.mutant {
            Some(name) => vec![find_mutant(name)?],
            None => zoo::ALL.iter().collect(),
        };
        let stop = stopped_by_ctrl_c()?;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let search = |name, model: &JobModel| {
            let (began, mut ticker) = (now(), Ticker::new(name));
            let survey = survey(model, threads, usize::MAX, |progress| {
                ticker.tick(progress);
                !stop.load(Ordering::Relaxed)
            });
            ticker.clear();
            (survey, began.elapsed().as_secs_f64())
        };
        let mut out = anstream::AutoStream::auto(io::stdout());
        let mut document = Document { verdict: Verdict::Holds, mutants: Vec::new(), unmutated: Vec::new() };
        if !self.json {
            writeln!(
                out,
                "{BOLD}  {:38} {:12} {:>5} {:>8} {:>6}  breaks{RESET}",
                "mutant", "model", "steps", "states", "s"
            )?;
        }
        for mutant in &mutants {
            let (found, seconds) = search(mutant.name, &JobModel::with_twist(mutant.story, mutant.twist));
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let breaks = found.violated.as_ref().map(|(violation, _)| violation.invariant);
            let caught = Caught {
                mutant: mutant.name,
                model: mutant.story.name,
                must_break: mutant.breaks,
                breaks,
                caught: breaks == Some(mutant.breaks),
                steps: found.violated.map(|(_, positions)| positions.len()),
                states: found.progress.unique,
                seconds,
            };
            if !self.json {
                caught.tell(&mut out)?;
                out.flush()?;
            }
            document.mutants.push(caught);
        }
        let stories: BTreeMap<_, _> =
            mutants.iter().map(|mutant| (mutant.story.name, mutant.story)).collect();
        for (name, story) in stories {
            let (found, seconds) = search(name, &JobModel::new(story));
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let holds = found.violated.is_none();
            let unmutated = Unmutated {
                model: name,
                holds,
                complete: found.complete,
                states: found.progress.unique,
                seconds,
            };
            if !self.json {
                unmutated.tell(&mut out)?;
                out.flush()?;
            }
            document.unmutated.push(unmutated);
        }
        let fine = document.mutants.iter().all(|mutant| mutant.caught)
            && document.unmutated.iter().all(|model| model.holds && model.complete);
        document.verdict = match (fine, stop.load(Ordering::Relaxed)) {
            (false, _) => Verdict::Violated,
            (true, true) => Verdict::Stopped,
            (true, false) => Verdict::Holds,
        };
        if self.json {
            serde_json::to_writer(&mut out, &document)?;
            writeln!(out)?;
        } else {
            let caught = document.mutants.iter().filter(|mutant| mutant.caught).count();
            let verdict = match document.verdict {
                Verdict::Holds => format!("{GREEN}{BOLD}✓ holds{RESET}"),
                Verdict::Violated => format!("{RED}{BOLD}✗ violated{RESET}"),
                Verdict::Stopped => format!("{BOLD}stopped before the end{RESET}"),
            };
            writeln!(
                out,
                "\n{verdict}: {caught} of {} mutants caught by the invariant they must break",
                mutants.len()
            )?;
        }
        out.flush()?;
        Ok(document.verdict)
    }
}

impl Caught {
    fn tell(&self, out: &mut impl Write) -> io::Result<()> {
        let (colour, sign) = if self.caught { (GREEN, "✓") } else { (RED, "✗") };
        let steps = self.steps.map_or_else(|| "–".to_owned(), |steps| steps.to_string());
        let breaks = match self.breaks {
            Some(breaks) if self.caught => breaks.to_owned(),
            Some(breaks) => format!("{RED}{breaks}{RESET}, and was to break {}", self.must_break),
            None => format!("{RED}survives{RESET}, and was to break {}", self.must_break),
        };
        let states = thousands(self.states as u64);
        writeln!(
            out,
            "{colour}{sign}{RESET} {:38} {:12} {steps:>5} {states:>8} {:>6.1}  {breaks}",
            self.mutant, self.model, self.seconds
        )
    }
}

impl Unmutated {
    fn tell(&self, out: &mut impl Write) -> io::Result<()> {
        let (colour, sign) = if self.holds && self.complete { (GREEN, "✓") } else { (RED, "✗") };
        let states = thousands(self.states as u64);
        let verdict = if self.holds {
            "nothing, in every reachable state"
        } else {
            "an invariant without any bug planted"
        };
        writeln!(
            out,
            "{colour}{sign}{RESET} {FAINT}{:38}{RESET} {:12} {:>5} {states:>8} {:>6.1}  {verdict}",
            "(no bug)", self.model, "", self.seconds
        )
    }
}
