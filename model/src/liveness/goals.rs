//! What must stay reachable, and when a job is there.

#![expect(clippy::disallowed_types, reason = "looked up by number and never iterated")]

use std::{cell::RefCell, collections::HashMap};

use keygroups::{
    checkpoint::{Attempt, CheckpointId, JobStatus, Manifest},
    key_group::Parallelism,
    protocol::CoordinatorId,
};

use crate::{
    interned::{Ids, Quiet},
    process::{CoordinatorProcess, HostProcess},
    store::Store,
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
    reached: Reached,
    // Whether a finished job has reached it.
    ends_with_the_job: bool,
}

#[derive(Clone, Copy, Debug)]
enum Reached {
    // In a state.
    In(fn(&Moment<'_>) -> bool),
    // By a step that changes something, from one state to another.
    By(fn(&Standing, &Standing) -> bool),
}

/// Every goal. A finished job has reached all of them but that its garbage is deleted.
pub const ALL: &[Goal] = &[
    Goal {
        name: "only_a_finished_job_comes_to_rest",
        sentence: "The job is finished, or something still happens by itself.",
        source: "freedom from deadlock",
        reached: Reached::By(|_, _| true),
        ends_with_the_job: true,
    },
    Goal {
        name: "a_pending_checkpoint_ends",
        sentence: "A checkpoint that was begun is committed or given up, or its leader is deposed.",
        source: "L1; FLINK-26394",
        reached: Reached::In(|moment| moment.is_idle()),
        ends_with_the_job: true,
    },
    Goal {
        name: "the_job_runs",
        sentence: "A leader whose manifest is the newest runs all tasks of one attempt.",
        source: "L2",
        reached: Reached::In(|moment| moment.running().is_some()),
        ends_with_the_job: true,
    },
    Goal {
        name: "a_checkpoint_is_committed",
        sentence: "Another checkpoint is committed.",
        source: "L3; FLINK-13256",
        reached: Reached::By(|before, after| before.committed < after.committed),
        ends_with_the_job: true,
    },
    Goal {
        name: "what_nobody_names_is_deleted",
        sentence: "The store holds only what the newest manifest or the chain of outputs names.",
        source: "L4; FLINK-30461",
        reached: Reached::In(|moment| moment.durable.is_clean),
        ends_with_the_job: false,
    },
    Goal {
        name: "tasks_know_the_newest_commit",
        sentence: "Every task knows that the newest checkpoint is committed, without the help of the next one.",
        source: "L5; FLINK-10377",
        reached: Reached::In(|moment| {
            let knows = |run: Running| run.knows(moment.durable.committed);
            moment.is_idle() && moment.running().is_some_and(knows)
        }),
        ends_with_the_job: true,
    },
    Goal {
        name: "the_wanted_parallelism_runs",
        sentence: "The job runs at the parallelism that its newest manifest asks for.",
        source: "L6",
        reached: Reached::In(|moment| {
            let running = moment.running().map(|run| run.parallelism);
            running.is_some() && running == moment.durable.wanted
        }),
        ends_with_the_job: true,
    },
];

/// Which goals can be reached, one bit each in the order of [`ALL`].
pub(super) type Goals = u8;

/// All of them.
pub(super) const EVERY: Goals = (1 << ALL.len()) - 1;

/// The goal that is lost for good where nothing happens any more, and all others with it.
pub(super) const GOES_ON: &Goal = &ALL[0];

/// The first goal that is not among `goals`.
pub(super) fn first_beyond(goals: Goals) -> Option<&'static Goal> {
    ALL.iter().enumerate().find(|(index, _)| goals & 1 << index == 0).map(|(_, goal)| goal)
}

/// Where a job stands in one state.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    /// The goals that it has reached there.
    pub(super) reached: Goals,
    /// Which coordinators hear of a leader that they believe in, one bit each. Their patience does not end.
    pub(super) soothed: u64,
    /// The newest committed checkpoint.
    pub(super) committed: CheckpointId,
}

impl Standing {
    /// Whether `coordinator` hears of a leader that it believes in.
    pub(super) fn is_soothed(&self, coordinator: CoordinatorId) -> bool {
        self.soothed & bit(coordinator) != 0
    }

    /// Whether nothing has to happen here any more.
    pub(super) fn may_rest(&self) -> bool {
        self.reached & 1 != 0
    }

    /// The goals that a step from here to another state reaches.
    pub(super) fn reached_by_step(&self, after: &Self) -> Goals {
        bits(|goal| matches!(goal.reached, Reached::By(reached) if reached(self, after)))
    }
}

