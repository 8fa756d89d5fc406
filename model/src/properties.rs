//! What must always hold, and what must be reached for that to mean anything.

use keygroups::{
    checkpoint::{CheckpointId, JobStatus},
    protocol::{CoordinatorTimer, TaskPhase, invariant},
};
use stateright::Property;

use crate::{model::JobModel, store::Request, world::World};

/// Every invariant by name, and every interesting case.
pub fn all() -> Vec<Property<JobModel>> {
    let always =
        invariant::ALL.iter().zip(HOLDS).map(|(invariant, holds)| Property::always(invariant.name, *holds));
    let sometimes = CASES.iter().map(|(name, reached)| Property::sometimes(name, *reached));
    always.chain(sometimes).collect()
}

type Condition = fn(&JobModel, &World) -> bool;

fn holds<const INDEX: usize>(_: &JobModel, world: &World) -> bool {
    world.violation.as_ref().is_none_or(|violation| violation.invariant != invariant::ALL[INDEX].name)
}

// A property takes a plain function, so each invariant needs its own.
macro_rules! holds {
    ($($index:literal)*) => { &[$(holds::<$index>),*] };
}

const HOLDS: &[Condition] = holds!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
const _: () = assert!(HOLDS.len() == invariant::ALL.len());

/// The cases in which something could go wrong. Each story says which of them it reaches.
pub const CASES: &[(&str, Condition)] = &[
    ("a checkpoint is committed", |_, world| committed(world) > CheckpointId::NONE),
    ("a second checkpoint is committed", |_, world| committed(world) > CheckpointId(1)),
    ("a checkpoint is committed after one was given up", |_, world| {
        committed(world) > CheckpointId(1) && world.history.committed().count() < committed(world).0 as usize
    }),
    ("the job finishes", |_, world| {
        world.history.newest().is_some_and(|newest| newest.status == JobStatus::Finished)
    }),
    ("a restarted host runs from a checkpoint", |_, world| {
        world.hosts.iter().any(|process| {
            process.machine.incarnation().0 > 1
                && process.machine.tasks().any(|(_, task)| {
                    task.phase() == TaskPhase::Running
                        && task.deployment().restore.checkpoint > CheckpointId::NONE
                })
        })
    }),
    ("a second epoch runs", |_, world| {
        world
            .coordinators
            .iter()
            .any(|process| process.machine.running().is_some_and(|attempt| attempt.epoch.0 > 1))
    }),
    ("two coordinators believe to lead", |_, world| {
        world.coordinators.iter().filter(|process| process.machine.leads().is_some()).count() > 1
    }),
    ("a zombie tries to commit a checkpoint and will lose", |_, world| {
        world.coordinators.iter().flat_map(|process| &process.requests).any(|request| match request {
            Request::Create(manifest) => world.store.manifests.get(&manifest.version).is_some_and(|taken| {
                taken.epoch > manifest.epoch && taken.newest_checkpoint_id() < manifest.newest_checkpoint_id()
            }),
            _ => false,
        })
    }),
    ("a manifest landed and its creator does not know", |_, world| {
        world.coordinators.iter().any(|process| {
            let newest = world.history.newest();
            process.timers.contains(&CoordinatorTimer::StoreRetry)
                && process.machine.manifest().zip(newest).is_some_and(|(known, newest)| {
                    known.nonce == newest.nonce && known.version < newest.version
                })
        })
    }),
    ("a delayed create lands after its version was taken", |_, world| {
        world.late.iter().any(|request| match request {
            Request::Create(manifest) => {
                world.store.manifests.get(&manifest.version).is_some_and(|taken| taken != manifest)
            }
            _ => false,
        })
    }),
    ("a pruned version is about to be created again", |_, world| {
        let requests = world.coordinators.iter().flat_map(|process| &process.requests).chain(&*world.late);
        let oldest = world.store.manifests.keys().next();
        requests.into_iter().any(|request| match request {
            Request::Create(manifest) => oldest.is_some_and(|oldest| manifest.version < *oldest),
            _ => false,
        })
    }),
    ("a task runs with key groups that another subtask wrote", |_, world| {
        world.hosts.iter().flat_map(|process| process.machine.tasks()).any(|(_, task)| {
            let deployment = task.deployment();
            task.phase() == TaskPhase::Running
                && deployment.restore.state.iter().any(|read| read.handle.key_groups != deployment.key_groups)
        })
    }),
    ("a task runs that has merged two snapshots", |_, world| {
        world
            .hosts
            .iter()
            .flat_map(|process| process.machine.tasks())
            .any(|(_, task)| task.phase() == TaskPhase::Running && task.deployment().restore.state.len() > 1)
    }),
    ("garbage is about to be deleted", |_, world| {
        world.late.iter().any(|request| matches!(request, Request::Delete(_)))
    }),
];

fn committed(world: &World) -> CheckpointId {
    world.history.newest().map_or(CheckpointId::NONE, |newest| newest.newest_checkpoint_id())
}
