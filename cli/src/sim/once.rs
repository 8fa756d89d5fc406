//! One seed: its story and its verdict.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use keygroups_sim::cluster::{Scenario, Summary};
use keygroups_sim::oracle::write_result;
use keygroups_sim::run::Run;
use keygroups_sim::trace::Recording;
use serde::Serialize;

use super::report::{in_parts, local_copies};
use super::story::Story;
use super::style::{BOLD, FAINT, GREEN, RED, RESET, counted, one_line, thousands};
use super::{Plan, Subject, ViolationDocument, judged};
use crate::Verdict;

/// Where a run is written to.
pub(crate) struct Files {
    pub(crate) output: Option<PathBuf>,
    pub(crate) trace: Option<PathBuf>,
}

#[derive(Serialize)]
struct Document<'a> {
    seed: u64,
    verdict: Verdict,
    violation: Option<ViolationDocument>,
    summary: Option<&'a Summary>,
    virtual_us: u64,
    trace_events: u64,
    trace_hash: String,
    replay: String,
}

pub(crate) fn run(plan: &Plan, seed: u64, files: &Files, json: bool) -> anyhow::Result<Verdict> {
    let case = plan.case(seed)?;
    let scenario = &case.scenario;
    // What cannot be written is said before the work begins.
    let output = files.output.as_deref().map(create).transpose()?;
    let stream = files.trace.as_deref().map(create).transpose()?;
    let stream = stream.map(|file| Box::new(BufWriter::new(file)) as Box<dyn Write + Send>);
    let mut out = anstream::AutoStream::auto(io::stdout());
    if !json {
        write!(out, "{}", opening(plan, seed, scenario))?;
        out.flush()?;
    }

    let (run, took) = timed(|| case.run(Recording { keep: !json, stream }));

    if let (Err(error), Some(path)) = (&run.streamed, &files.trace) {
        let error = io::Error::new(error.kind(), error.to_string());
        return Err(error).with_context(|| format!("cannot write {}", path.display()));
    }
    if let (Ok(summary), Some(file), Some(path)) = (&run.outcome, output, &files.output) {
        write_result(file, summary.result()).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if json {
        serde_json::to_writer(&mut out, &document(plan, &run))?;
        writeln!(out)?;
    } else {
        write!(
            out,
            "{}\n{}",
            Story::of(&run.kept, scenario.max_parallelism()),
            closing(&plan.subject(seed), &run, took)
        )?;
    }
    out.flush()?;
    Ok(judged(&run))
}

/// What `work` gives, and how long it took here.
#[expect(clippy::disallowed_methods, reason = "real time is told to people and decides nothing")]
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    (work(), began.elapsed())
}

fn create(path: &Path) -> anyhow::Result<File> {
    File::create(path).with_context(|| format!("cannot write {}", path.display()))
}

fn document<'a>(plan: &Plan, run: &'a Run<Summary>) -> Document<'a> {
    Document {
        seed: run.seed,
        verdict: judged(run),
        violation: run.outcome.as_ref().err().map(ViolationDocument::from),
        summary: run.outcome.as_ref().ok(),
        virtual_us: run.virtual_us,
        trace_events: run.events,
        trace_hash: format!("{:032x}", run.hash),
        replay: plan.replay(run.seed),
    }
}

/// What is about to be run.
pub(crate) fn opening(plan: &Plan, seed: u64, scenario: &Scenario) -> String {
    let rows = format!("keyed by {}", one_line(plan.key()));
    let planted = plan.mutant().map(|mutant| format!("; planted: {}", mutant.name)).unwrap_or_default();
    let faults = format!("{}{planted}", plan.faults());
    opening_of(&format!("seed {seed}"), &rows, scenario, &faults)
}

/// The same of a run that is not drawn from a seed alone.
pub(crate) fn opening_of(name: &str, rows: &str, scenario: &Scenario, faults: &str) -> String {
    let parallelisms: Vec<_> = scenario.parallelisms().iter().map(ToString::to_string).collect();
    let (coordinators, hosts) = scenario.processes();
    format!(
        "{BOLD}{name}{RESET}: {} {rows} in {}, parallelism {}\n\
         {}, {} with {} each; faults: {faults}\n\n",
        counted(scenario.rows() as u64, "row"),
        counted(scenario.max_parallelism().get(), "key group"),
        parallelisms.join(" → "),
        counted(coordinators, "coordinator"),
        counted(hosts, "host"),
        counted(scenario.slots(), "slot"),
    )
}

/// The verdict, and what it cost.
pub(crate) fn closing(subject: &Subject, run: &Run<Summary>, took: Duration) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: String| {
        let _ = writeln!(text, "  {FAINT}{name:12}{RESET}{value}");
    };
    if let Ok(summary) = &run.outcome {
        let given_up = summary.checkpoints_aborted;
        row("checkpoints", format!("{} committed, {given_up} given up", summary.checkpoints_committed));
        row("attempts", format!("{}, {}", summary.attempts, counted(summary.rescales, "rescale")));
        row("leadership", format!("taken {}", counted(summary.elections, "time")));
        row("key groups", format!("{} moved", thousands(summary.moved_key_groups)));
        let (read, owned) = (summary.restore_bytes_read, summary.restore_bytes_owned);
        row("restores", format!("{} bytes read for {} owned", thousands(read), thousands(owned)));
        let Summary { restore_bytes_local, copies_used, copies_refused, .. } = *summary;
        local_copies(restore_bytes_local, copies_used, copies_refused)
            .into_iter()
            .for_each(|copies| row("copies", copies));
        in_parts(summary.uploads_in_parts, summary.uploads_unfinished)
            .into_iter()
            .for_each(|uploads| row("in parts", uploads));
        row("faults", format!("{} struck", summary.faults));
        row("steps", format!("{}, every invariant checked after each", thousands(summary.steps)));
    }
    let virtual_seconds = run.virtual_us as f64 / 1e6;
    let times = virtual_seconds / took.as_secs_f64().max(1e-9);
    row(
        "time",
        format!(
            "{virtual_seconds:.1} s in the cluster, {:.2} s here: {times:.0} times as fast",
            took.as_secs_f64()
        ),
    );
    row("trace", format!("{}, hash {:032x}", counted(run.events, "event"), run.hash));
    row("again", format!("{}  (with every event)", subject.replay()));
    if run.outcome.is_err() {
        row("picture", subject.report());
        row("smaller", subject.shrink());
    }
    match &run.outcome {
        Ok(summary) => format!(
            "{GREEN}{BOLD}✓ holds{RESET}: {} counted exactly once, and every total equals the sequential run\n\n{text}",
            counted(summary.rows, "row")
        ),
        Err(violation) => {
            format!("{RED}{BOLD}✗ violated{RESET}: {}\n\n{text}", one_line(&violation.to_string()))
        }
    }
}
