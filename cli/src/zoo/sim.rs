//! `keygroups zoo --sim`: every planted bug against a sweep of seeds of the simulation.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::time::Duration;

use anyhow::bail;
use keygroups_sim::fault::Profile;
use keygroups_sim::trace::Recording;
use keygroups_sim::zoo::{HUNTED, Hunted, Sweep, UNSEEN, hunted, sweep};
use serde::Serialize;

use super::text;
use crate::Verdict;
use crate::model::find_mutant;
use crate::progress::{Ticker, stopped_by_ctrl_c};
use crate::sim::{Plan, ViolationDocument};

/// A bug is swept for from so many first seeds.
const SWEEPS: u64 = 5;
/// So far apart are the first seeds: no sweep comes to where the next began.
const BETWEEN_SWEEPS: u64 = 1_000_000;

/// Where sweeps begin and how long each may take.
pub(super) struct Bounds {
    pub(super) first_seed: u64,
    pub(super) seconds: u64,
}

#[derive(Serialize)]
pub(super) struct Document {
    pub(super) verdict: Verdict,
    pub(super) first_seed: u64,
    /// How long a sweep may take.
    pub(super) seconds_max: u64,
    /// Of everything.
    pub(super) seconds: f64,
    pub(super) mutants: Vec<Found>,
    /// What a run does not show, and why.
    pub(super) unseen: Vec<Hidden>,
}

/// A bug and its sweeps.
#[derive(Serialize)]
pub(super) struct Found {
    pub(super) mutant: &'static str,
    pub(super) source: &'static str,
    pub(super) must_break: BTreeSet<&'static str>,
    /// Every sweep caught it, and without it every catching seed holds.
    pub(super) caught: bool,
    pub(super) seeds_median: Option<u64>,
    pub(super) seconds_median: Option<f64>,
    pub(super) sweeps: Vec<Swept>,
}

/// A sweep, and what its catch is worth.
#[derive(Serialize)]
pub(super) struct Swept {
    #[serde(flatten)]
    pub(super) sweep: Sweep,
    pub(super) replay: Option<String>,
    /// What the catching seed breaks when no bug is planted.
    pub(super) unmutated: Option<ViolationDocument>,
}

#[derive(Serialize)]
pub(super) struct Hidden {
    pub(super) mutant: &'static str,
    pub(super) why: &'static str,
}

pub(super) fn run(name: Option<&str>, bounds: &Bounds, json: bool) -> anyhow::Result<Verdict> {
    let chosen: Vec<&Hunted> = match name {
        Some(name) => vec![one(name)?],
        None => HUNTED.iter().collect(),
    };
    let plan = Plan::swarm(Profile::Chaos)?;
    let stop = stopped_by_ctrl_c()?;
    let stopped = || stop.load(std::sync::atomic::Ordering::Relaxed);
    let mut out = anstream::AutoStream::auto(io::stdout());
    let unseen = match name {
        Some(_) => Vec::new(),
        None => UNSEEN.iter().map(|unseen| Hidden { mutant: unseen.name, why: unseen.why }).collect(),
    };
    let mut document = Document {
        verdict: Verdict::Holds,
        first_seed: bounds.first_seed,
        seconds_max: bounds.seconds,
        seconds: 0.0,
        mutants: Vec::new(),
        unseen,
    };
    if !json {
        text::heading_of_sweeps(&mut out)?;
    }
    let ticker = Ticker::new();
    for hunted in &chosen {
        let Some(found) = Found::hunt(hunted, &plan, bounds, &stopped) else { break };
        if !json {
            found.tell(&mut out)?;
            out.flush()?;
        }
        document.mutants.push(found);
    }
    document.seconds = ticker.clear();
    let escaped = document.mutants.iter().any(|found| !found.caught);
    document.verdict = Verdict::of(escaped, !stopped());
    if json {
        serde_json::to_writer(&mut out, &document)?;
        writeln!(out)?;
    } else {
        text::conclusion_of_sweeps(&mut out, &document, chosen.len())?;
    }
    out.flush()?;
    Ok(document.verdict)
}

fn one(name: &str) -> anyhow::Result<&'static Hunted> {
    let mutant = find_mutant(name)?;
    if let Some(unseen) = UNSEEN.iter().find(|unseen| unseen.name == mutant.name) {
        bail!("`{name}` is not hunted in the simulation: {}", unseen.why);
    }
    Ok(hunted(mutant.name).expect("a bug is hunted, or it is said why not"))
}

impl Found {
    /// `None` if the user did not wait for it.
    fn hunt(hunted: &Hunted, plan: &Plan, bounds: &Bounds, stopped: &impl Fn() -> bool) -> Option<Self> {
        let mutant = hunted.mutant();
        let planted = plan.with_mutant(mutant);
        let case = |seed| plan.case(seed).expect("what fits one seed fits all");
        let limit = Duration::from_secs(bounds.seconds);
        let mut sweeps = Vec::new();
        for position in 0..SWEEPS {
            let mut ticker = Ticker::new();
            let first_seed = bounds.first_seed + position * BETWEEN_SWEEPS;
            let swept = sweep(hunted, first_seed, limit, case, |runs| {
                ticker.tick(|_| format!("{}: {runs} seeds from {first_seed} on", mutant.name));
                !stopped()
            });
            ticker.clear();
            if stopped() {
                return None;
            }
            let catch = swept.caught.as_ref();
            let replay = catch.map(|catch| planted.replay(catch.seed));
            let plain = catch.map(|catch| case(catch.seed).run(Recording::default()).outcome);
            let unmutated = plain.and_then(|outcome| outcome.err().as_ref().map(ViolationDocument::from));
            sweeps.push(Swept { sweep: swept, replay, unmutated });
        }
        let caught = sweeps.iter().all(|swept| swept.sweep.caught.is_some() && swept.unmutated.is_none());
        let seeds = sweeps.iter().map(|swept| swept.sweep.caught.as_ref().map(|catch| catch.seeds));
        let seconds = sweeps.iter().map(|swept| swept.sweep.caught.is_some().then_some(swept.sweep.seconds));
        Some(Self {
            mutant: mutant.name,
            source: mutant.source,
            must_break: hunted.rules().collect(),
            caught,
            seeds_median: median(seeds.collect(), u64::cmp),
            seconds_median: median(seconds.collect(), f64::total_cmp),
            sweeps,
        })
    }
}

/// The middle one; what was not found comes after everything that was.
fn median<T: Copy>(mut values: Vec<Option<T>>, order: impl Fn(&T, &T) -> std::cmp::Ordering) -> Option<T> {
    values.sort_by(|one, other| match (one, other) {
        (Some(one), Some(other)) => order(one, other),
        (one, other) => one.is_none().cmp(&other.is_none()),
    });
    values.get(values.len() / 2).copied().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_of_what_was_not_found_is_not_found() {
        let median = |values| median(values, u64::cmp);
        assert_eq!(median(vec![Some(9), None, Some(1), Some(4), Some(2)]), Some(4));
        assert_eq!(median(vec![None, Some(9), None, None, Some(2)]), None);
    }
}
