//! Runs a shard, from where an earlier process has stopped.

use std::ops::{ControlFlow, Range};
use std::sync::atomic::Ordering;

use keygroups_sim::cluster::Summary;
use keygroups_sim::run::Run;
use xxhash_rust::xxh3::Xxh3;

use super::line::{Block, End, Header};
use super::results::{Done, Results};
use super::{Blocks, Shard};
use crate::Verdict;
use crate::sim::{Document, Failure, Plan, Sums, each_seed, outcome, progress_bar, stopped_by_ctrl_c};

/// Seeds of a block where nothing else is said: seconds of work, and a line of half a kilobyte.
const BLOCK_SEEDS: u64 = 1_000;
/// Runs whose hashes tell builds and inputs apart.
const SAMPLES: u64 = 8;

/// What one process is to run.
pub(crate) struct Part {
    pub(crate) blocks: Blocks,
    pub(crate) shard: Shard,
    /// A file, a directory or a URL.
    pub(crate) results: Option<String>,
}

impl Part {
    /// With `block_seeds` seeds in a block; else 1,000, or fewer so that every shard has a block.
    pub(crate) fn new(
        (first_seed, seeds): (u64, u64),
        block_seeds: Option<u64>,
        shard: Shard,
        results: Option<String>,
    ) -> anyhow::Result<Self> {
        let fair = seeds.div_ceil(u64::from(shard.count)).min(BLOCK_SEEDS);
        let blocks = Blocks::new(first_seed, seeds, block_seeds.unwrap_or(fair));
        let blocks = blocks.ok_or_else(|| anyhow::anyhow!("--block 0: a block has at least one seed"))?;
        Ok(Self { blocks, shard, results })
    }
}

/// The runs of the block that is under way.
#[derive(Default)]
struct Open {
    runs: u64,
    sums: Sums,
    failures: Vec<Failure>,
    hashes: Xxh3,
}

impl Open {
    fn add(&mut self, plan: &Plan, run: &Run<Summary>) {
        self.runs += 1;
        match outcome(plan, run) {
            Ok(sums) => self.sums.add(&sums),
            Err(failure) => self.failures.push(failure),
        }
        self.hashes.update(&run.hash.to_le_bytes());
    }

    /// The block, all of whose seeds have run, and its failures.
    fn close(self, block: u64, seeds: &Range<u64>) -> (Block, Vec<Failure>) {
        let Self { runs, sums, failures, hashes } = self;
        let (from, to, failed) = (seeds.start, seeds.end - 1, failures.len() as u64);
        let hash = format!("{:032x}", hashes.digest128());
        (Block { block, from, to, runs, failed, sums, hash }, failures)
    }
}

pub(crate) fn run(plan: &Plan, part: &Part, json: bool) -> anyhow::Result<Verdict> {
    let Part { blocks, shard, results } = part;
    let stop = stopped_by_ctrl_c()?;
    let header = Header::new(&plan.options(), behaviour(plan, *blocks), *blocks, *shard);
    let (mut results, Done { blocks: done, mut tally, ended }) = match results {
        Some(at) => Results::open(at, &header).map(|(results, done)| (Some(results), done))?,
        None => (None, Done::default()),
    };
    let resumed = tally.runs;

    let mut todo = blocks.of_shard(*shard).filter(|block| !done.contains(block));
    let seeds = todo.clone().flat_map(|block| blocks.seeds_of(block));
    let all = blocks.of_shard(*shard).map(|block| length(*blocks, block)).sum();
    let bar = progress_bar(all);
    bar.set_position(resumed);
    let (mut open, mut due, mut failed) = (Open::default(), todo.next(), Ok(()));
    let took = each_seed(plan, seeds, |run| {
        let Some(block) = due else { return ControlFlow::Break(()) };
        bar.inc(1);
        open.add(plan, &run);
        let seeds = blocks.seeds_of(block);
        if run.seed + 1 == seeds.end {
            due = todo.next();
            let (line, failures) = std::mem::take(&mut open).close(block, &seeds);
            if let Some(results) = &mut results
                && let Err(error) = results.append(&line, &failures)
            {
                (failed, due) = (Err(error), None);
                return ControlFlow::Break(());
            }
            tally.add(line.runs, &line.sums, &failures);
        }
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    bar.finish_and_clear();
    failed?;

    let complete = tally.runs == all;
    if let Some(results) = &mut results
        && complete
        && !ended
    {
        let blocks = blocks.of_shard(*shard).count() as u64;
        results.end(&End { blocks, runs: tally.runs, failed: tally.failed })?;
    }
    let (runs, seconds) = (tally.runs - resumed, took.as_secs_f64());
    let document = Document::of(plan, blocks.first_seed, blocks.seeds, tally, seconds);
    Document {
        verdict: Verdict::of(document.tally.failed > 0, complete),
        shard: Some(shard.to_string()),
        resumed_runs: Some(resumed),
        runs_per_second: Document::rate(runs, seconds),
        ..document
    }
    .tell(json)
}

fn length(blocks: Blocks, block: u64) -> u64 {
    let seeds = blocks.seeds_of(block);
    seeds.end - seeds.start
}

/// The hash of a few runs over the whole range.
fn behaviour(plan: &Plan, blocks: Blocks) -> String {
    let samples = SAMPLES.min(blocks.seeds);
    let seeds = (0..samples).map(|sample| blocks.first_seed + sample * (blocks.seeds / samples));
    let mut hashes = Xxh3::new();
    each_seed(plan, seeds, |run| {
        hashes.update(&run.hash.to_le_bytes());
        ControlFlow::Continue(())
    });
    format!("{:032x}", hashes.digest128())
}
