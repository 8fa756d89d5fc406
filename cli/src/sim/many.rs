//! Many seeds on all cores.

use std::io::{self, Write};
use std::ops::{ControlFlow, Range};
use std::path::PathBuf;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use keygroups_sim::batch::for_each_run;
use keygroups_sim::cluster::Summary;
use keygroups_sim::coverage::Coverage;
use keygroups_sim::run::Run;
use keygroups_sim::trace::Recording;

use super::Plan;
use super::heat_map::heat_map;
use super::matrix::Matrix;
use super::report::Document;
use super::tally::Tally;
use crate::Verdict;
use crate::model::{check_writable, write_file};

/// What is wanted of the coverage.
pub(crate) struct Wish {
    /// Whether every point that a kind of fault can meet must have been met, and everything must have happened that must
    /// sometimes.
    pub(crate) all_met: bool,
    /// Where a page or a picture goes.
    pub(crate) heat_map: Option<PathBuf>,
}

pub(crate) fn run(plan: &Plan, seeds: Range<u64>, wish: Option<Wish>, json: bool) -> anyhow::Result<Verdict> {
    if let Some(file) = wish.as_ref().and_then(|wish| wish.heat_map.as_deref()) {
        check_writable(file)?;
    }
    let stop = stopped_by_ctrl_c()?;
    let bar = progress_bar(seeds.end - seeds.start);
    let (mut tally, mut coverage) = (Tally::default(), Coverage::default());
    let took = each_seed(plan, seeds.clone(), |run| {
        tally.add_run(plan, &run);
        if let (Ok(summary), Some(_)) = (&run.outcome, &wish) {
            coverage.add(&summary.coverage);
        }
        if run.outcome.is_err() {
            bar.set_message(format!(", {} failed", tally.failed));
        }
        bar.inc(1);
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    bar.finish_and_clear();
    let count = seeds.end - seeds.start;
    let mut document = Document::of(plan, seeds.start, count, tally, took.as_secs_f64());
    let Some(wish) = wish else { return document.tell(json) };
    let matrix = Matrix::new(coverage);
    if wish.all_met && !matrix.is_full() && document.verdict == Verdict::Holds {
        document.verdict = Verdict::Violated;
    }
    if let Some(file) = &wish.heat_map {
        let runs = format!("seeds {} to {}, faults {}", seeds.start, seeds.end - 1, plan.faults());
        write_file(file, heat_map(file, &matrix, &runs).as_bytes())?;
    }
    if !json {
        let mut out = anstream::AutoStream::auto(io::stdout());
        writeln!(out, "{}", matrix.text())?;
        out.flush()?;
    }
    document.coverage = Some(matrix.document());
    document.tell(json)
}

/// Runs `seeds` on all cores and hands over each run, in this order.
pub(crate) fn each_seed(
    plan: &Plan,
    seeds: impl IntoIterator<Item = u64, IntoIter: Send>,
    each: impl FnMut(Run<Summary>) -> ControlFlow<()>,
) -> Duration {
    let one = |seed| plan.case(seed).expect("what fits one seed fits all").run(Recording::default());
    for_each_run(seeds, None, one, each)
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
