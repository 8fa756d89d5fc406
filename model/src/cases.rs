//! Cases that must be reached for an invariant to mean anything.
//!
//! A case says on which components it depends, so that a state in which none of them is new need not
//! be asked.

use std::collections::BTreeSet;

use keygroups::{
    checkpoint::{CheckpointId, JobStatus, Manifest, RedistributionMode},
    protocol::{CoordinatorTimer, FailureCause, TaskPhase, invariant::History},
};

use crate::{
    process::{CoordinatorProcess, HostProcess},
    store::{Request, Store},
    world::World,
};

/// A case in which something could go wrong.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What it is.
    pub name: &'static str,
    /// The invariants that it puts to the test.
    pub tries: &'static [&'static str],
    /// It is reached if one of these holds.
    pub(crate) tests: &'static [Test],
}

/// What a case depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Test {
    History(fn(&History) -> bool),
    /// One host.
    Host(fn(&HostProcess) -> bool),
    /// One host and another, or the same.
    Hosts(fn(&HostProcess, &HostProcess) -> bool),
    Coordinator(fn(&CoordinatorProcess) -> bool),
    /// Two coordinators.
    Both(fn(&CoordinatorProcess) -> bool),
    CoordinatorAndStore(fn(&CoordinatorProcess, &Store) -> bool),
    CoordinatorAndHistory(fn(&CoordinatorProcess, &History) -> bool),
    Late(fn(&BTreeSet<Request>) -> bool),
    LateAndStore(fn(&BTreeSet<Request>, &Store) -> bool),
}

impl Case {
    /// Whether a state is one.
    pub fn is_reached(&self, world: &World) -> bool {
        let World { coordinators, hosts, store, late, history, .. } = world;
        self.tests.iter().any(|test| match test {
            Test::History(is) => is(history),
            Test::Host(is) => hosts.iter().any(|host| is(host)),
            Test::Hosts(are) => hosts.iter().any(|one| hosts.iter().any(|other| are(one, other))),
            Test::Coordinator(is) => coordinators.iter().any(|process| is(process)),
            Test::Both(are) => coordinators.iter().filter(|process| are(process)).count() > 1,
            Test::CoordinatorAndStore(are) => coordinators.iter().any(|process| are(process, store)),
            Test::CoordinatorAndHistory(are) => coordinators.iter().any(|process| are(process, history)),
            Test::Late(is) => is(late),
            Test::LateAndStore(are) => are(late, store),
        })
    }
}

