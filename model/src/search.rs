//! Shortest paths and long walks.
//!
//! stateright counts states and judges properties, but its breadth-first search does not give
//! shortest paths (0.31), and nothing in it goes deep where a space is too large. Both are small.

#![expect(clippy::disallowed_types, reason = "looked up by fingerprint and never iterated")]

use std::collections::HashMap;

use keygroups::protocol::invariant::Violation;
use stateright::Model;

use crate::{action::Action, model::JobModel, part::hash_of, properties::CASES, world::World};

/// How an invariant was broken.
#[derive(Clone, Debug)]
pub struct Counterexample {
    /// What was broken.
    pub violation: Violation,
    /// What happened, from the beginning.
    pub path: Vec<Action>,
}

impl std::fmt::Display for Counterexample {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (step, action) in (1..).zip(&self.path) {
            writeln!(f, "{step:4}  {action}")?;
        }
        write!(f, "      {}", self.violation)
    }
}

/// The end of a breadth-first search.
#[derive(Clone, Debug)]
pub struct Search {
    /// The states seen.
    pub unique: usize,
    /// Whether all reachable states were seen.
    pub complete: bool,
    /// A shortest path to a violation, if one was found.
    pub counterexample: Option<Counterexample>,
}

/// Explores by distance, until a violation or `unique_max` states.
pub fn shortest(model: &JobModel, unique_max: usize) -> Search {
    shortest_to(model, unique_max, |world| world.violation.clone())
}

/// Explores by distance, until `judge` finds a state bad or `unique_max` states. Every state is
/// judged once.
pub fn shortest_to(
    model: &JobModel,
    unique_max: usize,
    mut judge: impl FnMut(&World) -> Option<Violation>,
) -> Search {
    // By state: the state before and the position of the action among its actions.
    let mut parents = HashMap::new();
    let mut level = Vec::new();
    for world in model.init_states() {
        let at = hash_of(&world);
        parents.insert(at, None);
        if let Some(violation) = judge(&world) {
            let counterexample = Some(Counterexample { violation, path: path(model, &parents, at) });
            return Search { unique: parents.len(), complete: false, counterexample };
        }
        level.push(world);
    }
    let mut actions = Vec::new();
    while !level.is_empty() {
        let mut next = Vec::new();
        for world in &level {
            let from = hash_of(world);
            model.actions(world, &mut actions);
            for (position, action) in actions.drain(..).enumerate() {
                let Some(reached) = model.next_state(world, action) else { continue };
                let to = hash_of(&reached);
                if parents.contains_key(&to) {
                    continue;
                }
                parents.insert(to, Some((from, position)));
                if let Some(violation) = judge(&reached) {
                    let path = path(model, &parents, to);
                    let counterexample = Some(Counterexample { violation, path });
                    return Search { unique: parents.len(), complete: false, counterexample };
                }
                if parents.len() >= unique_max {
                    return Search { unique: parents.len(), complete: false, counterexample: None };
                }
                next.push(reached);
            }
        }
        level = next;
    }
    Search { unique: parents.len(), complete: true, counterexample: None }
}

fn path(model: &JobModel, parents: &HashMap<u64, Option<(u64, usize)>>, end: u64) -> Vec<Action> {
    let mut positions = Vec::new();
    let mut at = end;
    while let Some(Some((before, position))) = parents.get(&at) {
        positions.push(*position);
        at = *before;
    }
    let mut world = model
        .init_states()
        .into_iter()
        .find(|world| hash_of(world) == at)
        .expect("a path begins at an initial state");
    let mut path = Vec::new();
    for position in positions.into_iter().rev() {
        let mut actions = Vec::new();
        model.actions(&world, &mut actions);
        let action = actions.swap_remove(position);
        path.push(action.clone());
        world = model.next_state(&world, action).expect("a step of a path changes the state");
    }
    path
}

/// Random numbers that are the same everywhere. Source: Steele, Lea and Flood, 2014, SplitMix64.
struct SplitMix(u64);

impl SplitMix {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}

// One step in this many is a fault where there is a choice: long walks need time between faults.
const STEPS_PER_FAULT: usize = 12;

/// One walk of at most `steps_max` steps, each chosen at random among those that change the state.
/// `see` is shown every state on the way. Gives where it ended and what happened.
pub fn walk(
    model: &JobModel,
    seed: u64,
    steps_max: usize,
    mut see: impl FnMut(&World),
) -> (World, Vec<Action>) {
    let mut random = SplitMix(seed);
    let mut world = model.init_states().swap_remove(0);
    let mut path = Vec::new();
    while path.len() < steps_max {
        let mut actions = Vec::new();
        model.actions(&world, &mut actions);
        let (mut faults, mut others): (Vec<_>, Vec<_>) = actions.into_iter().partition(Action::is_fault);
        let fault_first = random.below(STEPS_PER_FAULT) == 0;
        let mut step = None;
        for choice in if fault_first { [&mut faults, &mut others] } else { [&mut others, &mut faults] } {
            while step.is_none() && !choice.is_empty() {
                let action = choice.swap_remove(random.below(choice.len()));
                step = model.next_state(&world, action.clone()).map(|reached| (action, reached));
            }
        }
        let Some((action, reached)) = step else { break };
        path.push(action);
        world = reached;
        see(&world);
    }
    (world, path)
}

/// What many walks have found.
#[derive(Clone, Debug)]
pub struct Walked {
    /// Steps of all walks together.
    pub steps: usize,
    /// The interesting cases, and whether each was reached.
    pub cases: Vec<(&'static str, bool)>,
    /// The first violation.
    pub counterexample: Option<Counterexample>,
}

/// Walks from every seed below `walks`, until a violation. The same seeds give the same walks.
pub fn walks(model: &JobModel, walks: u64, steps_max: usize) -> Walked {
    let mut walked = Walked {
        steps: 0,
        cases: CASES.iter().map(|(name, _)| (*name, false)).collect(),
        counterexample: None,
    };
    for seed in 0..walks {
        let (world, path) = walk(model, seed, steps_max, |world| {
            for ((_, reached), (_, case)) in walked.cases.iter_mut().zip(CASES) {
                *reached = *reached || case(model, world);
            }
        });
        walked.steps += path.len();
        if let Some(violation) = world.violation {
            walked.counterexample = Some(Counterexample { violation, path });
            break;
        }
    }
    walked
}
