//! Invariants of a moment, and cases, over numbers.

use keygroups::protocol::invariant::{self, JobView, Violation};

use super::{Ids, Interned, Row};
use crate::{
    cases::{CASES, Test},
    part::hash_of,
};

impl Interned {
    /// The invariant that is broken in a state.
    pub fn violation_of(&self, ids: &Ids) -> Option<&Violation> {
        self.violations[ids.get(self.shape.violation())].value.as_ref()
    }

    /// What the invariants that judge a moment say of the state after a step.
    ///
    /// `each_key_group_has_one_owner` looks at active tasks and at the job of the newest manifest,
    /// `nobody_believes_a_lost_step` at each coordinator and the chain. So the first is asked when one
    /// of those has changed, the second for each coordinator where it or the history has. That
    /// nothing is missed by this is checked by a test, which asks everything in every state.
    pub(super) fn judge(&self, before: &Row, row: &Row) -> u32 {
        let shape = self.shape;
        let new = |slot| before.get(slot) != row.get(slot);
        let history = shape.history();
        let hosts = (0..shape.hosts).map(|index| shape.host(index));
        let moved = |slot: usize| new(slot) && self.active(before.get(slot)) != self.active(row.get(slot));
        let other_job = || new(history) && self.job(before.get(history)) != self.job(row.get(history));
        if hosts.clone().any(moved) || other_job() {
            let actives = hosts.clone().map(|slot| self.active(row.get(slot)));
            let is = actives.fold(self.job(row.get(history)), |folded, active| {
                self.folded.get(folded, active, || {
                    let both = [folded, active];
                    self.owners.intern(hash_of(&both), both)
                })
            });
            let broken = self.owned.get(is, 0, || {
                let hosts = hosts.map(|slot| &self.hosts[row.get(slot)].value.machine);
                let history = &self.histories[row.get(history)].value;
                let view = JobView { coordinators: Vec::new(), hosts: hosts.collect(), history };
                self.violation(invariant::check(&view).err())
            });
            if broken != 0 {
                return broken;
            }
        }
        for slot in (0..shape.coordinators).map(|index| shape.coordinator(index)) {
            if !new(slot) && !new(history) {
                continue;
            }
            let (coordinator, chain) = (row.get(slot), row.get(history));
            let broken = self.believed.get(coordinator, chain, || {
                let coordinators = vec![&self.coordinators[coordinator].value.machine];
                let history = &self.histories[chain].value;
                let view = JobView { coordinators, hosts: Vec::new(), history };
                self.violation(invariant::check(&view).err())
            });
            if broken != 0 {
                return broken;
            }
        }
        0
    }

    // Which tasks are active on a host.
    fn active(&self, host: u32) -> u32 {
        let entry = &self.hosts[host];
        *entry.about.projection.get_or_init(|| {
            let tasks = entry.value.machine.tasks().filter(|(_, task)| task.is_active());
            let active: Vec<_> = tasks.map(|(_, task)| task.deployment().clone()).collect();
            self.actives.intern(hash_of(&active), active)
        })
    }

    // The job of the newest manifest.
    fn job(&self, history: u32) -> u32 {
        let entry = &self.histories[history];
        *entry.about.projection.get_or_init(|| {
            let job = entry.value.newest().map(|newest| newest.job.clone());
            self.jobs.intern(hash_of(&job), job)
        })
    }

