//! Recovery: whatever has happened, the job can go on once nothing goes wrong any more.
//!
//! A [`Goal`] says what "going on" means. The check takes **every** reachable state of a story,
//! loses everything that is in flight there between processes, and asks whether the goal can still
//! be reached by what happens by itself: no crash, no loss, no error, no false
//! suspicion. That is AG EF, with the worst loss there is at every single moment. docs/model.md says
//! what it proves and what it does not.

#![expect(clippy::disallowed_types, reason = "looked up by fingerprint and never iterated")]

use std::{
    collections::{HashMap, HashSet},
    fmt,
    time::Duration,
};

use keygroups::{
    checkpoint::{Attempt, CheckpointId, JobStatus, Manifest},
    protocol::{CoordinatorTimer as Timer, Deployment, invariant::Violation},
};
use stateright::Model;

use crate::{
    action::{Action, Ending},
    interned::Interned,
    model::JobModel,
    part::hash_of,
    process::CoordinatorProcess,
    search::{self, Counterexample},
    story::Budget,
    world::World,
};

/// Something that must stay reachable.
#[derive(Clone, Copy, Debug)]
pub struct Goal {
    /// Its name.
    pub name: &'static str,
    /// What it says, in one sentence.
    pub sentence: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    // Whether it depends on the second world alone.
    is_a_state: bool,
    // Whether a step from the first world to the second reaches it.
    reached: Reached,
}

type Reached = fn(&World, &World) -> bool;

/// Every goal.
pub const ALL: &[Goal] = &[
    Goal {
        name: "a_pending_checkpoint_ends",
        sentence: "A checkpoint that was begun is committed or given up.",
        source: "L1; FLINK-26394",
        is_a_state: true,
        reached: |_, world| is_finished(world) || is_idle(world),
    },
    Goal {
        name: "the_job_runs",
        sentence: "A leader whose manifest is the newest runs all tasks of one attempt.",
        source: "L2",
        is_a_state: true,
        reached: |_, world| is_finished(world) || running(world).is_some(),
    },
    Goal {
        name: "a_checkpoint_is_committed",
        sentence: "Another checkpoint is committed.",
        source: "L3; FLINK-13256",
        is_a_state: false,
        reached: |before, world| is_finished(world) || committed(before) < committed(world),
    },
    Goal {
        name: "what_nobody_names_is_deleted",
        sentence: "The store holds only what the newest manifest or the chain of outputs names.",
        source: "L4; FLINK-30461",
        is_a_state: true,
        reached: |_, world| world.store.unnamed().next().is_none(),
    },
    Goal {
        name: "tasks_know_the_newest_commit",
        sentence: "Every task knows that the newest checkpoint is committed, without the help of the next one.",
        source: "L5; FLINK-10377",
        is_a_state: true,
        reached: |_, world| {
            is_finished(world)
                || (is_idle(world) && running(world).is_some_and(|run| run.knows(committed(world))))
        },
    },
    Goal {
        name: "the_wanted_parallelism_runs",
        sentence: "The job runs at the parallelism that its newest manifest asks for.",
        source: "L6",
        is_a_state: true,
        reached: |_, world| {
            is_finished(world)
                || newest(world).zip(running(world)).is_some_and(|(newest, run)| {
                    let layout = run.tasks.first().map(|(deployment, _)| &deployment.layout);
                    layout.is_some_and(|layout| layout.parallelism == newest.desired_parallelism)
                })
        },
    },
];

fn newest(world: &World) -> Option<&Manifest> {
    world.store.manifests.last_key_value().map(|(_, manifest)| &**manifest)
}

fn committed(world: &World) -> CheckpointId {
    newest(world).map_or(CheckpointId::NONE, Manifest::newest_checkpoint_id)
}

fn is_finished(world: &World) -> bool {
    newest(world).is_some_and(|newest| newest.status == JobStatus::Finished)
}

// Who works from the newest manifest. What a zombie believes does not count.
fn leader(world: &World) -> Option<&CoordinatorProcess> {
    let newest = newest(world)?;
    let leads = |process: &&CoordinatorProcess| process.machine.manifest().is_some_and(|m| **m == *newest);
    world.coordinators.iter().map(|process| &**process).find(leads)
}

fn is_idle(world: &World) -> bool {
    leader(world).is_some_and(|leader| leader.machine.pending_checkpoint().is_none())
}

struct Running<'w> {
    tasks: Vec<(&'w Deployment, CheckpointId)>,
}

