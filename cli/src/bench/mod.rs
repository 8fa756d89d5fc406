//! `keygroups bench`: what keyed state costs on this machine.

mod measure;

use std::env;
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use self::measure::accesses::{Accesses, accesses};
use self::measure::compression::{Compressions, compressions};
use self::measure::distribution::{Distributions, distributions};
use self::measure::durable::{Durable, durable};
use self::measure::figure::{Figure, markdown};
use self::measure::growth::Growth;
use self::measure::hash::{Hash, hash};
use self::measure::incremental::{Incremental, incremental};
use self::measure::pause::{Pause, pause};
use self::measure::restore::{Restore, restore};
use self::measure::snapshot::{Snapshot, snapshot};
use crate::Verdict;

/// Measure keyed state on this machine: accesses, snapshots, restores
///
/// Keys of 8 bytes, values of 100, 128 key groups, 2 tasks, against hash tables with boxed values, plain
/// files and memcpy in the same session. What is read back is verified. The figures and the aims are those of
/// docs/performance.md, where the full version is, with more keys and more rivals. Takes some 400 bytes of
/// memory and of disk for each key, and about a minute for a million.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Bench {
    /// How many keys, 10,000 to 100,000,000
    #[arg(long, value_name = "N", default_value_t = 1_000_000,
          value_parser = clap::value_parser!(u64).range(10_000..=100_000_000))]
    keys: u64,

    /// How often each measurement is repeated; what counts is the median
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,

    /// Where files are written and read: on the disk that is to be measured, else where the system keeps
    /// temporary files
    #[arg(long, value_name = "DIRECTORY")]
    directory: Option<PathBuf>,

    /// One JSON document instead of a table
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  The table of docs/performance.md, for this machine:
    keygroups bench

  More keys, on the disk that will hold checkpoints:
    keygroups bench --keys 5000000 --directory /mnt/checkpoints

Exit code 0 whatever is reached: another machine is another aim.";

#[derive(Serialize)]
struct Report {
    keys: u64,
    rounds: u16,
    figures: Vec<Figure>,
    measured: Measured,
}

#[derive(Serialize)]
struct Measured {
    accesses: Accesses,
    pause: Pause,
    snapshot: Snapshot,
    durable: Durable,
    restore: Restore,
    incremental: Incremental,
    growth: Growth,
    hash: Hash,
    compression: Compressions,
    distributions: Distributions,
}

impl Bench {
    pub(crate) fn run(self) -> anyhow::Result<Verdict> {
        let measured = self.measure()?;
        let report = Report { keys: self.keys, rounds: self.rounds, figures: measured.figures(), measured };
        let mut output = io::stdout().lock();
        if self.json {
            serde_json::to_writer_pretty(&mut output, &report)?;
            writeln!(output)?;
        } else {
            let command = format!("`keygroups bench --keys {}`", self.keys);
            write!(output, "{}", markdown(&report.figures, &command))?;
        }
        Ok(Verdict::Holds)
    }

    fn measure(&self) -> anyhow::Result<Measured> {
        let (keys, rounds) = (self.keys, usize::from(self.rounds));
        let directory = self.directory.clone().unwrap_or_else(env::temp_dir);
        let on_disk = || format!("cannot measure in {}", directory.display());
        let progress = Progress::new(STEPS);
        progress.begin("key groups of keys");
        let hash = hash(rounds);
        progress.begin("reads and writes");
        let accesses = accesses(keys, rounds);
        progress.begin("pauses");
        let pause = pause(keys);
        progress.begin("snapshots");
        let small_snapshot = snapshot(keys / 10, rounds);
        let snapshot = snapshot(keys, rounds);
        progress.begin("snapshots on disk");
        let durable = durable(keys, rounds, &directory).with_context(on_disk)?;
        progress.begin("restores");
        let small_restore = restore(keys / 10, rounds, &directory).with_context(on_disk)?;
        let restore = restore(keys, rounds, &directory).with_context(on_disk)?;
        progress.begin("incremental checkpoints");
        let incremental = incremental(keys, &directory).with_context(on_disk)?;
        progress.begin("compression");
        let compression = compressions(keys.min(COMPRESSED_KEYS_MAX), rounds)?;
        progress.begin("hot keys");
        let distributions = distributions(keys.min(ZIPF_KEYS), rounds)?;
        progress.end();
        let growth = Growth::new([&small_snapshot, &snapshot], [&small_restore, &restore]);
        Ok(Measured {
            accesses,
            pause,
            snapshot,
            durable,
            restore,
            incremental,
            growth,
            hash,
            compression,
            distributions,
        })
    }
}

/// Enough to see how codecs compare: the slowest takes seconds for more.
const COMPRESSED_KEYS_MAX: u64 = 200_000;
const ZIPF_KEYS: u64 = 1_000_000;

impl Measured {
    fn figures(&self) -> Vec<Figure> {
        [
            self.accesses.figures(),
            self.pause.figures(),
            self.snapshot.figures(),
            self.durable.figures(),
            self.restore.figures("memory as the system's allocator has it"),
            self.incremental.figures(),
            self.growth.figures(),
            self.hash.figures(),
            self.compression.figures(),
            self.distributions.figures(),
        ]
        .concat()
    }
}

/// How many measurements there are.
const STEPS: u64 = 9;

/// On stderr, and invisible where that is no terminal.
struct Progress(ProgressBar);

impl Progress {
    fn new(steps: u64) -> Self {
        let style = ProgressStyle::with_template("{wide_bar} {pos} of {len}, {elapsed}: {msg}")
            .expect("the template is well-formed");
        Self(ProgressBar::new(steps).with_style(style))
    }

    fn begin(&self, what: &'static str) {
        self.0.set_message(what);
        self.0.inc(1);
    }

    fn end(&self) {
        self.0.finish_and_clear();
    }
}
