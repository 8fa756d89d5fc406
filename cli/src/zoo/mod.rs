//! `keygroups zoo`: every planted bug against its model.

mod hunt;
mod sim;
mod text;

use std::collections::BTreeMap;
use std::io::{self, Write};

use clap::Args;
use keygroups_model::zoo::{Mutant, OUTSIDE};
use serde::Serialize;

use self::hunt::{Caught, Unmutated};
use crate::Verdict;
use crate::model::{Watched, find_mutant, mutants};
use crate::sim::style::counted;

/// Plant every known bug, and see that the invariant or goal it must break notices
///
/// The protocol without a bug is checked in the same models: it is the bugs that are caught.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Zoo {
    /// Only this one; --list shows them all
    #[arg(value_name = "NAME")]
    mutant: Option<String>,

    /// List the mutants, and the bugs that belong to other tests
    #[arg(long, conflicts_with = "mutant")]
    list: bool,

    /// Not in a model: with seeds of the simulation, one after the other, until one catches it
    #[arg(long, conflicts_with = "list")]
    sim: bool,

    /// Where the first of five sweeps of --sim begins; the next begin a million seeds apart
    #[arg(long, value_name = "N", default_value_t = 0, requires = "sim",
        value_parser = clap::value_parser!(u64).range(..FIRST_SEEDS_END))]
    first_seed: u64,

    /// How long each sweep of --sim may take
    #[arg(long, value_name = "S", default_value_t = 60, requires = "sim",
        value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,

    /// One JSON document instead of a table
    #[arg(long)]
    json: bool,
}

/// Later ones could not be told apart by every JSON reader.
const FIRST_SEEDS_END: u64 = 1 << 52;

const EXAMPLES: &str = "\
Examples:
  All of them:
    keygroups zoo

  One, then the path to its violation in pictures:
    keygroups zoo exists_is_created
    keygroups explore leadership --mutant exists_is_created

  By the general swarm of the simulation, five times each:
    keygroups zoo --sim

Exit codes: 0 every mutant is caught by what it must break and the protocol without them holds, 1 one
survives or the protocol fails, 2 wrong use, 130 stopped with Ctrl-C.";

#[derive(Serialize)]
struct Document {
    verdict: Verdict,
    mutants: Vec<Caught>,
    unmutated: Vec<Unmutated>,
    /// What a model cannot see, and the test that catches it.
    outside: Vec<Elsewhere>,
}

#[derive(Serialize)]
struct Elsewhere {
    source: &'static str,
    what: &'static str,
    file: &'static str,
    test: &'static str,
}

#[derive(Serialize)]
struct Listed {
    name: &'static str,
    source: &'static str,
    model: &'static str,
    must_break: &'static str,
}

impl Zoo {
    pub(crate) fn run(self) -> anyhow::Result<Verdict> {
        if self.sim {
            let bounds = sim::Bounds { first_seed: self.first_seed, seconds: self.seconds };
            return sim::run(self.mutant.as_deref(), &bounds, self.json);
        }
        let mut out = anstream::AutoStream::auto(io::stdout());
        if self.list {
            list(&mut out, self.json)?;
            return Ok(Verdict::Holds);
        }
        let hunted: Vec<&Mutant> = match &self.mutant {
            Some(name) => vec![find_mutant(name)?],
            None => mutants().collect(),
        };
        let watched = Watched::new(None)?;
        let outside = if self.mutant.is_none() { elsewhere() } else { Vec::new() };
        let mut document =
            Document { verdict: Verdict::Holds, mutants: Vec::new(), unmutated: Vec::new(), outside };
        if !self.json {
            text::heading(&mut out)?;
        }
        for mutant in &hunted {
            let Some(caught) = Caught::hunt(mutant, &watched) else { break };
            if !self.json {
                caught.tell(&mut out)?;
                out.flush()?;
            }
            document.mutants.push(caught);
        }
        let stories: BTreeMap<_, _> = hunted.iter().map(|mutant| (mutant.story.name, mutant.story)).collect();
        for story in stories.into_values() {
            let Some(unmutated) = Unmutated::check(story, &watched) else { break };
            if !self.json {
                unmutated.tell(&mut out)?;
                out.flush()?;
            }
            document.unmutated.push(unmutated);
        }
        let fine = document.mutants.iter().all(|mutant| mutant.caught)
            && document.unmutated.iter().all(|model| model.holds);
        document.verdict = Verdict::of(!fine, !watched.stopped());
        if self.json {
            serde_json::to_writer(&mut out, &document)?;
            writeln!(out)?;
        } else {
            text::conclusion(&mut out, &document, hunted.len())?;
        }
        out.flush()?;
        if document.verdict == Verdict::Stopped {
            eprintln!(
                "stopped before the end: {} of {} were hunted and caught, which proves nothing about the rest",
                document.mutants.len(),
                counted(hunted.len() as u64, "mutant")
            );
        }
        Ok(document.verdict)
    }
}

fn elsewhere() -> Vec<Elsewhere> {
    OUTSIDE
        .iter()
        .map(|it| Elsewhere { source: it.source, what: it.what, file: it.file, test: it.test })
        .collect()
}

fn list(out: &mut impl Write, json: bool) -> anyhow::Result<()> {
    let listed = mutants().map(|it| Listed {
        name: it.name,
        source: it.source,
        model: it.story.name,
        must_break: it.breaks,
    });
    let listed: Vec<_> = listed.collect();
    if json {
        let document = serde_json::json!({ "mutants": listed, "outside": elsewhere() });
        serde_json::to_writer(&mut *out, &document)?;
        writeln!(out)?;
        return Ok(());
    }
    for mutant in &listed {
        mutant.tell(out)?;
    }
    text::outside(out, &elsewhere())?;
    Ok(())
}
