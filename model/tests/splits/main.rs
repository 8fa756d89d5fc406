//! What the model does in one step, taken in several: between two of them anything else may happen.

#![expect(clippy::disallowed_types, reason = "looked up and compared as sets, never iterated")]

mod half;

use std::collections::{HashSet, VecDeque};

use half::{Begin, carry_out, die, explore, hash, read_one_by_one, reads, write_one_by_one};
use keygroups_model::{
    engine::Phase,
    model::JobModel,
    store::{Request, Store},
    stories::{CHECKPOINT, ZOMBIES},
    story::{Budget, Story},
    world::World,
};
use stateright::Model;

const CALM: Budget = Budget { campaigns: 1, checkpoints: 0, store_faults: 0, ..ZOMBIES.budget };

// A source alone.
const ONE_SOURCE: Story = Story { name: "one source", coordinators: 1, budget: CALM, ..ZOMBIES };

const HOST_DIES: Story =
    Story { name: "a host dies", budget: Budget { host_crashes: 1, checkpoints: 1, ..CALM }, ..ONE_SOURCE };

const LEADER_DIES: Story = Story {
    name: "the leader dies",
    budget: Budget { coordinator_crashes: 1, campaigns: 2, checkpoints: 1, sweeps: 1, ..CALM },
    ..ONE_SOURCE
};

const TWO_SWEEPS: Story = Story {
    name: "two sweeps",
    budget: Budget { checkpoints: 2, expiries: 1, sweeps: 2, ..CALM },
    ..ONE_SOURCE
};

const TAKEOVER: Story =
    Story { name: "another leader", budget: Budget { campaigns: 2, checkpoints: 1, ..CALM }, ..ZOMBIES };

const SWEEPING_TAKEOVER: Story = Story {
    name: "another leader, and a sweep",
    budget: Budget { campaigns: 2, sweeps: 1, ..CALM },
    ..ZOMBIES
};

const FAULTY_TAKEOVER: Story = Story {
    name: "another leader, and a lost answer",
    budget: Budget { campaigns: 2, store_faults: 1, ..CALM },
    ..ZOMBIES
};

const FATAL_TAKEOVER: Story = Story {
    name: "another leader, and one dies",
    budget: Budget { campaigns: 2, coordinator_crashes: 1, ..CALM },
    ..ZOMBIES
};

const COUNTING_HOST_DIES: Story = Story {
    name: "a host dies that counts",
    budget: Budget { host_crashes: 1, checkpoints: 1, ..CALM },
    ..CHECKPOINT
};

const UPLOAD_FAILS: Story = Story {
    name: "an upload fails",
    budget: Budget { upload_failures: 1, checkpoints: 1, sweeps: 1, ..CALM },
    ..CHECKPOINT
};

const UPLOAD_IS_LATE: Story = Story {
    name: "an upload comes too late",
    budget: Budget { expiries: 1, checkpoints: 1, sweeps: 1, ..CALM },
    ..CHECKPOINT
};

// What a crash cuts short on a host with two tasks, two uploads that fail half way leave behind.
const UPLOADS_FAIL_AND_A_HOST_DIES: Story = Story {
    name: "two uploads fail, and a host dies that counts",
    budget: Budget { upload_failures: 2, host_crashes: 1, checkpoints: 1, ..CALM },
    ..CHECKPOINT
};

const READ_FAILS: Story = Story {
    name: "a host dies that counts, and a read fails",
    budget: Budget { host_crashes: 1, checkpoints: 1, store_faults: 1, ..CALM },
    ..CHECKPOINT
};

const MERGED: Story = Story {
    name: "one source reads what two left",
    log: &[&[], &[]],
    sources: None,
    max_parallelism: 2,
    parallelism: 2,
    rescales: &[1],
    hosts: &[2, 1],
    budget: Budget { rescales: 1, ..CALM },
    ..ONE_SOURCE
};

fn begin(story: &'static Story) -> (JobModel, World) {
    let model = JobModel::new(story);
    (model, World::new(&model))
}

