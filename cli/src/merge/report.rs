//! What the results of all shards say together.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;
use serde::Serialize;
use xxhash_rust::xxh3::Xxh3;

use super::ledger::{Conflict, Damage, Ledger};
use crate::shard::{Blocks, Header, Shard, is_url};
use crate::sim::report::{failures, row, sums};
use crate::sim::style::{BOLD, GREEN, RED, RESET, counted, one_line, thousands};
use crate::sim::{Tally, quoted};

/// The most lines about one kind of problem for people.
const LINES_MAX: usize = 10;

#[derive(Serialize)]
pub(super) struct Document<'a> {
    /// `holds`, `violated` or `incomplete`.
    verdict: &'static str,
    first_seed: u64,
    seeds: u64,
    /// As given to `sim`.
    options: &'a str,
    #[serde(flatten)]
    pub(super) tally: &'a Tally,
    /// Seeds that several have run, with equal results.
    repeated: u64,
    /// Of all blocks, if none is missing: equal on all machines.
    hash: Option<String>,
    missing: Vec<Missing>,
    damaged: &'a [Damage],
    conflicts: &'a [Conflict],
}

/// What a shard still has to do.
#[derive(Serialize)]
struct Missing {
    shard: String,
    seeds: u64,
    /// The first one.
    first_seed: u64,
    /// The command that runs them.
    resume: String,
}

impl<'a> Document<'a> {
    pub(super) fn of(ledger: &'a Ledger, places: &[String]) -> anyhow::Result<Self> {
        let none = || match ledger.damaged.first() {
            Some(Damage { at, line, why }) => {
                format!("{at}, line {line} {why}; there is nothing else to merge")
            }
            None => format!("{} holds no results yet", places.join(", ")),
        };
        let header = ledger.header().with_context(none)?;
        let blocks = header.blocks().with_context(none)?;
        let missing = missing(ledger, header, blocks, places);
        let clean = missing.is_empty() && ledger.damaged.is_empty() && ledger.conflicts.is_empty();
        let hash = (missing.is_empty() && ledger.conflicts.is_empty()).then(|| {
            let mut hashes = Xxh3::new();
            ledger.blocks.values().for_each(|(hash, _)| hashes.update(hash.as_bytes()));
            format!("{:032x}", hashes.digest128())
        });
        Ok(Self {
            verdict: match (ledger.tally.failed > 0, clean) {
                (true, _) => "violated",
                (false, true) => "holds",
                (false, false) => "incomplete",
            },
            first_seed: header.first_seed,
            seeds: header.seeds,
            options: &header.options,
            tally: &ledger.tally,
            repeated: ledger.repeated,
            hash,
            missing,
            damaged: &ledger.damaged,
            conflicts: &ledger.conflicts,
        })
    }

    /// Why this is not the result of all seeds.
    pub(super) fn objection(&self) -> Option<String> {
        if let Some(Conflict { first_seed, last_seed, told_by: [one, other] }) = self.conflicts.first() {
            return Some(format!(
                "{one} and {other} found different things in seeds {first_seed} to {last_seed}: the runs were \
                 not deterministic, or not of the same build"
            ));
        }
        if let Some(Damage { at, line, why }) = self.damaged.first() {
            return Some(format!("{at}, line {line} {why}"));
        }
        let missing: u64 = self.missing.iter().map(|missing| missing.seeds).sum();
        (missing > 0).then(|| {
            let shards: Vec<_> = self.missing.iter().take(LINES_MAX).map(|of| &*of.shard).collect();
            let dots = if self.missing.len() > LINES_MAX { ", …" } else { "" };
            let (missing, seeds) = (thousands(missing), counted(self.seeds, "seed"));
            format!("{missing} of {seeds} are missing, in shards {}{dots}", shards.join(", "))
        })
    }

    pub(super) fn tell(&self, json: bool) -> anyhow::Result<()> {
        let mut out = anstream::AutoStream::auto(io::stdout());
        if json {
            serde_json::to_writer(&mut out, self)?;
            writeln!(out)?;
        } else {
            write!(out, "{}", self.text())?;
        }
        Ok(out.flush()?)
    }

