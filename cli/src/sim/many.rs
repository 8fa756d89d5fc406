//! Many seeds on all cores.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::ops::{ControlFlow, Range};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use keygroups_sim::batch::{Batch, run_seeds};
use keygroups_sim::cluster::{Summary, simulate};
use keygroups_sim::fault::Coverage;
use keygroups_sim::trace::Recording;
use serde::Serialize;

use super::style::{BOLD, FAINT, GREEN, RED, RESET, counted, one_line, thousands};
use super::{Plan, ViolationDocument};
use crate::Verdict;

/// What all runs that hold have done together.
#[derive(Default, Serialize)]
struct Sums {
    rows: u64,
    checkpoints_committed: u64,
    checkpoints_aborted: u64,
    attempts: u64,
    rescales: u64,
    elections: u64,
    moved_key_groups: u64,
    restore_bytes_read: u64,
    restore_bytes_owned: u64,
    faults: u64,
    steps: u64,
    virtual_us: u64,
}

#[derive(Serialize)]
struct Document {
    verdict: Verdict,
    first_seed: u64,
    seeds: u64,
    runs: u64,
    rows_at_most: usize,
    faults: String,
    seconds: f64,
    runs_per_second: f64,
    sums: Sums,
    failures: Vec<Failure>,
}

#[derive(Serialize)]
struct Failure {
    seed: u64,
    violation: ViolationDocument,
    #[serde(skip)]
    text: String,
    replay: String,
}

/// The most failures that are listed for people.
const FAILURES_MAX: usize = 10;

