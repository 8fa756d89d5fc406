//! `keygroups verify-assignment`: the assignment checked by exhaustion.

use std::io::{self, IsTerminal, Write};
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use keygroups::key_group::proof::{self, EXHAUSTIVE_UP_TO, FLINK_DIGESTS, LARGER};
use keygroups::key_group::{MaxParallelism, Parallelism};
use serde::Serialize;

use crate::Verdict;

/// Check the assignment of key groups to subtasks by exhaustion
///
/// For every max parallelism up to a bound, every parallelism and every subtask: the ranges
/// partition the key groups, their sizes differ by at most one, and owner and range agree. Then the
/// same for 64 larger max parallelisms, and the digests of the whole assignment against those of
/// Flink.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct VerifyAssignment {
    /// Check every max parallelism up to this one, 1 to 32768
    #[arg(long, value_name = "M", default_value_t = u32::from(EXHAUSTIVE_UP_TO))]
    up_to: u32,

    /// Leave out the 64 larger max parallelisms (2,049 to 32,768)
    #[arg(long)]
    no_larger: bool,

    /// One JSON document instead of text
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  Everything; some minutes of processor time in a release build:
    keygroups verify-assignment

  A second's worth:
    keygroups verify-assignment --up-to 256 --no-larger

Exit code 1 if a range is wrong or a digest differs from Flink's.";

#[derive(Serialize)]
struct Report {
    holds: bool,
    up_to: u32,
    larger: Vec<u16>,
    ranges: u64,
    digests: Vec<DigestReport>,
    violations: Vec<String>,
}

#[derive(Serialize)]
struct DigestReport {
    up_to: u16,
    ranges: String,
    owners: String,
    equals_flink: bool,
}

/// A piece of the work.
#[derive(Clone, Copy)]
enum Piece {
    Digests(u16),
    Ranges(MaxParallelism),
}

impl VerifyAssignment {
    pub(crate) fn run(self) -> anyhow::Result<Verdict> {
        let up_to = MaxParallelism::new(self.up_to)?;
        let report = verify(up_to, if self.no_larger { &[] } else { &LARGER });
        let mut output = io::stdout().lock();
        if self.json {
            serde_json::to_writer_pretty(&mut output, &report)?;
            writeln!(output)?;
        } else {
            write_text(&mut output, &report)?;
        }
        Ok(if report.holds { Verdict::Holds } else { Verdict::Violated })
    }
}

fn verify(up_to: MaxParallelism, larger: &[u16]) -> Report {
    // The longest pieces first, so that no processor is left alone with one at the end. Digests
    // are one running number, so they are one piece.
    let larger: Vec<u16> = larger.iter().copied().filter(|max| *max > up_to.get()).collect();
    let mut maxima: Vec<u16> = (1..=up_to.get()).chain(larger.iter().copied()).collect();
    maxima.sort_unstable_by(|a, b| b.cmp(a));
    let ranges = maxima.into_iter().filter_map(|max| MaxParallelism::new(u32::from(max)).ok());
    let digests = Piece::Digests(up_to.get().min(EXHAUSTIVE_UP_TO));
    let pieces: Vec<Piece> = [digests].into_iter().chain(ranges.map(Piece::Ranges)).collect();
    let all: u64 = pieces.iter().map(|piece| weight(*piece)).sum();

    let (next, done) = (AtomicUsize::new(0), AtomicU64::new(0));
    let (checked, violations, computed) = (AtomicU64::new(0), Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let work = || {
        while let Some(&piece) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) {
            match piece {
                Piece::Digests(up_to) => {
                    *computed.lock().expect("no thread panics") = proof::flink_digests(up_to);
                }
                Piece::Ranges(max) => match check_all(max) {
                    Ok(ranges) => {
                        checked.fetch_add(ranges, Ordering::Relaxed);
                    }
                    Err(violation) => {
                        violations.lock().expect("no thread panics").push(violation.to_string());
                    }
                },
            }
            done.fetch_add(weight(piece), Ordering::Relaxed);
        }
    };
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let handles: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        if io::stderr().is_terminal() {
            let mut progress = Progress::default();
            while handles.iter().any(|worker| !worker.is_finished()) {
                progress.show(done.load(Ordering::Relaxed), all);
                #[expect(clippy::disallowed_methods, reason = "ten pictures a second are enough")]
                thread::sleep(Duration::from_millis(100));
            }
            progress.clear();
        }
    });

    let digests: Vec<DigestReport> = computed
        .into_inner()
        .expect("no thread panics")
        .into_iter()
        .map(|digest @ (up_to, ranges, owners)| DigestReport {
            up_to,
            ranges: format!("{ranges:016x}"),
            owners: format!("{owners:016x}"),
            equals_flink: FLINK_DIGESTS.contains(&digest),
        })
        .collect();
    let mut violations = violations.into_inner().expect("no thread panics");
    violations.sort_unstable();
    let holds = violations.is_empty() && digests.iter().all(|digest| digest.equals_flink);
    let ranges = checked.into_inner();
    Report { holds, up_to: u32::from(up_to), larger, ranges, digests, violations }
}

/// Checks every parallelism of `max`; the number of ranges.
fn check_all(max: MaxParallelism) -> Result<u64, proof::Violation> {
    let parallelisms = (1..=max.get()).filter_map(|p| Parallelism::new(u32::from(p)).ok());
    parallelisms.map(|parallelism| proof::check(max, parallelism)).sum()
}

/// How much work a piece is, in ranges.
fn weight(piece: Piece) -> u64 {
    match piece {
        Piece::Ranges(max) => u64::from(max.get()) * (u64::from(max.get()) + 1) / 2,
        Piece::Digests(up_to) => u64::from(up_to).pow(3) / 2,
    }
}

/// A line on stderr that is written over.
struct Progress {
    started: Instant,
}

impl Default for Progress {
    #[expect(clippy::disallowed_methods, reason = "real time is told to people and decides nothing")]
    fn default() -> Self {
        Self { started: Instant::now() }
    }
}

impl Progress {
    fn show(&mut self, done: u64, all: u64) {
        let percent = done as f64 * 100.0 / all as f64;
        eprint!("\r{percent:5.1}% of all ranges checked, {} s", self.started.elapsed().as_secs());
    }

    fn clear(&mut self) {
        eprint!("\r{:60}\r", "");
    }
}

fn write_text(output: &mut impl Write, report: &Report) -> io::Result<()> {
    writeln!(output, "every parallelism of every max parallelism up to {}", report.up_to)?;
    if !report.larger.is_empty() {
        writeln!(
            output,
            "and of {} larger ones up to {}",
            report.larger.len(),
            report.larger.iter().max().unwrap_or(&0)
        )?;
    }
    writeln!(output, "{} ranges checked", report.ranges)?;
    for digest in &report.digests {
        let relation = if digest.equals_flink { "equal to" } else { "DIFFERENT from" };
        writeln!(
            output,
            "digest up to {:4}: ranges {}, owners {}: {relation} Flink's",
            digest.up_to, digest.ranges, digest.owners
        )?;
    }
    for violation in &report.violations {
        writeln!(output, "violation: {violation}")?;
    }
    let verdict = if report.holds {
        "The ranges partition the key groups, sizes differ by at most one, owner and range agree."
    } else {
        "The assignment is wrong."
    };
    writeln!(output, "{verdict}")
}