    /// The cases that a state is, one bit each, in the order of [`CASES`]. Only those in `wanted` are
    /// asked for; if a state `before` is known to be none of them, only of what has changed since.
    pub fn cases(&self, before: Option<&Ids>, ids: &Ids, wanted: u32) -> u32 {
        let (shape, kinds) = (self.shape, &self.kinds);
        let new = |slot| before.is_none_or(|before| before.get(slot) != ids.get(slot));
        let (store, late, history) =
            (ids.get(shape.store()), ids.get(shape.late()), ids.get(shape.history()));
        let (new_store, new_late, new_history) =
            (new(shape.store()), new(shape.late()), new(shape.history()));
        let mut cases = 0;
        if new_history && wanted & kinds.history != 0 {
            let entry = &self.histories[history];
            let ask = |test: &Test| matches!(test, Test::History(is) if is(&entry.value));
            cases |= *entry.about.cases.get_or_init(|| bits(ask));
        }
        if new_late && wanted & kinds.late != 0 {
            let entry = &self.lates[late];
            let ask = |test: &Test| matches!(test, Test::Late(is) if is(&entry.value));
            cases |= *entry.about.cases.get_or_init(|| bits(ask));
        }
        if (new_late || new_store) && wanted & kinds.late_and_store != 0 {
            cases |= self.paired_cases[0].get(late, store, || {
                let (late, store) = (&self.lates[late].value, &self.stores[store].value);
                bits(|test| matches!(test, Test::LateAndStore(are) if are(late, store)))
            });
        }
        let (mut once, mut twice) = (0, 0);
        for slot in (0..shape.coordinators).map(|index| shape.coordinator(index)) {
            let id = ids.get(slot);
            let entry = &self.coordinators[id];
            let process = &entry.value;
            if new(slot) && wanted & kinds.coordinator != 0 {
                let ask = |test: &Test| matches!(test, Test::Coordinator(is) if is(process));
                cases |= *entry.about.cases.get_or_init(|| bits(ask));
            }
            if wanted & kinds.both != 0 {
                let ask = |test: &Test| matches!(test, Test::Both(is) if is(process));
                let one = *entry.about.projection.get_or_init(|| bits(ask));
                twice |= once & one;
                once |= one;
            }
            if (new(slot) || new_store) && wanted & kinds.coordinator_and_store != 0 {
                cases |= self.paired_cases[1].get(id, store, || {
                    let store = &self.stores[store].value;
                    bits(|test| matches!(test, Test::CoordinatorAndStore(are) if are(process, store)))
                });
            }
            if (new(slot) || new_history) && wanted & kinds.coordinator_and_history != 0 {
                cases |= self.paired_cases[2].get(id, history, || {
                    let history = &self.histories[history].value;
                    bits(|test| matches!(test, Test::CoordinatorAndHistory(are) if are(process, history)))
                });
            }
        }
        for one in (0..shape.hosts).map(|index| shape.host(index)) {
            let id = ids.get(one);
            let process = &self.hosts[id].value;
            if new(one) && wanted & kinds.host != 0 {
                let ask = |test: &Test| matches!(test, Test::Host(is) if is(process));
                cases |= *self.hosts[id].about.cases.get_or_init(|| bits(ask));
            }
            let others = (0..shape.hosts).map(|index| shape.host(index));
            for other in others.filter(|other| wanted & kinds.hosts != 0 && (new(one) || new(*other))) {
                let other = ids.get(other);
                cases |= self.paired_cases[3].get(id, other, || {
                    let other = &self.hosts[other].value;
                    bits(|test| matches!(test, Test::Hosts(are) if are(process, other)))
                });
            }
        }
        (cases | twice) & wanted
    }
}

/// Which cases depend on what, one bit each.
pub(super) struct Kinds {
    history: u32,
    late: u32,
    late_and_store: u32,
    coordinator: u32,
    both: u32,
    coordinator_and_store: u32,
    coordinator_and_history: u32,
    host: u32,
    hosts: u32,
}

impl Kinds {
    pub(super) fn new() -> Self {
        Self {
            history: bits(|test| matches!(test, Test::History(_))),
            late: bits(|test| matches!(test, Test::Late(_))),
            late_and_store: bits(|test| matches!(test, Test::LateAndStore(_))),
            coordinator: bits(|test| matches!(test, Test::Coordinator(_))),
            both: bits(|test| matches!(test, Test::Both(_))),
            coordinator_and_store: bits(|test| matches!(test, Test::CoordinatorAndStore(_))),
            coordinator_and_history: bits(|test| matches!(test, Test::CoordinatorAndHistory(_))),
            host: bits(|test| matches!(test, Test::Host(_))),
            hosts: bits(|test| matches!(test, Test::Hosts(_))),
        }
    }
}

fn bits(holds: impl Fn(&Test) -> bool) -> u32 {
    let reached = CASES.iter().enumerate().filter(|(_, case)| case.tests.iter().any(&holds));
    reached.fold(0, |bits, (index, _)| bits | 1 << index)
}