    fn text(&self) -> String {
        let mut text = failures(self.tally);
        let problems = self.problems();
        for (problem, advice) in problems.iter().take(LINES_MAX) {
            let _ = writeln!(text, "{BOLD}{}{RESET}\n    {advice}\n", one_line(problem));
        }
        if problems.len() > LINES_MAX {
            let _ = writeln!(text, "… and {} more; --json lists all\n", problems.len() - LINES_MAX);
        }
        let last = self.first_seed + (self.seeds - 1);
        let seeds = format!("seeds {} to {last}", self.first_seed);
        let _ = match self.verdict {
            "holds" => writeln!(text, "{GREEN}{BOLD}✓ holds{RESET}: {seeds}, each once\n"),
            "violated" => {
                writeln!(text, "{RED}{BOLD}✗ {}{RESET} in {seeds}\n", counted(self.tally.failed, "violation"))
            }
            _ => writeln!(text, "{BOLD}incomplete{RESET}: no violation in what there is of {seeds}\n"),
        };
        row(&mut text, "runs", format!("{} of {}", thousands(self.tally.runs), thousands(self.seeds)));
        if self.repeated > 0 {
            row(&mut text, "repeated", format!("{} with equal results", counted(self.repeated, "run")));
        }
        if !self.options.is_empty() {
            row(&mut text, "options", one_line(self.options));
        }
        sums(&mut text, &self.tally.sums);
        if let Some(hash) = &self.hash {
            row(&mut text, "hash", hash);
        }
        text
    }

    /// What is wrong, and what to do about it.
    fn problems(&self) -> Vec<(String, String)> {
        let conflicts =
            self.conflicts.iter().map(|Conflict { first_seed, last_seed, told_by: [one, other] }| {
                (
                    format!("seeds {first_seed} to {last_seed}: {one} and {other} found different things"),
                    "a build that differs, or runs that are not deterministic: replay a seed on both"
                        .to_owned(),
                )
            });
        let damaged = self.damaged.iter().map(|Damage { at, line, why }| {
            let advice = "its seeds count as missing; cut the file before this line, or delete the object";
            (format!("{at}, line {line} {why}"), advice.to_owned())
        });
        let missing = self.missing.iter().map(|Missing { shard, seeds, first_seed, resume }| {
            let seeds = counted(*seeds, "seed");
            (format!("shard {shard} misses {seeds}, from seed {first_seed} on"), resume.clone())
        });
        conflicts.chain(damaged).chain(missing).collect()
    }
}

fn missing(ledger: &Ledger, header: &Header, blocks: Blocks, places: &[String]) -> Vec<Missing> {
    let mut by_shard: BTreeMap<u32, (Shard, u64, u64)> = BTreeMap::new();
    for block in (0..blocks.count()).filter(|block| !ledger.blocks.contains_key(block)) {
        let (shard, seeds) = (Blocks::shard_of(block, header.shards), blocks.seeds_of(block));
        let (_, count, _) =
            by_shard.entry((block % u64::from(header.shards)) as u32).or_insert((shard, 0, seeds.start));
        *count += seeds.end - seeds.start;
    }
    let common = places.iter().find(|place| is_url(place) || Path::new(place).is_dir());
    let told = by_shard.into_iter().map(|(index, (shard, seeds, first_seed))| {
        let known = ledger.shelves.get(&(index, header.shards)).or(common);
        let results = known.map_or_else(|| "WHERE".to_owned(), |results| quoted(results));
        let Header { first_seed: first, seeds: all, block_seeds, options, .. } = header;
        let from = if *first == 0 { String::new() } else { format!(" --first-seed {first}") };
        let space = if options.is_empty() { "" } else { " " };
        let resume = format!(
            "keygroups sim --seeds {all}{from}{space}{options} --block {block_seeds} --shard {shard} --results {results}"
        );
        Missing { shard: shard.to_string(), seeds, first_seed, resume }
    });
    told.collect()
}