pub(crate) fn run(plan: &Plan, seeds: Range<u64>, json: bool) -> anyhow::Result<Verdict> {
    let stop = stopped_by_ctrl_c()?;
    let bar = progress_bar(seeds.end - seeds.start);
    let one = |seed| {
        let scenario = plan.scenario(seed).expect("what fits one seed fits all");
        // Thousands of results are not worth their memory.
        simulate(seed, &scenario, Recording::default()).map(|summary| Summary {
            result: Vec::new(),
            coverage: Coverage::default(),
            ..summary
        })
    };
    let mut failed = 0;
    let batch = run_seeds(seeds.clone(), None, one, |run| {
        if run.outcome.is_err() {
            failed += 1;
            bar.set_message(format!(", {failed} failed"));
        }
        bar.inc(1);
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    bar.finish_and_clear();

    let document = document(plan, &seeds, &batch);
    let mut out = anstream::AutoStream::auto(io::stdout());
    if json {
        serde_json::to_writer(&mut out, &document)?;
        writeln!(out)?;
    } else {
        write!(out, "{}", report(&document))?;
    }
    out.flush()?;
    Ok(document.verdict)
}

/// True once the user wants to stop. The runs that have begun end within seconds; whoever does not want
/// to wait for them asks again.
pub(crate) fn stopped_by_ctrl_c() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = stop.clone();
    let handler = move || {
        if asked.swap(true, Ordering::Relaxed) {
            process::exit(i32::from(Verdict::Stopped.exit_code()));
        }
    };
    ctrlc::set_handler(handler).context("cannot listen to Ctrl-C")?;
    Ok(stop)
}

/// On stderr, and invisible where that is no terminal.
pub(crate) fn progress_bar(seeds: u64) -> ProgressBar {
    let template = "{wide_bar} {human_pos} of {human_len} seeds, {per_sec}, {eta} left{msg}";
    let style = ProgressStyle::with_template(template).expect("the template is well-formed");
    ProgressBar::new(seeds).with_style(style)
}

fn document(plan: &Plan, seeds: &Range<u64>, batch: &Batch<Summary>) -> Document {
    let count = seeds.end - seeds.start;
    let runs = batch.runs.len() as u64;
    let failures = batch.failures().map(|(seed, violation)| Failure {
        seed,
        violation: violation.into(),
        text: violation.to_string(),
        replay: plan.replay(seed),
    });
    let failures: Vec<_> = failures.collect();
    Document {
        verdict: match (failures.is_empty(), runs < count) {
            (false, _) => Verdict::Violated,
            (true, true) => Verdict::Stopped,
            (true, false) => Verdict::Holds,
        },
        first_seed: seeds.start,
        seeds: count,
        runs,
        rows_at_most: plan.rows_at_most(),
        faults: plan.faults().to_string(),
        seconds: batch.took.as_secs_f64(),
        runs_per_second: batch.runs_per_second(),
        sums: Sums::of(batch),
        failures,
    }
}

impl Sums {
    fn of(batch: &Batch<Summary>) -> Self {
        let mut sums = Self::default();
        for run in &batch.runs {
            let Ok(summary) = &run.outcome else { continue };
            sums.rows += summary.rows;
            sums.checkpoints_committed += summary.checkpoints_committed;
            sums.checkpoints_aborted += summary.checkpoints_aborted;
            sums.attempts += summary.attempts;
            sums.rescales += summary.rescales;
            sums.elections += summary.elections;
            sums.moved_key_groups += summary.moved_key_groups;
            sums.restore_bytes_read += summary.restore_bytes_read;
            sums.restore_bytes_owned += summary.restore_bytes_owned;
            sums.faults += summary.faults as u64;
            sums.steps += summary.steps;
            sums.virtual_us += run.virtual_us;
        }
        sums
    }
}

fn report(document: &Document) -> String {
    let Document { first_seed, seeds, runs, rows_at_most, faults, sums, failures, .. } = document;
    let mut text = String::new();
    for Failure { seed, text: violation, replay, .. } in failures.iter().take(FAILURES_MAX) {
        let _ = writeln!(text, "{RED}{BOLD}✗ seed {seed}{RESET}: {}\n    {replay}\n", one_line(violation));
    }
    if failures.len() > FAILURES_MAX {
        let left_out = failures.len() - FAILURES_MAX;
        let _ = writeln!(text, "{FAINT}… and {left_out} more; --json lists all{RESET}\n");
    }
    let which = format!("seeds {first_seed} to {}", first_seed + (seeds - 1));
    let _ = match document.verdict {
        Verdict::Holds => writeln!(text, "{GREEN}{BOLD}✓ holds{RESET}: {which}\n"),
        Verdict::Violated => {
            writeln!(text, "{RED}{BOLD}✗ {}{RESET} in {which}\n", counted(failures.len() as u64, "violation"))
        }
        Verdict::Stopped => {
            writeln!(text, "{BOLD}stopped{RESET} before all of {which} were run; none failed\n")
        }
    };
    let mut row = |name: &str, value: String| {
        let _ = writeln!(text, "  {FAINT}{name:12}{RESET}{value}");
    };
    let rate = document.runs_per_second;
    row("runs", format!("{} of {}, {rate:.0} per second", thousands(*runs), thousands(*seeds)));
    let rows = thousands(*rows_at_most as u64);
    row("input", format!("at most {rows} rows a run, {} in all", thousands(sums.rows)));
    let (committed, given_up) = (thousands(sums.checkpoints_committed), thousands(sums.checkpoints_aborted));
    row("checkpoints", format!("{committed} committed, {given_up} given up"));
    row("attempts", format!("{}, {}", thousands(sums.attempts), counted(sums.rescales, "rescale")));
    row("leadership", format!("taken {}", counted(sums.elections, "time")));
    row("key groups", format!("{} moved", thousands(sums.moved_key_groups)));
    let (read, owned) = (thousands(sums.restore_bytes_read), thousands(sums.restore_bytes_owned));
    row("restores", format!("{read} bytes read for {owned} owned"));
    row("faults", format!("{} struck (profile {faults})", thousands(sums.faults)));
    row("steps", format!("{}, every invariant checked after each", thousands(sums.steps)));
    let hours = sums.virtual_us as f64 / 3.6e9;
    row("time", format!("{hours:.1} hours in clusters, {:.1} s here", document.seconds));
    text
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;

    use super::*;

    #[test]
    fn a_failing_seed_is_reported_with_the_command_that_replays_it() {
        let failures = (0..12).map(|seed| Failure {
            seed,
            violation: ViolationDocument::from(&keygroups_sim::run::Violation::broken("rule", "what it saw")),
            text: "rule: what it saw".to_owned(),
            replay: format!("keygroups replay {seed} --swarm"),
        });
        let document = Document {
            verdict: Verdict::Violated,
            first_seed: 0,
            seeds: 100,
            runs: 100,
            rows_at_most: 600,
            faults: "chaos".to_owned(),
            seconds: 2.0,
            runs_per_second: 50.0,
            sums: Sums::default(),
            failures: failures.collect(),
        };
        let text = strip_str(&report(&document)).to_string();
        assert!(text.starts_with("✗ seed 0: rule: what it saw\n    keygroups replay 0 --swarm\n"), "{text}");
        assert!(text.contains("… and 2 more; --json lists all\n"), "{text}");
        assert!(text.contains("✗ 12 violations in seeds 0 to 99\n"), "{text}");
    }
}
