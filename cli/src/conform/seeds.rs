//! Seeds of the simulation, each run and checked without a file in between.

use std::io::{self, Write};
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keygroups_model::conform::{Divergence, Report, TraceError, conform};
use keygroups_sim::batch::for_each_run;
use keygroups_sim::run::Run;
use keygroups_sim::trace::Recording;
use serde::Serialize;

use super::tell_divergence;
use crate::Verdict;
use crate::sim::style::{BOLD, GREEN, RED, RESET, counted, one_line, thousands};
use crate::sim::{Plan, progress_bar, stopped_by_ctrl_c, timed};

/// A seed that was run and checked.
pub(crate) struct Checked {
    pub(crate) report: Result<Report, TraceError>,
    took: Duration,
}

/// The lines of a run, kept in memory.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs and checks seeds on all cores until `stop` is true, and hands over each in its order; none is kept.
pub(crate) fn check(
    plan: &Plan,
    seeds: Range<u64>,
    stop: &AtomicBool,
    mut each: impl FnMut(u64, Checked),
) -> Duration {
    let bar = progress_bar(seeds.end - seeds.start);
    let took = for_each_run(
        seeds,
        None,
        |seed| one(plan, seed),
        |run| {
            each(run.seed, run.outcome.expect("what the run found broken is in its trace"));
            bar.inc(1);
            if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        },
    );
    bar.finish_and_clear();
    took
}

fn one(plan: &Plan, seed: u64) -> Run<Checked> {
    let case = plan.case(seed).expect("what fits one seed fits all");
    let lines = Lines::default();
    let stream: Box<dyn Write + Send> = Box::new(lines.clone());
    let run = case.run(Recording { keep: false, stream: Some(stream) });
    let lines = std::mem::take(&mut *lines.0.lock().unwrap_or_else(PoisonError::into_inner));
    let (report, took) = timed(|| conform(lines.as_slice()));
    let Run { seed, outcome: _, hash, events, virtual_us, network, kept, streamed } = run;
    // What the run itself found broken is in its closing line.
    let outcome = Ok(Checked { report, took });
    Run { seed, outcome, hash, events, virtual_us, network, kept, streamed }
}

#[derive(Serialize)]
struct Document {
    verdict: Verdict,
    first_seed: u64,
    seeds: u64,
    runs: u64,
    failed: u64,
    faults: String,
    lines: u64,
    inputs: u64,
    facts: u64,
    lives: u64,
    seconds: f64,
    /// Of all threads together, the simulation not counted.
    seconds_checking: f64,
    lines_per_second: f64,
    /// The first ones.
    failures: Vec<Failure>,
}

#[derive(Serialize)]
struct Failure {
    seed: u64,
    divergence: Option<Divergence>,
    /// What the run itself found broken, or why its trace cannot be checked.
    violation: Option<String>,
    replay: String,
}

/// The most failures that are listed for people.
const FAILURES_MAX: usize = 10;
/// The most failures that are kept; all are counted.
const FAILURES_KEPT: usize = 1_000;

pub(super) fn run(plan: &Plan, seeds: Range<u64>, json: bool) -> anyhow::Result<Verdict> {
    let mut sums = Sums::default();
    let took =
        check(plan, seeds.clone(), &*stopped_by_ctrl_c()?, |seed, checked| sums.add(plan, seed, checked));
    let document = sums.document(plan, &seeds, took);
    let mut out = anstream::AutoStream::auto(io::stdout());
    if json {
        serde_json::to_writer(&mut out, &document)?;
        writeln!(out)?;
    } else {
        tell(&mut out, &document)?;
    }
    out.flush()?;
    Ok(document.verdict)
}

/// What all seeds have done together. Its size does not grow with them.
#[derive(Default)]
struct Sums {
    runs: u64,
    failed: u64,
    lines: u64,
    inputs: u64,
    facts: u64,
    lives: u64,
    checking: Duration,
    failures: Vec<Failure>,
}

impl Sums {
    fn add(&mut self, plan: &Plan, seed: u64, checked: Checked) {
        self.runs += 1;
        self.checking += checked.took;
        if let Ok(report) = &checked.report {
            self.lines += report.lines;
            self.inputs += report.inputs;
            self.facts += report.facts;
            self.lives += report.lives;
        }
        if let Some(failure) = failure(plan, seed, checked) {
            self.failed += 1;
            if self.failures.len() < FAILURES_KEPT {
                self.failures.push(failure);
            }
        }
    }

    fn document(self, plan: &Plan, seeds: &Range<u64>, took: Duration) -> Document {
        let Self { runs, failed, lines, inputs, facts, lives, checking, failures } = self;
        let (count, seconds_checking) = (seeds.end - seeds.start, checking.as_secs_f64());
        Document {
            verdict: Verdict::of(failed > 0, runs == count),
            first_seed: seeds.start,
            seeds: count,
            runs,
            failed,
            faults: plan.faults().to_string(),
            lines,
            inputs,
            facts,
            lives,
            seconds: took.as_secs_f64(),
            seconds_checking,
            lines_per_second: lines as f64 / seconds_checking.max(1e-9),
            failures,
        }
    }
}

fn failure(plan: &Plan, seed: u64, checked: Checked) -> Option<Failure> {
    let (divergence, violation) = match checked.report {
        Ok(report) => (report.divergence, report.violation),
        Err(error) => (None, Some(format!("its trace {error}"))),
    };
    let failed = divergence.is_some() || violation.is_some();
    failed.then(|| Failure { seed, divergence, violation, replay: plan.replay(seed) })
}

fn tell(out: &mut impl Write, document: &Document) -> io::Result<()> {
    let Document { first_seed, seeds, runs, failed, failures, .. } = document;
    for Failure { seed, divergence, violation, replay } in failures.iter().take(FAILURES_MAX) {
        match (divergence, violation) {
            (Some(divergence), _) => {
                writeln!(out, "{RED}{BOLD}✗ seed {seed} does not conform{RESET}")?;
                tell_divergence(out, divergence)?;
            }
            (None, violation) => {
                let violation = one_line(violation.as_deref().unwrap_or_default());
                writeln!(out, "{RED}{BOLD}✗ seed {seed}{RESET}: {violation}")?;
            }
        }
        writeln!(out, "  again    {replay} --json | keygroups conform -\n")?;
    }
    let last = first_seed + seeds - 1;
    match (*failed, runs < seeds) {
        (0, false) => writeln!(
            out,
            "{GREEN}{BOLD}✓ conforms{RESET}: the model allows every step of seeds {first_seed} to {last}"
        )?,
        (0, true) => writeln!(out, "{BOLD}stopped{RESET}: the model allows every step that was seen")?,
        (failed, _) => {
            writeln!(out, "{RED}{BOLD}✗ {} of {} failed{RESET}", thousands(failed), counted(*runs, "run"))?
        }
    }
    writeln!(
        out,
        "\n  {} of {} (faults: {}): {} checked, {} heard by machines, {} lives, {} judged\n  \
         {:.1} s, {:.1} s of all threads for checking: {} lines/s on one",
        thousands(*runs),
        counted(*seeds, "run"),
        document.faults,
        counted(document.lines, "line"),
        counted(document.inputs, "input"),
        thousands(document.lives),
        counted(document.facts, "fact"),
        document.seconds,
        document.seconds_checking,
        thousands(document.lines_per_second as u64),
    )
}
