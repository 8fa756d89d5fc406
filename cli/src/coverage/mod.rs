//! `keygroups check --coverage`: which ways the simulation and the model take, and which never.

mod table;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use clap::Args;
use keygroups_model::coverage::{ActionKind, EVENTS, INVISIBLE, Machine, Tally, Transition, actions, story};
use keygroups_model::stories::QUICK;
use keygroups_sim::fault::Profile;
use serde::Serialize;

use crate::Verdict;
use crate::conform::check_seeds;
use crate::sim::{Plan, seed_range, stopped_by_ctrl_c, timed};

/// What coverage is measured over.
#[derive(Args)]
pub(crate) struct Coverage {
    /// Instead of checking a model: which kinds of actions, transitions and events simulated seeds
    /// reach, which the stories of bound quick reach, and which neither does
    #[arg(long, conflicts_with_all = ["model", "mutant", "list"])]
    pub(crate) coverage: bool,

    /// How many seeds of `sim --seeds` are run for --coverage
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 500,
        allow_negative_numbers = true,
        requires = "coverage"
    )]
    seeds: u64,

    /// The first of them
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true, requires = "coverage")]
    first_seed: u64,

    /// How much goes wrong in them: none, default or chaos
    #[arg(long, value_name = "PROFILE", default_value = "chaos", requires = "coverage")]
    faults: Profile,
}

#[derive(Serialize)]
struct Document {
    verdict: Verdict,
    first_seed: u64,
    seeds: u64,
    faults: String,
    lines: u64,
    seconds_simulation: f64,
    stories: Vec<&'static str>,
    seconds_model: f64,
    actions: Vec<Row<ActionKind>>,
    events: Vec<Row<&'static str>>,
    transitions: Vec<Row<Transition>>,
}

/// One kind, and who reaches it.
#[derive(Serialize)]
struct Row<K> {
    kind: K,
    /// How often in all seeds; `null` where a trace does not show it.
    simulation: Option<u64>,
    /// Which stories.
    model: Vec<&'static str>,
}

impl<K> Row<K> {
    fn in_simulation(&self) -> bool {
        self.simulation.is_none_or(|count| count > 0)
    }

    fn in_model(&self) -> bool {
        !self.model.is_empty()
    }
}

/// What each story reaches.
type Stories = Vec<(&'static str, Tally)>;

impl Coverage {
    pub(crate) fn run(&self, threads: Option<NonZeroUsize>, json: bool) -> anyhow::Result<Verdict> {
        let plan = Plan::swarm(self.faults)?;
        let seeds = seed_range(self.first_seed, self.seeds)?;
        let stop = stopped_by_ctrl_c()?;
        let (mut simulation, mut lines, mut conforms) = (Tally::default(), 0, true);
        let simulating = check_seeds(&plan, seeds, &stop, |_, checked| match checked.report {
            Ok(report) => {
                simulation += &report.tally;
                lines += report.lines;
                conforms &= report.divergence.is_none() && report.violation.is_none();
            }
            Err(_) => conforms = false,
        });
        let (stories, took) = timed(|| explore(threads, &stop));
        if stop.load(Ordering::Relaxed) {
            eprintln!("stopped before the end: what is missing so far may be reached later");
            return Ok(Verdict::Stopped);
        }
        let document = Document {
            verdict: if conforms { Verdict::Holds } else { Verdict::Violated },
            first_seed: self.first_seed,
            seeds: self.seeds,
            faults: self.faults.to_string(),
            lines,
            seconds_simulation: simulating.as_secs_f64(),
            stories: stories.iter().map(|(name, _)| *name).collect(),
            seconds_model: took.as_secs_f64(),
            actions: action_rows(&simulation, &stories),
            events: rows(EVENTS.iter().copied(), &simulation, &stories, |tally, kind| {
                tally.events.get(kind).copied()
            }),
            transitions: transition_rows(&simulation, &stories),
        };
        let mut out = anstream::AutoStream::auto(io::stdout());
        if json {
            serde_json::to_writer(&mut out, &document)?;
            writeln!(out)?;
        } else {
            table::tell(&mut out, &document)?;
        }
        out.flush()?;
        Ok(document.verdict)
    }
}

fn rows<K>(
    kinds: impl Iterator<Item = K>,
    simulation: &Tally,
    stories: &Stories,
    count: impl Fn(&Tally, &K) -> Option<u64>,
) -> Vec<Row<K>> {
    kinds
        .map(|kind| Row {
            simulation: Some(count(simulation, &kind).unwrap_or(0)),
            model: stories
                .iter()
                .filter(|(_, tally)| count(tally, &kind).is_some())
                .map(|(name, _)| *name)
                .collect(),
            kind,
        })
        .collect()
}

fn action_rows(simulation: &Tally, stories: &Stories) -> Vec<Row<ActionKind>> {
    let mut rows =
        rows(actions().into_iter(), simulation, stories, |tally, kind| tally.actions.get(kind).copied());
    for row in rows.iter_mut().filter(|row| INVISIBLE.contains(&row.kind.action)) {
        row.simulation = None;
    }
    rows
}

/// Only those that are reached at all: most phases cannot hear most inputs.
fn transition_rows(simulation: &Tally, stories: &Stories) -> Vec<Row<Transition>> {
    let all = stories.iter().map(|(_, tally)| tally).chain([simulation]);
    let kinds: BTreeSet<Transition> = all.flat_map(|tally| tally.transitions.keys().copied()).collect();
    rows(kinds.into_iter(), simulation, stories, |tally, kind| tally.transitions.get(kind).copied())
}

/// Explores every story of bound quick, several at a time.
fn explore(threads: Option<NonZeroUsize>, stop: &AtomicBool) -> Stories {
    let threads = threads.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(it) = QUICK.get(next.fetch_add(1, Ordering::Relaxed)) {
            let Some(tally) = story(it, || !stop.load(Ordering::Relaxed)) else { return };
            found.lock().unwrap_or_else(PoisonError::into_inner).push((it.name, tally));
        }
    };
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let mut stories = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    stories.sort_by_key(|(name, _)| QUICK.iter().position(|story| story.name == *name));
    stories
}
