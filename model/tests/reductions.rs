//! The monotone bag, checked against the network it stands for, where that is small enough.

#![expect(clippy::disallowed_types, reason = "looked up and compared as sets, never iterated")]

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use keygroups::protocol::{CoordinatorInput, ToCoordinator};
use keygroups_model::{
    action::Action,
    engine::Element,
    interned::Interned,
    model::JobModel,
    network::Message,
    search::shortest_to,
    stories::{self, ZOMBIES},
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

// A state as it is when what cannot matter is left out, the order in which a task or a coordinator has
// come by what it waits for included: of the last two barriers, or acknowledgements, either may have come
// first. Then the other is still to come and makes the snapshot, or the checkpoint, complete; so it is
// let come, and what it does is part of the form.
fn normal_form(model: &JobModel, mut world: World) -> u64 {
    world.reduce();
    let mut came = 0;
    loop {
        let mut actions = Vec::new();
        model.actions(&world, &mut actions);
        let next = actions
            .into_iter()
            .find(|action| matches!(action, Action::Take { element: Element::Barrier(_), .. }));
        let Some(next) = next.and_then(|action| model.next_state(&world, action)) else { break };
        (world, came) = (next, came + 1);
        world.reduce();
    }
    let mut said = Vec::new();
    for (index, process) in world.coordinators.iter_mut().enumerate() {
        for message in world.network.iter() {
            let Message::ToCoordinator(to, message) = &**message else { continue };
            let waited_for = matches!(
                message,
                ToCoordinator::Ready { .. }
                    | ToCoordinator::Started { .. }
                    | ToCoordinator::Acknowledge { .. }
            );
            if usize::from(to.0) == index && waited_for {
                process.edit().machine.handle(CoordinatorInput::Host(message.clone()), &mut said);
            }
        }
    }
    world.settle();
    hash(&(world, came, format!("{said:?}")))
}

fn normal_forms(model: JobModel) -> (usize, HashSet<u64>) {
    let interned = Interned::new(model);
    let mut forms = HashSet::new();
    let search = shortest_to(&interned, usize::MAX, |ids| {
        forms.insert(normal_form(&model, interned.world(ids)));
        interned.violation_of(ids).cloned()
    });
    assert!(search.complete && search.counterexample.is_none(), "{}", model.story().name);
    (search.unique, forms)
}

/// Stale messages and forgotten facts: left out at every step they give the same states as left out at
/// the end.
#[test]
fn what_cannot_matter_any_more_does_not() {
    for (story, raw) in [
        (&stories::ALIGNMENT, 96_014),
        (&stories::CHECKPOINT, 65_876),
        (&stories::INCREMENTAL, 6_561),
        (&stories::CHAIN_OF_BASES, 1_435),
        (&stories::DECLINED, 16_100),
        (&stories::HALF_WRITTEN, 51_445),
        (&stories::UNREADABLE, 12_442),
        (&stories::STRAGGLERS, 8_594),
        (&stories::LEADERSHIP, 92_700),
        (&stories::ZOMBIES, 106_412),
        (&stories::GARBAGE, 113_012),
        (&stories::LATE_HOST, 2_713),
        (&stories::SCALE_OUT, 55_620),
        (&stories::SCALE_IN, 39_095),
        (&stories::UNION, 79_553),
    ] {
        let (every, normal) = normal_forms(JobModel::new(story));
        let (kept, reduced) = normal_forms(JobModel::reduced(story));
        println!("{}: {every} states, {kept} that differ in what can matter", story.name);
        assert!(normal == reduced, "{}", story.name);
        assert_eq!(every, raw, "{}", story.name);
    }
}

/// The model over numbers takes the steps of the model over worlds, one by one, and judges them alike.
#[test]
fn numbers_stand_for_worlds() {
    for model in [JobModel::reduced(&stories::LATE_HOST), JobModel::new(&ONE_CRASH)] {
        let interned = Interned::new(model);
        let search = shortest_to(&interned, usize::MAX, |ids| {
            let world = interned.world(ids);
            assert_eq!(interned.of(&world), *ids);
            let mut actions = Vec::new();
            model.actions(&world, &mut actions);
            let steps = actions.into_iter().filter_map(|action| model.next_state(&world, action));
            let expected: HashSet<u64> = steps.map(|world| hash(&world)).collect();
            let mut found = HashSet::new();
            interned.steps(ids, |_, next| {
                found.insert(hash(&interned.world(&next)));
            });
            assert!(expected == found);
            None
        });
        assert!(search.complete);
    }
}
