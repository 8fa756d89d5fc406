//! The monotone bag, checked against the network it stands for, where that is small enough.

#![expect(clippy::disallowed_types, reason = "looked up and compared as sets, never iterated")]

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use keygroups_model::{
    model::JobModel,
    stories::ZOMBIES,
    story::{Budget, Story},
    world::World,
};
use stateright::Model;

const CALM: Budget = Budget { campaigns: 1, checkpoints: 1, store_faults: 0, ..ZOMBIES.budget };

// A source alone, so that few messages are sent.
const ONE_SOURCE: Story = Story { name: "one source", coordinators: 1, budget: CALM, ..ZOMBIES };

const ONE_CRASH: Story = Story {
    name: "one source, its host crashes",
    budget: Budget { host_crashes: 1, checkpoints: 0, ..CALM },
    ..ONE_SOURCE
};

const TAKEOVER: Story = Story {
    name: "one source, another leader",
    budget: Budget { campaigns: 2, checkpoints: 0, ..CALM },
    ..ZOMBIES
};

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

// Everything but what is on its way.
fn without_network(world: &World) -> u64 {
    let World { coordinators, hosts, store, late, history, budget, violation, .. } = world;
    hash(&(coordinators, hosts, store, late, history, budget, violation))
}

// All states, and all states without their network. If `lossy`, messages also get lost, so that one
// that was delivered may or may not come again.
fn explore(model: &JobModel, lossy: bool) -> (HashSet<u64>, HashSet<u64>) {
    let mut open = model.init_states();
    let mut seen: HashSet<u64> = open.iter().map(hash).collect();
    let mut projected = HashSet::new();
    let mut actions = Vec::new();
    while let Some(world) = open.pop() {
        projected.insert(without_network(&world));
        model.actions(&world, &mut actions);
        let mut next: Vec<World> =
            actions.drain(..).filter_map(|action| model.next_state(&world, action)).collect();
        if lossy {
            next.extend(world.network.iter().map(|lost| {
                let mut without = world.clone();
                without.network.edit().remove(lost);
                without.settle();
                without
            }));
        }
        open.extend(next.into_iter().filter(|world| seen.insert(hash(world))));
    }
    (seen, projected)
}

/// With every loss and every repetition as steps of their own the processes and the store get into
/// exactly the states that they get into with a bag that keeps everything.
#[test]
fn a_bag_that_keeps_everything_reaches_what_a_lossy_network_reaches() {
    for (story, kept, raw) in [(&ONE_SOURCE, 25, 1_652), (&ONE_CRASH, 98, 14_632), (&TAKEOVER, 928, 127_760)]
    {
        let model = JobModel::new(story);
        let (bag, from_bag) = explore(&model, false);
        let (lossy, from_lossy) = explore(&model, true);
        println!("{}: {} with the bag, {} with losses", story.name, bag.len(), lossy.len());
        assert!(from_bag == from_lossy, "{}", story.name);
        assert_eq!((bag.len(), lossy.len()), (kept, raw), "{}", story.name);
    }
}