// In several steps and in one: what is seen of either, and how many states they have, those in several
// steps with something half done included.
fn compare(
    model: &JobModel,
    init: &World,
    in_steps: &[Begin],
    view: fn(&World) -> u64,
) -> ([HashSet<u64>; 2], [usize; 2]) {
    let (split, in_several) = explore(model, init.clone(), in_steps, view);
    let (merged, in_one) = explore(model, init.clone(), &[], view);
    println!("{}: {split} states in several steps, {merged} in one", model.story().name);
    ([in_several, in_one], [split, merged])
}

fn everything(world: &World) -> u64 {
    hash(world)
}

/// Dying and coming back later: the states in which all are alive are exactly those of the model.
#[test]
fn a_crash_is_a_restart() {
    for (story, counts) in [
        (&HOST_DIES, [321, 297]),
        (&LEADER_DIES, [1_613, 1_580]),
        (&FATAL_TAKEOVER, [6_990, 6_100]),
        (&COUNTING_HOST_DIES, [2_151, 2_099]),
    ] {
        let (model, init) = begin(story);
        let ([in_several, in_one], found) = compare(&model, &init, &[die], everything);
        assert!(in_several == in_one, "{}", story.name);
        assert_eq!(found, counts, "{}", story.name);
    }
}

fn finds_something(store: &Store, request: &Request) -> bool {
    match request {
        Request::Delete(names) => names.iter().any(|name| store.objects.contains_key(name)),
        _ => true,
    }
}

fn but_deletes_of_nothing(world: &World) -> u64 {
    let World { coordinators, hosts, network, store, late, history, budget, violation } = world;
    let late: Vec<_> = late.iter().filter(|request| finds_something(store, request)).collect();
    hash(&(coordinators, hosts, network, store, late, history, budget, violation))
}

/// Carrying a store request out (or not, if the store is at fault) and hearing of it later: the states in
/// which no answer is on its way are those of the model, with the same budget, but for one thing. A listing
/// may name what an earlier sweep's delete takes away before the listing is heard of. Then the same delete is
/// sent once more, and finds nothing.
#[test]
fn carrying_a_request_out_and_hearing_of_it_may_be_one_step() {
    for (story, new, counts) in [
        (&LEADER_DIES, 0, [2_578, 1_580]),
        (&MERGED, 0, [12_458, 10_582]),
        (&TWO_SWEEPS, 78, [5_079, 2_015]),
        (&TAKEOVER, 0, [4_974, 2_350]),
        (&SWEEPING_TAKEOVER, 0, [10_302, 4_428]),
        (&FAULTY_TAKEOVER, 0, [9_628, 4_524]),
        (&FATAL_TAKEOVER, 0, [10_296, 6_100]),
    ] {
        let (model, init) = begin(story);
        let ([in_several, in_one], found) = compare(&model, &init, &[carry_out], everything);
        assert!(in_one.is_subset(&in_several), "{}", story.name);
        assert_eq!(in_several.difference(&in_one).count(), new, "{}", story.name);
        assert_eq!(found, counts, "{}", story.name);
        let view = but_deletes_of_nothing;
        let ([in_several, in_one], _) = compare(&model, &init, &[carry_out], view);
        assert!(in_several == in_one, "{}", story.name);
    }
}

/// Reading one by one: the states in which no task has read a part of its state are exactly those of the
/// model.
#[test]
fn all_objects_of_a_restore_may_be_read_in_one_step() {
    for (story, counts) in [
        (&HOST_DIES, [305, 297]),
        (&COUNTING_HOST_DIES, [2_171, 2_099]),
        (&READ_FAILS, [9_333, 8_529]),
        (&MERGED, [14_022, 10_582]),
    ] {
        let (model, init) = begin(story);
        let ([in_several, in_one], found) = compare(&model, &init, &[read_one_by_one], everything);
        assert!(in_several == in_one, "{}", story.name);
        assert_eq!(found, counts, "{}", story.name);
    }
}

// The first state, breadth-first, in which a task has two objects to read.
fn about_to_read_two(model: &JobModel) -> World {
    let mut open: VecDeque<World> = model.init_states().into();
    let mut seen = HashSet::new();
    let mut actions = Vec::new();
    while let Some(world) = open.pop_front() {
        let mut tasks = world.hosts.iter().flat_map(|process| process.tasks.values());
        if tasks.any(|task| task.phase == Phase::Restoring && reads(task).count() == 2) {
            return world;
        }
        model.actions(&world, &mut actions);
        let next = actions.drain(..).filter_map(|action| model.next_state(&world, action));
        open.extend(next.filter(|world| seen.insert(hash(world))));
    }
    panic!("no task reads two objects in {}", model.story().name)
}

