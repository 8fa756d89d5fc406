//! `keygroups sim`: the main job in a simulated cluster under failures, once or for many seeds.

mod heat_map;
mod job;
mod many;
mod matrix;
mod once;
pub(crate) mod report;
mod story;
pub(crate) mod style;
mod tally;
mod verdict;

pub(crate) use job::{Job, Plan, SeedOrFile, Subject, quoted};
pub(crate) use many::{each_seed, progress_bar, stopped_by_ctrl_c};
pub(crate) use once::{closing, opening, opening_of, timed};
pub(crate) use report::Document;
pub(crate) use tally::{Failure, Sums, Tally, outcome};
pub(crate) use verdict::{ViolationDocument, judged};

use std::ops::Range;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;

use crate::Verdict;
use crate::shard::{self, Part, Shard, Which};

/// A seed whose story has a bit of everything.
pub(crate) const DEFAULT_SEED: u64 = 123;
/// The seeds that may be asked for: every JSON reader can tell them apart.
const SEEDS_END: u64 = 1 << 53;

/// Run a real job in a simulated cluster under failures, and check everything
///
/// The job counts flights per aircraft while it is rescaled. The cluster runs the library's own
/// machines, driver, snapshots and checkpoint store on simulated processes, links and storage, whose
/// failures are drawn from the seed. After every step every invariant is checked; at the end the
/// result and the output are compared with a sequential run. Equal options and seeds give equal runs.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Sim {
    /// What chance is drawn from [default: 123]
    #[arg(long, value_name = "N", allow_negative_numbers = true, conflicts_with = "seeds")]
    seed: Option<u64>,

    /// Run a small job, drawn from the seed, for COUNT seeds on all cores
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, conflicts_with_all = ["output", "trace"])]
    seeds: Option<u64>,

    /// The first seed of --seeds
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        allow_negative_numbers = true,
        requires = "seeds",
        conflicts_with = "seed"
    )]
    first_seed: u64,

    /// Run only shard K of N of --seeds, counted from 0: K/N, or auto/N with K from the environment of a
    /// Kubernetes indexed Job or a Slurm array, or auto where Slurm tells N too
    #[arg(long, value_name = "K/N", requires = "seeds", conflicts_with = "seed", allow_hyphen_values = true)]
    shard: Option<Which>,

    /// Write what became of --seeds to WHERE, and go on from there if something is there already: a file,
    /// or a directory or URL (s3://, gs://, az://, file:///) for the results of all shards
    #[arg(long, value_name = "WHERE", requires = "seeds", conflicts_with = "seed")]
    results: Option<String>,

    /// Seeds that are written together, and run again if the process is killed [default: 1000, or fewer
    /// so that every shard has some]
    #[arg(
        long,
        value_name = "COUNT",
        requires = "seeds",
        conflicts_with = "seed",
        allow_negative_numbers = true
    )]
    block: Option<u64>,

    /// Show which kinds of faults of --seeds met which points of the protocol, what happened sometimes, and what
    /// never did
    // clap asks for nothing that conflicts with what is there, so `requires` alone lets --seed pass.
    #[arg(long, requires = "seeds", conflicts_with_all = ["seed", "shard", "results", "block"])]
    coverage: bool,

    /// Fail if a kind of fault has not met a point that it is asked to meet, or something never happened that must
    /// sometimes
    #[arg(long, requires = "coverage")]
    all_met: bool,

    /// Write the coverage to FILE as a page with a heat map, or as a picture if FILE ends in .svg
    #[arg(long, value_name = "FILE", requires = "coverage")]
    heat_map: Option<PathBuf>,

    /// The small job that --seeds draws from the seed
    #[arg(long)]
    swarm: bool,

    #[command(flatten)]
    job: Job,

    /// Write the final result as CSV to FILE: key, flights, distance_miles, max_dep_delay_minutes
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Write every event as a line of JSON to FILE
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,

    /// One JSON document instead of the story
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  The main job: 26,865 flights, 128 key groups, parallelism 2, then 4, then 3, on a bad day:
    keygroups sim

  A worse day, another seed, and the result as CSV:
    keygroups sim --seed 7 --faults chaos --output totals.csv

  A larger job and a longer day: up to 24 tasks, an hour in the cluster:
    keygroups sim --rescale 8,12,10 --seconds 3600

  A file of your own, keyed by another column:
    keygroups sim --input flights.csv.gz --key carrier --rescale 2,8,1

  A thousand seeds on all cores:
    keygroups sim --seeds 1000 --faults chaos

  The same for jobs that all go from 4 to 5 tasks:
    keygroups sim --seeds 1000 --rescale 4,5

  A sixteenth of ten million seeds; run again, it goes on where it was killed:
    keygroups sim --seeds 10000000 --faults chaos --shard 3/16 --results results/

  All sixteen together:
    keygroups merge results/

  What was tested, as a heat map of kinds of faults and points of the protocol:
    keygroups sim --seeds 2000 --faults chaos --coverage --heat-map coverage.html

  What a program needs to know:
    keygroups sim --seeds 1000 --json | jq .failures

A run of --seeds draws rows, parallelisms, max parallelism, hosts, slots and coordinators from its
seed. --rescale and --max-parallelism hold for every run where they are given; what is drawn is then
brought within their bounds. Ctrl-C ends --seeds early, with what was found so far.

Exit codes: 0 everything holds, 1 a violation was found, 2 wrong use or unreadable input,
130 stopped before the last seed with nothing found. Colours are used in a terminal only, and not
where NO_COLOR is set.";

/// The seeds of `--seeds COUNT --first-seed FIRST`.
pub(crate) fn seed_range(first: u64, count: u64) -> anyhow::Result<Range<u64>> {
    if count == 0 {
        bail!("--seeds 0: at least one seed is needed");
    }
    let end = first.checked_add(count).filter(|end| *end <= SEEDS_END);
    Ok(first..end.with_context(|| format!("seeds end below {SEEDS_END}"))?)
}

impl Sim {
    pub(crate) fn run(self) -> anyhow::Result<Verdict> {
        match self.seeds {
            Some(count) => {
                let seeds = seed_range(self.first_seed, count)?;
                let plan = self.job.prepare(true)?;
                if self.shard.is_none() && self.results.is_none() && self.block.is_none() {
                    let wish = self
                        .coverage
                        .then_some(many::Wish { all_met: self.all_met, heat_map: self.heat_map });
                    return many::run(&plan, seeds, wish, self.json);
                }
                let shard = self.shard.map(Which::resolve).transpose()?.unwrap_or(Shard::WHOLE);
                let part = Part::new((seeds.start, count), self.block, shard, self.results)?;
                shard::run(&plan, &part, self.json)
            }
            None => {
                let seed = self.seed.unwrap_or(DEFAULT_SEED);
                let files = once::Files { output: self.output, trace: self.trace };
                once::run(&self.job.prepare(self.swarm)?, seed, &files, self.json)
            }
        }
    }
}
