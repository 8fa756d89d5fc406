//! What is known of a model after its check, in words.

use std::io::{self, Write};

use super::document::{Counterexample, Document};
use crate::Verdict;
use crate::sim::style::{BOLD, FAINT, GREEN, RED, RESET, counted, thousands};

/// What somebody must know of a check that has ended early with nothing found.
pub(super) fn ended_early(document: &Document) -> Option<String> {
    let why = match (document.verdict, document.cut_short_by) {
        (Verdict::Stopped, _) => "stopped before the end".to_owned(),
        (Verdict::CutShort, Some(limit)) => format!("cut short by {limit}"),
        _ => return None,
    };
    let states = counted(document.unique_states as u64, "state");
    Some(match document.complete {
        true => format!(
            "{why}: no invariant is broken in all {states}; whether the job recovers from each is not known"
        ),
        false => format!(
            "{why}: nothing is broken in the {states} that were seen, among them every state up to {} from the \
             beginning, which proves nothing about the rest",
            counted(document.depth as u64, "step")
        ),
    })
}

/// Everything: each property, each case, each goal, the path to what is wrong, the figures.
pub(super) fn tell(out: &mut impl Write, document: &Document) -> io::Result<()> {
    for property in &document.properties {
        known(out, property.name, property.holds)?;
    }
    writeln!(out)?;
    for case in &document.cases {
        match case.steps {
            Some(steps) => writeln!(out, "  reached in {:<9} {}", counted(steps as u64, "step"), case.name)?,
            None => writeln!(out, "  {FAINT}not reached          {}{RESET}", case.name)?,
        }
    }
    if let Some(recovery) = &document.recovery {
        writeln!(out, "\nReachable from every state, with everything in flight lost:\n")?;
        for goal in &recovery.goals {
            known(out, goal.name, goal.stays_reachable)?;
        }
        if let Some(broken) = &recovery.broken {
            writeln!(out, "  {RED}{BOLD}✗ a step of a recovery breaks {broken}{RESET}")?;
        }
    }
    if let Some(counterexample) = &document.counterexample {
        path(out, counterexample)?;
    }
    let verdict = match document.verdict {
        Verdict::Holds => format!("{GREEN}{BOLD}✓ holds{RESET}: every reachable state was seen"),
        Verdict::Violated => format!("{RED}{BOLD}✗ violated{RESET}"),
        Verdict::Stopped => format!("{BOLD}stopped{RESET}: not everything was looked at"),
        Verdict::CutShort => format!("{BOLD}cut short{RESET}: not everything was looked at"),
    };
    writeln!(out, "\n{verdict}")?;
    figures(out, document)?;
    if let Some(counterexample) = &document.counterexample {
        writeln!(out, "  drawn in   {}", counterexample.html.display())?;
        writeln!(out, "  replay it  keygroups replay --path {}", counterexample.path.display())?;
        writeln!(out, "  explore it {}", counterexample.explore)?;
    }
    Ok(())
}

fn known(out: &mut impl Write, name: &str, holds: Option<bool>) -> io::Result<()> {
    match holds {
        Some(true) => writeln!(out, "  {GREEN}✓{RESET} {name}"),
        Some(false) => writeln!(out, "  {RED}{BOLD}✗ {name}{RESET}"),
        None => writeln!(out, "  {FAINT}? {name}{RESET}"),
    }
}

fn path(out: &mut impl Write, counterexample: &Counterexample) -> io::Result<()> {
    writeln!(out, "\nA shortest path to it:\n")?;
    for (number, step) in (1..).zip(&counterexample.steps) {
        writeln!(out, "{FAINT}{number:>5}{RESET}  {step}")?;
    }
    writeln!(out, "       {RED}{}: {}{RESET}", counterexample.breaks, counterexample.detail)
}

fn figures(out: &mut impl Write, document: &Document) -> io::Result<()> {
    let planted = document.mutant.map(|mutant| format!(" with {mutant}")).unwrap_or_default();
    writeln!(
        out,
        "  {}{planted}, bound {}: {} different states, {} generated, depth {}, {:.1} s on {}, {}/s",
        document.model,
        document.bound,
        thousands(document.unique_states as u64),
        thousands(document.generated_states as u64),
        document.depth,
        document.seconds,
        counted(document.threads as u64, "thread"),
        thousands(document.states_per_second as u64),
    )?;
    match &document.recovery {
        Some(recovery) => writeln!(
            out,
            "  recovery: {} on their own, {} asked, {} taken, {:.1} s",
            counted(recovery.reachable_states as u64, "state"),
            counted(recovery.asked_states as u64, "state"),
            counted(recovery.steps as u64, "step"),
            recovery.seconds
        ),
        None => writeln!(out, "  recovery: not asked"),
    }
}

/// The heading over lines of [`line`].
pub(super) fn heading(out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "{BOLD}  {:14} {:>12} {:>13} {:>6} {:>8}   {:>12} {:>8}{RESET}",
        "model", "states", "generated", "depth", "s", "recoveries", "s"
    )
}

/// One model in one line.
pub(super) fn line(out: &mut impl Write, document: &Document) -> io::Result<()> {
    let (colour, sign) = match document.verdict {
        Verdict::Holds => (GREEN, "✓"),
        Verdict::Violated => (RED, "✗"),
        Verdict::Stopped | Verdict::CutShort => (BOLD, "–"),
    };
    let (asked, seconds) = match &document.recovery {
        Some(recovery) => (thousands(recovery.asked_states as u64), format!("{:.1}", recovery.seconds)),
        None => ("not asked".to_owned(), String::new()),
    };
    let note = match (&document.counterexample, document.verdict) {
        (Some(found), _) => {
            format!("  {RED}breaks {} in {}{RESET}", found.breaks, counted(found.steps.len() as u64, "step"))
        }
        (None, Verdict::Stopped) => "  stopped before the end".to_owned(),
        (None, Verdict::CutShort) => {
            document.cut_short_by.map(|limit| format!("  cut short by {limit}")).unwrap_or_default()
        }
        (None, _) => String::new(),
    };
    writeln!(
        out,
        "{colour}{sign}{RESET} {:14} {:>12} {:>13} {:>6} {:>8.1}   {asked:>12} {seconds:>8}{note}",
        document.model,
        thousands(document.unique_states as u64),
        thousands(document.generated_states as u64),
        document.depth,
        document.seconds,
    )
}
