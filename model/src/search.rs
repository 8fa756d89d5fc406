//! Shortest paths and long walks.
//!
//! stateright counts states and judges properties, but its breadth-first search does not give
//! shortest paths (0.31), and nothing in it goes deep where a space is too large. Both are small.

#![expect(clippy::disallowed_types, reason = "looked up by print and never iterated")]

use std::collections::HashMap;

use keygroups::protocol::invariant::Violation;
use stateright::Model;

use crate::{
    action::Action,
    cases::CASES,
    interned::{Ids, Interned},
    model::JobModel,
    survey::{Progress, actions},
    world::World,
};

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
    let model = Interned::new(*model);
    shortest_to(&model, unique_max, |ids| model.violation_of(ids).cloned())
}

/// Explores by distance, until `judge` finds a state bad or `unique_max` states. Every state is
/// judged once.
pub fn shortest_to(
    model: &Interned,
    unique_max: usize,
    mut judge: impl FnMut(&Ids) -> Option<Violation>,
) -> Search {
    shortest_while(model, unique_max, |ids, _| judge(ids).map_or(Verdict::Fine, Verdict::Bad))
}

/// What a judge says of a state.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Nothing is wrong with it.
    Fine,
    /// The search has found what it looks for.
    Bad(Violation),
    /// Nobody wants to know more.
    Enough,
}

/// The same; `judge` is told how far the search has come, and may end it.
pub fn shortest_while(
    model: &Interned,
    unique_max: usize,
    mut judge: impl FnMut(&Ids, Progress) -> Verdict,
) -> Search {
    let first = model.first();
    // By state: the state before.
    let mut parents = HashMap::new();
    parents.insert(first.print(), first.print());
    let mut progress = Progress { unique: 1, generated: 1, depth: 0, queue: 1 };
    let mut verdict = judge(&first, progress);
    let mut last = first;
    let (mut level, mut next) = (vec![first], Vec::new());
    while matches!(verdict, Verdict::Fine) && !level.is_empty() && parents.len() < unique_max {
        for ids in level.drain(..) {
            progress.queue -= 1;
            model.steps(&ids, |_, reached| {
                if !matches!(verdict, Verdict::Fine) || parents.len() >= unique_max {
                    return;
                }
                progress.generated += 1;
                if parents.contains_key(&reached.print()) {
                    return;
                }
                parents.insert(reached.print(), ids.print());
                progress.unique += 1;
                progress.queue += 1;
                verdict = judge(&reached, progress);
                last = reached;
                next.push(reached);
            });
        }
        progress.depth += 1;
        std::mem::swap(&mut level, &mut next);
    }
    let complete = matches!(verdict, Verdict::Fine) && parents.len() < unique_max;
    let counterexample = match verdict {
        Verdict::Bad(violation) => {
            let mut way = Vec::new();
            let mut at = last.print();
            while parents[&at] != at {
                way.push(at);
                at = parents[&at];
            }
            way.reverse();
            Some(Counterexample { violation, path: actions(model, &way) })
        }
        Verdict::Fine | Verdict::Enough => None,
    };
    Search { unique: parents.len(), complete, counterexample }
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
        cases: CASES.iter().map(|case| (case.name, false)).collect(),
        counterexample: None,
    };
    for seed in 0..walks {
        let (world, path) = walk(model, seed, steps_max, |world| {
            for ((_, reached), case) in walked.cases.iter_mut().zip(CASES) {
                *reached = *reached || case.is_reached(world);
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
