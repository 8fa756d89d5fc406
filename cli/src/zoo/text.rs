//! The zoo as a table.

use std::collections::BTreeSet;
use std::io::{self, Write};

use super::hunt::{Caught, Unmutated};
use super::sim;
use super::{Document, Elsewhere, Listed};
use crate::Verdict;
use crate::sim::style::{BOLD, FAINT, GREEN, RED, RESET, counted, thousands};

pub(super) fn heading(out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "{BOLD}  {:38} {:11} {:>5} {:>8} {:>6}  breaks{RESET}",
        "mutant", "model", "steps", "states", "s"
    )
}

impl Caught {
    pub(super) fn tell(&self, out: &mut impl Write) -> io::Result<()> {
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
            "{colour}{sign}{RESET} {:38} {:11} {steps:>5} {states:>8} {:>6.1}  {breaks} {FAINT}({}){RESET}",
            self.mutant, self.model, self.seconds, self.source
        )
    }
}

impl Unmutated {
    pub(super) fn tell(&self, out: &mut impl Write) -> io::Result<()> {
        let (colour, sign) = if self.holds { (GREEN, "✓") } else { (RED, "✗") };
        let states = thousands(self.states as u64);
        let verdict = match self.breaks {
            Some(breaks) => format!("{RED}{breaks}{RESET}, without any bug planted"),
            None => {
                let asked = counted(self.asked_states as u64, "state");
                format!("nothing in any reachable state; recovers from each ({asked} asked)")
            }
        };
        writeln!(
            out,
            "{colour}{sign}{RESET} {FAINT}{:38}{RESET} {:11} {:>5} {states:>8} {:>6.1}  {verdict}",
            "(no bug)", self.model, "", self.seconds
        )
    }
}

impl Listed {
    pub(super) fn tell(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "{BOLD}{:38}{RESET} {:11} {} {FAINT}({}){RESET}",
            self.name, self.model, self.must_break, self.source
        )
    }
}

/// What a model cannot see.
pub(super) fn outside(out: &mut impl Write, bugs: &[Elsewhere]) -> io::Result<()> {
    if bugs.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nIn a model bytes and hashes are values. Bugs in them are caught elsewhere:\n")?;
    for bug in bugs {
        writeln!(out, "  {}: {}\n    {FAINT}{}, {}{RESET}", bug.source, bug.what, bug.file, bug.test)?;
    }
    Ok(())
}

pub(super) fn conclusion(out: &mut impl Write, document: &Document, hunted: usize) -> io::Result<()> {
    outside(out, &document.outside)?;
    let caught = document.mutants.iter().filter(|mutant| mutant.caught).count();
    writeln!(
        out,
        "\n{}: {caught} of {} caught by what it must break",
        told(document.verdict),
        counted(hunted as u64, "mutant")
    )
}

fn told(verdict: Verdict) -> String {
    match verdict {
        Verdict::Holds => format!("{GREEN}{BOLD}✓ holds{RESET}"),
        Verdict::Violated => format!("{RED}{BOLD}✗ violated{RESET}"),
        Verdict::Stopped | Verdict::CutShort => format!("{BOLD}stopped before the end{RESET}"),
    }
}

pub(super) fn heading_of_sweeps(out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "{BOLD}  {:38} {:>6} {:>6} {:>6} {:>6}  breaks{RESET}\n  {FAINT}{:38} {:>6} {:>6} {:>6} {:>6}{RESET}",
        "mutant", "seeds", "most", "s", "most", "", "median", "", "median", ""
    )
}

impl sim::Found {
    pub(super) fn tell(&self, out: &mut impl Write) -> io::Result<()> {
        let (colour, sign) = if self.caught { (GREEN, "✓") } else { (RED, "✗") };
        let catches = || self.sweeps.iter().filter_map(|swept| swept.sweep.caught.as_ref());
        let number = |number: Option<u64>| number.map_or_else(|| "–".to_owned(), thousands);
        let most_seeds = catches().map(|catch| catch.seeds).max();
        let median = self.seconds_median.map_or_else(|| "–".to_owned(), |seconds| format!("{seconds:.1}"));
        let most = self.sweeps.iter().map(|swept| swept.sweep.seconds).fold(0.0, f64::max);
        let rules: BTreeSet<_> = catches().map(|catch| &*catch.rule).collect();
        let rules = rules.into_iter().collect::<Vec<_>>().join(", ");
        writeln!(
            out,
            "{colour}{sign}{RESET} {:38} {:>6} {:>6} {median:>6} {most:>6.1}  {rules} {FAINT}({}){RESET}",
            self.mutant,
            number(self.seeds_median),
            number(most_seeds),
            self.source
        )?;
        if let Some(replay) = self.sweeps.iter().find_map(|swept| swept.replay.as_ref()) {
            writeln!(out, "    {FAINT}{replay}{RESET}")?;
        }
        for swept in &self.sweeps {
            let sim::Swept { sweep, unmutated, .. } = swept;
            let seed = sweep.caught.as_ref().map(|catch| catch.seed);
            if let (Some(seed), Some(unmutated)) = (seed, unmutated) {
                writeln!(out, "    {RED}seed {seed} breaks {unmutated} without any bug planted{RESET}")?;
            }
            if seed.is_none() {
                let (runs, first) = (counted(sweep.runs, "seed"), sweep.first_seed);
                let must = self.must_break.iter().copied().collect::<Vec<_>>().join(", ");
                writeln!(out, "    {RED}survives{RESET} {runs} from {first} on, and was to break {must}")?;
                for (rule, count) in &sweep.beside_the_point {
                    writeln!(
                        out,
                        "      {} broke {rule}, which proves nothing here",
                        counted(*count, "seed")
                    )?;
                }
            }
        }
        Ok(())
    }
}

pub(super) fn conclusion_of_sweeps(
    out: &mut impl Write,
    document: &sim::Document,
    hunted: usize,
) -> io::Result<()> {
    if !document.unseen.is_empty() {
        writeln!(out, "\nNot hunted:\n")?;
    }
    for sim::Hidden { mutant, why } in &document.unseen {
        writeln!(out, "  {mutant}\n    {FAINT}{why}{RESET}")?;
    }
    let caught = document.mutants.iter().filter(|found| found.caught).count();
    writeln!(
        out,
        "\n{}: {caught} of {} caught in each of their sweeps by what they must break; {:.0} s in all",
        told(document.verdict),
        counted(hunted as u64, "mutant"),
        document.seconds
    )
}