impl Running<'_> {
    fn knows(&self, committed: CheckpointId) -> bool {
        self.tasks.iter().all(|(_, confirmed)| *confirmed == committed)
    }
}

// All tasks of the leader's attempt, if they all process.
fn running(world: &World) -> Option<Running<'_>> {
    let attempt: Attempt = leader(world)?.machine.running()?;
    let tasks: Vec<_> = world
        .hosts
        .iter()
        .flat_map(|process| process.machine.tasks())
        .filter(|(_, task)| task.is_active() && task.deployment().attempt == attempt)
        .map(|(_, task)| (&**task.deployment(), task.confirmed()))
        .collect();
    let planned = tasks.first().map(|(deployment, _)| deployment.layout.tasks.len());
    (planned == Some(tasks.len())).then_some(Running { tasks })
}

// What gives something up is slower than everything else: it fires only where nothing goes on.
const PATIENT: usize = 2;

/// How readily a step is tried: 0 first. `None` if it does not happen by itself in `world`.
///
/// Messages arrive, requests are answered, tasks work, timers fire. A timer that suspects somebody
/// fires only if that is true: a standby's only while nobody leads, that for a host never, since no
/// host stays dead, and a checkpoint expires only if nobody works on it.
fn happens_by_itself(world: &World, action: &Action) -> Option<usize> {
    match action {
        Action::Store(_, _, Ending::Answered)
        | Action::Land(_)
        | Action::Heartbeat(_)
        | Action::Restore(..)
        | Action::Read(..)
        | Action::Take { .. }
        | Action::Upload(..) => Some(0),
        Action::Fire(_, timer) => match timer {
            Timer::Heartbeat | Timer::Restart | Timer::StoreRetry | Timer::Stabilize => Some(0),
            Timer::Sweep | Timer::Checkpoint => Some(1),
            Timer::Expiry(_) => Some(PATIENT),
            Timer::LeaderSilence => leader(world).is_none().then_some(PATIENT),
            Timer::HostSilence(_) => None,
        },
        Action::Deliver(_)
        | Action::Rescale(..)
        | Action::Store(..)
        | Action::FailUpload(..)
        | Action::FailTask(..)
        | Action::CrashHost(_)
        | Action::CrashCoordinator(_) => None,
    }
}

// Everything but L3 at once, which implies each: one search instead of five.
fn is_well(before: &World, world: &World) -> bool {
    ALL.iter().filter(|goal| goal.is_a_state).all(|goal| (goal.reached)(before, world))
}

// What goes wrong is left out by kind, so nothing needs a budget.
const ENOUGH: Budget = Budget {
    checkpoints: 1,
    expiries: 1,
    sweeps: 1,
    rescales: 0,
    host_crashes: 0,
    coordinator_crashes: 0,
    campaigns: 1,
    host_suspicions: 0,
    store_faults: 0,
    upload_failures: 0,
    task_failures: 0,
    heartbeats: 1,
};

// Far more than any recovery needs: checkpoints, sweeps and what is given up, and states in all. A
// recovery beyond is taken for none.
const PRICE_MAX: usize = 16;
const VISITED_MAX: usize = 4_000;

/// Searches for recoveries, and remembers from where there is one.
struct Recovery<'m> {
    model: &'m JobModel,
    // For each goal, and for all states at once, the states from which it can be reached.
    known: Vec<HashSet<u64>>,
    taken: usize,
}