// Without what is in the memory of tasks.
fn but_engines(world: &World) -> u64 {
    let World { coordinators, hosts, network, store, late, history, budget, violation } = world;
    let hosts: Vec<_> = hosts.iter().map(|process| &process.machine).collect();
    hash(&(coordinators, hosts, network, store, late, history, budget, violation))
}

/// A task restores for an attempt that was given up, and a later checkpoint deletes what it reads after
/// the first of two objects. It fails as in the model; all that is new is that a failed task has the first
/// one in memory.
#[test]
fn objects_that_vanish_between_two_reads_fail_the_restore() {
    let model = JobModel::new(&MERGED);
    let mut init = about_to_read_two(&model);
    init.budget = Budget { host_suspicions: 1, checkpoints: 1, ..init.budget };
    let ([in_several, in_one], found) = compare(&model, &init, &[read_one_by_one], everything);
    assert!(in_one.is_subset(&in_several));
    assert_eq!(in_several.difference(&in_one).count(), 32);
    assert_eq!(found, [5_208, 4_136]);
    let ([in_several, in_one], _) = compare(&model, &init, &[read_one_by_one], but_engines);
    assert!(in_several == in_one);
}

// Without objects and deletes of them, messages, and what is remembered of them.
fn processes_and_manifests(world: &World) -> u64 {
    hash(&(&world.coordinators, &world.hosts, &world.store.manifests, world.budget))
}

/// Writing one by one, and telling the host at the end. The states with no snapshot half written are
/// exactly those of the model unless an upload is cut short by a crash, or because its task is dropped: then
/// objects stay behind that nobody was told of. Processes and manifests get into the same states all the
/// same.
#[test]
fn a_snapshot_may_be_written_in_one_step() {
    for (story, new, counts) in [
        (&UPLOAD_IS_LATE, 0, [1_525, 1_010]),
        (&HOST_DIES, 15, [322, 297]),
        (&COUNTING_HOST_DIES, 710, [3_313, 2_099]),
        (&UPLOAD_FAILS, 0, [1_807, 1_327]),
    ] {
        let (model, init) = begin(story);
        let ([in_several, in_one], found) = compare(&model, &init, &[write_one_by_one], everything);
        assert!(in_one.is_subset(&in_several), "{}", story.name);
        assert_eq!(in_several.difference(&in_one).count(), new, "{}", story.name);
        assert_eq!(found, counts, "{}", story.name);
        let ([in_several, in_one], _) = compare(&model, &init, &[write_one_by_one], processes_and_manifests);
        assert!(in_several == in_one, "{}", story.name);
    }
}

// Without what was said, and what may still happen.
fn but_words(world: &World) -> u64 {
    let World { coordinators, hosts, store, late, history, violation, .. } = world;
    hash(&(coordinators, hosts, store, late, history, violation))
}

/// What a crash cuts short is what an upload leaves behind that fails half way before the crash, when
/// nobody hears of the failure.
#[test]
fn what_a_crash_cuts_short_is_left_by_uploads_that_fail_before_it() {
    let (model, init) = begin(&COUNTING_HOST_DIES);
    let (_, cut_short) = explore(&model, init, &[write_one_by_one], but_words);
    let (model, init) = begin(&UPLOADS_FAIL_AND_A_HOST_DIES);
    let (_, failed) = explore(&model, init, &[], but_words);
    assert!(cut_short.is_subset(&failed));
}

/// All four at once.
#[test]
fn what_is_half_done_in_one_place_does_not_matter_to_another() {
    let all: [Begin; 4] = [die, carry_out, read_one_by_one, write_one_by_one];
    for (story, counts) in
        [(&HOST_DIES, [402, 297]), (&LEADER_DIES, [2_855, 1_580]), (&UPLOAD_FAILS, [3_934, 1_327])]
    {
        let (model, init) = begin(story);
        let ([in_several, in_one], found) = compare(&model, &init, &all, processes_and_manifests);
        assert!(in_several == in_one, "{}", story.name);
        assert_eq!(found, counts, "{}", story.name);
    }
}
