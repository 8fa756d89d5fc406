//! The zoo as a table.

use std::io::{self, Write};

use super::hunt::{Caught, Unmutated};
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
    let verdict = match document.verdict {
        Verdict::Holds => format!("{GREEN}{BOLD}✓ holds{RESET}"),
        Verdict::Violated => format!("{RED}{BOLD}✗ violated{RESET}"),
        Verdict::Stopped | Verdict::CutShort => format!("{BOLD}stopped before the end{RESET}"),
    };
    writeln!(
        out,
        "\n{verdict}: {caught} of {} caught by what it must break",
        counted(hunted as u64, "mutant")
    )
}