impl Recovery<'_> {
    // What recovery depends on. Neither history nor budget decides what can happen.
    fn key(world: &World) -> u64 {
        hash_of(&(&world.coordinators, &world.hosts, &world.store, &world.late))
    }

    // A step, and the arrival of everything that is said because of it.
    fn step(&mut self, world: &World, action: Action) -> Option<World> {
        self.taken += 1;
        let mut next = self.model.next_state(world, action)?;
        while !next.network.is_empty() {
            for message in std::mem::take(next.network.edit()) {
                next = self.model.carry_out(next, &Action::Deliver(message));
            }
        }
        next.budget = ENOUGH;
        next.settle();
        next.violation.is_none().then_some(next)
    }

    /// The first goal that cannot be reached from `start`.
    fn lost(&mut self, start: &World) -> Option<&'static Goal> {
        let well = self.reaches(ALL.len(), is_well, start);
        let mut goals = (0..).zip(ALL).filter(|(_, goal)| !(well && goal.is_a_state));
        goals.find(|(index, goal)| !self.reaches(*index, goal.reached, start)).map(|(_, goal)| goal)
    }

    /// Whether `reached`, known as number `goal`, can become true from `start`: in most states one
    /// order of what is ready is enough, in the others every order is tried.
    fn reaches(&mut self, goal: usize, reached: Reached, start: &World) -> bool {
        let from = Self::key(start);
        if self.known[goal].contains(&from) {
            return true;
        }
        if reached(start, start) {
            self.known[goal].insert(from);
            return true;
        }
        self.search(goal, reached, start, true) || self.search(goal, reached, start, false)
    }

    // Cheap steps are tried first, and among equals the search goes deep. If `hasty`, nothing else is
    // tried where there is a step without a price.
    fn search(&mut self, goal: usize, reached: Reached, start: &World, hasty: bool) -> bool {
        let from = Self::key(start);
        let mut parents = HashMap::from([(from, None)]);
        let mut open: Vec<Vec<(World, u64)>> = vec![Vec::new(); PRICE_MAX + 1];
        open[0].push((start.clone(), from));
        while let Some(cost) = open.iter().position(|worlds| !worlds.is_empty()) {
            let Some((world, at)) = open[cost].pop() else { break };
            let mut actions = Vec::new();
            self.model.actions(&world, &mut actions);
            let mut priced: Vec<_> = actions
                .into_iter()
                .filter_map(|action| Some((happens_by_itself(&world, &action)?, action)))
                .collect();
            priced.sort_by_key(|(price, _)| *price);
            let (mut free, mut busy) = (false, false);
            for (price, action) in priced {
                if (hasty && free) || (busy && price >= PATIENT) {
                    break;
                }
                let Some(next) = self.step(&world, action) else { continue };
                let to = Self::key(&next);
                busy |= price == 0 && to != at;
                if parents.contains_key(&to) {
                    continue;
                }
                parents.insert(to, Some(at));
                if self.known[goal].contains(&to) || reached(&world, &next) {
                    let mut back = Some(if reached(&next, &next) { to } else { at });
                    while let Some(key) = back {
                        self.known[goal].insert(key);
                        back = parents.get(&key).copied().flatten();
                    }
                    return true;
                }
                if parents.len() >= VISITED_MAX {
                    return false;
                }
                free = price == 0;
                if let Some(worlds) = open.get_mut(cost + price) {
                    worlds.push((next, to));
                }
            }
        }
        false
    }
}

/// What a check of recovery has found.
#[derive(Clone, Debug)]
pub struct Report {
    /// The story.
    pub name: &'static str,
    /// Different reachable states.
    pub unique: usize,
    /// What is left of them when everything in flight is lost: each was asked for every goal.
    pub quiet: usize,
    /// Steps of all recoveries together.
    pub steps: usize,
    /// Whether every reachable state was asked.
    pub complete: bool,
    /// A shortest path to a state from which a goal cannot be reached any more.
    pub counterexample: Option<Counterexample>,
    /// How long it took.
    pub took: Duration,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} unique states, {} after a loss of everything in flight, {} steps of recovery, {}, {:.1} s",
            self.name,
            self.unique,
            self.quiet,
            self.steps,
            if self.complete { "complete" } else { "cut short" },
            self.took.as_secs_f64()
        )?;
        match &self.counterexample {
            Some(counterexample) => write!(f, "{counterexample}"),
            None => write!(f, "  every goal stays reachable"),
        }
    }
}

/// Checks that every goal stays reachable from every state of the model, or from those of the first
/// `unique_max` states.
pub fn check(model: &JobModel, unique_max: usize) -> Report {
    #[expect(clippy::disallowed_methods, reason = "how long a check took is for people")]
    let began = std::time::Instant::now();
    let mut recovery = Recovery { model, known: vec![HashSet::new(); ALL.len() + 1], taken: 0 };
    let mut quiet = HashSet::new();
    let interned = Interned::new(*model);
    let search = search::shortest_to(&interned, unique_max, |ids| {
        let world = interned.world(ids);
        if world.violation.is_some() {
            return world.violation.clone();
        }
        let mut start = world.clone();
        start.network.edit().clear();
        start.budget = ENOUGH;
        start.settle();
        if !quiet.insert(Recovery::key(&start)) {
            return None;
        }
        let lost = recovery.lost(&start)?;
        Some(Violation {
            invariant: lost.name,
            detail: format!(
                "everything in flight is lost, nothing goes wrong after that, and never: {}",
                lost.sentence
            ),
        })
    });
    Report {
        name: model.story().name,
        unique: search.unique,
        quiet: quiet.len(),
        steps: recovery.taken,
        complete: search.complete,
        counterexample: search.counterexample,
        took: began.elapsed(),
    }
}
