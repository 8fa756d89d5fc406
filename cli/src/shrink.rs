//! `keygroups shrink`: a failing run made small, as a case that a test can keep.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use anyhow::Context;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use keygroups_sim::case::Case;
use keygroups_sim::shrink::{NothingBroken, Progress, Size, shrink};
use keygroups_sim::trace::Recording;
use serde::Serialize;

use crate::Verdict;
use crate::sim::style::{BOLD, FAINT, RESET, counted, thousands};
use crate::sim::{Job, SeedOrFile, quoted, stopped_by_ctrl_c, timed};

/// Make a failing run of sim as small as possible
///
/// Takes away and simplifies faults, rows, parallelisms, key groups and processes, as long as the same
/// rule is broken, and writes what is left as a case: a JSON file that replay shows and that a test can
/// keep. It stays the same failure when a later build draws something else from the seed.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Shrink {
    /// The seed of a failing run, or a FILE with a case that is to become smaller still
    #[arg(value_name = "SEED|FILE", allow_negative_numbers = true)]
    run: SeedOrFile,

    /// The seed is of --seeds: the small job that is drawn from it
    #[arg(long)]
    swarm: bool,

    #[command(flatten)]
    job: Job,

    /// Where to write the case [default: case-SEED.json; a FILE is replaced]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// One JSON document instead of words
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  A run of keygroups sim --seeds 1000 --faults chaos that has failed:
    keygroups shrink 17 --swarm --faults chaos

  See what is left of it:
    keygroups replay case-17.json

The search begins with large steps: half of the faults, half of the rows. Ctrl-C ends it with the
smallest failing case found so far. Exit codes: 0 the case is written, 2 wrong use, unreadable input
or a run that breaks nothing.";

#[derive(Serialize)]
struct Document {
    case: PathBuf,
    breaks: Option<String>,
    before: Size,
    after: Size,
    runs: usize,
    complete: bool,
    seconds: f64,
    replay: String,
}

impl Shrink {
    pub(crate) fn run(self) -> anyhow::Result<Verdict> {
        let (case, output) = match self.run {
            SeedOrFile::File(file) => (Case::read(&file)?, self.output.unwrap_or(file)),
            SeedOrFile::Seed(seed) => {
                let case = self.job.prepare(self.swarm)?.case(seed)?;
                let output = self.output.unwrap_or_else(|| PathBuf::from(format!("case-{seed}.json")));
                (case, output)
            }
        };
        if case.run(Recording::default()).outcome.is_ok() {
            return Err(NothingBroken { seed: case.seed }.into());
        }
        // What cannot be written is said before the search begins.
        case.write(&output)?;
        let stop = stopped_by_ctrl_c()?;
        let bar = ProgressBar::new_spinner();
        bar.set_style(ProgressStyle::with_template("{spinner} {msg}").context("the progress line")?);
        let watch = |progress: Progress| {
            bar.set_message(format!("{} runs: {}", thousands(progress.runs as u64), words(progress.size)));
            bar.tick();
            !stop.load(Ordering::Relaxed)
        };
        let (shrunk, took) = timed(|| shrink(&case, watch));
        bar.finish_and_clear();
        let shrunk = shrunk?;
        shrunk.case.write(&output)?;
        let document = Document {
            breaks: shrunk.case.breaks.clone(),
            before: Size::of(&case),
            after: Size::of(&shrunk.case),
            runs: shrunk.runs,
            complete: shrunk.complete,
            seconds: took.as_secs_f64(),
            replay: format!("keygroups replay {}", quoted(&output.display().to_string())),
            case: output,
        };
        let mut out = anstream::AutoStream::auto(io::stdout());
        if self.json {
            serde_json::to_writer(&mut out, &document)?;
            writeln!(out)?;
        } else {
            write!(out, "{}", report(&document))?;
        }
        out.flush()?;
        Ok(Verdict::Holds)
    }
}

fn report(document: &Document) -> String {
    let ended = if document.complete { "nothing more can be taken away" } else { "stopped early" };
    format!(
        "{BOLD}{}{RESET} is still broken, {ended}\n\n  \
         {FAINT}before      {RESET}{}\n  \
         {FAINT}after       {RESET}{}\n  \
         {FAINT}search      {RESET}{} runs, {:.1} s\n  \
         {FAINT}see         {RESET}{}\n",
        document.breaks.as_deref().unwrap_or("nothing"),
        words(document.before),
        words(document.after),
        thousands(document.runs as u64),
        document.seconds,
        document.replay
    )
}

fn words(size: Size) -> String {
    let surroundings = match size.surroundings {
        0 => "",
        1 => " in imperfect surroundings",
        _ => " with imperfect links and store",
    };
    format!(
        "{}{surroundings}, {}, {}, {} processes and {}",
        counted(size.faults as u64, "fault"),
        counted(size.rows as u64, "row"),
        counted(size.parallelisms.saturating_sub(1) as u64, "rescale"),
        size.processes,
        counted(size.key_groups, "key group"),
    )
}