fn bits(reached: impl Fn(&Goal) -> bool) -> Goals {
    let goals = ALL.iter().enumerate().filter(|(_, goal)| reached(goal));
    goals.fold(0, |bits, (index, _)| bits | 1 << index)
}

// What goals ask of the store.
#[derive(Clone, Copy)]
struct Durable {
    is_finished: bool,
    is_clean: bool,
    committed: CheckpointId,
    wanted: Option<Parallelism>,
}

impl Durable {
    fn of(store: &Store) -> Self {
        let newest = newest(store);
        Self {
            is_finished: newest.is_some_and(|newest| newest.status == JobStatus::Finished),
            is_clean: store.unnamed().next().is_none(),
            committed: newest.map_or(CheckpointId::NONE, Manifest::newest_checkpoint_id),
            wanted: newest.map(|newest| newest.desired_parallelism),
        }
    }
}

fn newest(store: &Store) -> Option<&Manifest> {
    store.manifests.last_key_value().map(|(_, manifest)| &**manifest)
}

// One state, as goals see it.
struct Moment<'m> {
    quiet: &'m Quiet<'m>,
    ids: &'m Ids,
    durable: Durable,
    leader: Option<&'m CoordinatorProcess>,
}

// The attempt that runs.
struct Running {
    parallelism: Parallelism,
    // The oldest and the newest checkpoint that a task takes for the newest that is committed.
    confirmed: (CheckpointId, CheckpointId),
}

impl Running {
    fn knows(&self, committed: CheckpointId) -> bool {
        self.confirmed == (committed, committed)
    }
}

impl Moment<'_> {
    fn is_idle(&self) -> bool {
        self.leader.is_none_or(|leader| leader.machine.pending_checkpoint().is_none())
    }

    // All tasks of the leader's attempt, if they all process.
    fn running(&self) -> Option<Running> {
        let attempt: Attempt = self.leader?.machine.running()?;
        let tasks = self.quiet.hosts(self.ids).flat_map(|process: &HostProcess| process.machine.tasks());
        let mut active = tasks
            .map(|(_, task)| task)
            .filter(|task| task.is_active() && task.deployment().attempt == attempt);
        let first = active.next()?;
        let layout = &first.deployment().layout;
        let (mut count, mut confirmed) = (1, (first.confirmed(), first.confirmed()));
        for task in active {
            count += 1;
            confirmed = (confirmed.0.min(task.confirmed()), confirmed.1.max(task.confirmed()));
        }
        (count == layout.tasks.len()).then_some(Running { parallelism: layout.parallelism, confirmed })
    }
}

/// Says where jobs stand, and remembers what it worked out of components.
#[derive(Default)]
pub(super) struct Standings {
    // By store.
    durable: RefCell<HashMap<u32, Durable>>,
    // By coordinator and store: whether the one works from the newest manifest of the other. What a
    // zombie believes does not count.
    leads: RefCell<HashMap<(u32, u32), bool>>,
}

impl Standings {
    /// Where the job stands in a state.
    pub(super) fn of(&self, quiet: &Quiet<'_>, ids: &Ids) -> Standing {
        let (store_id, store) = quiet.store(ids);
        let durable = *self.durable.borrow_mut().entry(store_id).or_insert_with(|| Durable::of(store));
        let mut leads = self.leads.borrow_mut();
        let leader = quiet.coordinators(ids).find(|(id, process)| {
            *leads.entry((*id, store_id)).or_insert_with(|| {
                newest(store).is_some_and(|newest| process.machine.manifest().is_some_and(|m| **m == *newest))
            })
        });
        let leader = leader.map(|(_, process)| process);
        let moment = Moment { quiet, ids, durable, leader };
        let mut reached = bits(|goal| match goal.reached {
            Reached::In(reached) => reached(&moment),
            Reached::By(_) => false,
        });
        if durable.is_finished {
            reached |= bits(|goal| goal.ends_with_the_job);
        }
        Standing { reached, soothed: soothed(quiet, ids), committed: durable.committed }
    }
}

// A leader tells all others that it is alive, a deposed one too until it learns of that.
fn soothed(quiet: &Quiet<'_>, ids: &Ids) -> u64 {
    let mut soothed = 0;
    for (_, speaker) in quiet.coordinators(ids) {
        let Some(epoch) = speaker.machine.leads() else { continue };
        let machines = quiet.coordinators(ids).map(|(_, process)| &process.machine);
        let others = machines.filter(|machine| machine.id() != speaker.machine.id());
        soothed |= others.filter(|other| other.heeds(epoch)).fold(0, |bits, other| bits | bit(other.id()));
    }
    soothed
}

// Stories have a handful of coordinators.
fn bit(coordinator: CoordinatorId) -> u64 {
    1 << coordinator.0
}