/// Every case. Each story says which of them it reaches.
pub const CASES: &[Case] = &[
    Case {
        name: "a checkpoint is committed",
        tries: &["committed_was_acknowledged_by_exactly_its_tasks"],
        tests: &[Test::History(|history| committed(history) > CheckpointId::NONE)],
    },
    Case {
        name: "a second checkpoint is committed",
        tries: &["notices_are_true_in_order_and_once"],
        tests: &[Test::History(|history| committed(history) > CheckpointId(1))],
    },
    Case {
        name: "a checkpoint is committed after one was given up",
        tries: &["checkpoint_ids_only_rise"],
        tests: &[Test::History(skips_one)],
    },
    Case {
        name: "a checkpoint after one that was given up commits output",
        tries: &["output_is_exactly_once"],
        tests: &[Test::History(|history| {
            let newest = history.newest().and_then(|newest| newest.newest_checkpoint());
            skips_one(history)
                && newest.is_some_and(|record| record.tasks.iter().any(|task| task.output.is_some()))
        })],
    },
    Case {
        name: "a checkpoint that leans on another is committed",
        tries: &["snapshots_lean_only_on_what_is_named"],
        tests: &[Test::History(|history| {
            let newest = history.newest().and_then(|newest| newest.newest_checkpoint());
            newest.is_some_and(|record| record.tasks.iter().any(|task| !task.state.bases.is_empty()))
        })],
    },
    Case {
        name: "the job finishes",
        tries: &["output_is_exactly_once"],
        tests: &[Test::History(|history| {
            history.newest().is_some_and(|newest| newest.status == JobStatus::Finished)
        })],
    },
    Case {
        name: "a restarted host runs from a checkpoint",
        tries: &["recovery_starts_from_the_newest"],
        tests: &[Test::Host(|process| {
            process.machine.incarnation().0 > 1
                && running(process).any(|deployment| deployment.restore.checkpoint > CheckpointId::NONE)
        })],
    },
    Case {
        name: "state cannot be read for now",
        tries: &["recovery_starts_from_the_newest"],
        tests: &[Test::Host(|process| {
            let unread = TaskPhase::Failed { cause: FailureCause::RestoreUnavailable };
            process.machine.tasks().any(|(_, task)| task.phase() == unread)
        })],
    },
    Case {
        name: "a source runs that has left what is another's",
        tries: &["operator_state_is_redistributed_by_its_mode"],
        tests: &[Test::Host(|process| {
            running(process).any(|deployment| {
                let mut reads = deployment.restore.operator_state.iter();
                reads.any(|read| read.mode == RedistributionMode::Union)
                    && deployment.task.subtask.index() > 0
            })
        })],
    },
    Case {
        name: "a second epoch runs",
        tries: &["the_job_never_changes"],
        tests: &[Test::Coordinator(|process| {
            process.machine.running().is_some_and(|attempt| attempt.epoch.0 > 1)
        })],
    },
    Case {
        name: "two coordinators believe to lead",
        tries: &["nobody_believes_a_lost_step"],
        tests: &[Test::Both(|process| process.machine.leads().is_some())],
    },
    Case {
        name: "a zombie tries to commit a checkpoint and will lose",
        tries: &["nobody_believes_a_lost_step"],
        tests: &[Test::CoordinatorAndStore(|process, store| {
            process.requests.iter().any(|request| {
                taken(request, store).is_some_and(|(wanted, taken)| {
                    taken.epoch > wanted.epoch && taken.newest_checkpoint_id() < wanted.newest_checkpoint_id()
                })
            })
        })],
    },
    Case {
        name: "a manifest landed and its creator does not know",
        tries: &["named_objects_exist_as_first_written"],
        tests: &[Test::CoordinatorAndHistory(|process, history| {
            let known = process.machine.manifest().zip(history.newest());
            process.timers.contains(&CoordinatorTimer::StoreRetry)
                && known.is_some_and(|(known, newest)| {
                    known.nonce == newest.nonce && known.version < newest.version
                })
        })],
    },
    Case {
        name: "a delayed create lands after its version was taken",
        tries: &["versions_are_dense_and_written_by_their_leader"],
        tests: &[Test::LateAndStore(|late, store| {
            late.iter().any(|request| taken(request, store).is_some_and(|(wanted, taken)| wanted != taken))
        })],
    },
    Case {
        name: "a pruned version is about to be created again",
        tries: &["versions_are_dense_and_written_by_their_leader"],
        tests: &[
            Test::CoordinatorAndStore(|process, store| {
                process.requests.iter().any(|it| is_pruned(it, store))
            }),
            Test::LateAndStore(|late, store| late.iter().any(|request| is_pruned(request, store))),
        ],
    },
    Case {
        name: "some tasks have restored and others have not",
        tries: &["an_attempt_starts_when_all_have_restored"],
        tests: &[Test::Hosts(|one, other| {
            let tasks = |process: &HostProcess, phase: fn(TaskPhase) -> bool| -> Vec<_> {
                let tasks = process.machine.tasks().filter(|(_, task)| phase(task.phase()));
                tasks.map(|(_, task)| task.deployment().attempt).collect()
            };
            let ready = tasks(one, |phase| matches!(phase, TaskPhase::Ready { .. }));
            let restoring = tasks(other, |phase| phase == TaskPhase::Restoring);
            restoring.iter().any(|attempt| ready.contains(attempt))
        })],
    },
    Case {
        name: "a task runs beside one of a newer attempt",
        tries: &["each_key_group_has_one_owner"],
        tests: &[Test::Hosts(|one, other| {
            running(one).any(|old| running(other).any(|new| old.attempt < new.attempt))
        })],
    },
    Case {
        name: "a task runs with key groups that another subtask wrote",
        tries: &["restore_reads_exactly_what_is_owned"],
        tests: &[Test::Host(|process| {
            running(process).any(|deployment| {
                let reads = &deployment.restore.state;
                reads.iter().any(|read| read.handle.key_groups != deployment.key_groups)
            })
        })],
    },
    Case {
        name: "a task runs that has merged two snapshots",
        tries: &["restored_is_what_was_frozen"],
        tests: &[Test::Host(|process| running(process).any(|deployment| deployment.restore.state.len() > 1))],
    },
    Case {
        name: "a source runs with the offsets of a snapshot",
        tries: &["operator_state_is_redistributed_by_its_mode"],
        tests: &[Test::Host(|process| {
            running(process).any(|deployment| !deployment.restore.operator_state.is_empty())
        })],
    },
    Case {
        name: "a channel waits for the barrier of another",
        tries: &["state_is_the_fold_of_the_records_before_the_barrier"],
        tests: &[Test::Host(|process| process.tasks.values().any(|task| task.waits()))],
    },
    Case {
        name: "a rescale is wished for while a checkpoint is pending",
        tries: &["nothing_older_commits_after_a_restore_decision"],
        tests: &[Test::Coordinator(|process| {
            let known = process.machine.manifest();
            process.machine.pending_checkpoint().is_some()
                && process.requests.iter().any(|request| match request {
                    Request::Create(wanted) => {
                        known.is_some_and(|known| known.desired_parallelism != wanted.desired_parallelism)
                    }
                    _ => false,
                })
        })],
    },
    Case {
        name: "garbage is about to be deleted",
        tries: &["named_objects_exist_as_first_written"],
        tests: &[Test::Late(|late| late.iter().any(|request| matches!(request, Request::Delete(_))))],
    },
];

fn committed(history: &History) -> CheckpointId {
    history.newest().map_or(CheckpointId::NONE, |newest| newest.newest_checkpoint_id())
}

fn skips_one(history: &History) -> bool {
    committed(history) > CheckpointId(1) && history.committed().count() < committed(history).0 as usize
}

fn running(process: &HostProcess) -> impl Iterator<Item = &keygroups::protocol::Deployment> {
    let tasks = process.machine.tasks().filter(|(_, task)| task.phase() == TaskPhase::Running);
    tasks.map(|(_, task)| &**task.deployment())
}

// The manifest that a request wants to create and the one that has its version already.
fn taken<'a>(request: &'a Request, store: &'a Store) -> Option<(&'a Manifest, &'a Manifest)> {
    match request {
        Request::Create(wanted) => Some((&**wanted, &**store.manifests.get(&wanted.version)?)),
        _ => None,
    }
}

fn is_pruned(request: &Request, store: &Store) -> bool {
    let oldest = store.manifests.keys().next();
    match request {
        Request::Create(wanted) => oldest.is_some_and(|oldest| wanted.version < *oldest),
        _ => false,
    }
}
