//! What must always hold, and what must be reached for that to mean anything, as stateright wants it.

use keygroups::protocol::invariant;
use stateright::{Model, Property};

use crate::{
    cases::CASES,
    interned::{Ids, Interned},
    model::JobModel,
    world::World,
};

/// A model that can be asked for invariants and cases.
pub(crate) trait Judged: Model {
    fn broken(&self, state: &Self::State) -> Option<&'static str>;
    fn reaches(&self, state: &Self::State, case: usize) -> bool;
}

impl Judged for JobModel {
    fn broken(&self, world: &World) -> Option<&'static str> {
        world.violation.as_ref().map(|violation| violation.invariant)
    }

    fn reaches(&self, world: &World, case: usize) -> bool {
        CASES[case].is_reached(world)
    }
}

impl Judged for Interned {
    fn broken(&self, ids: &Ids) -> Option<&'static str> {
        self.violation_of(ids).map(|violation| violation.invariant)
    }

    fn reaches(&self, ids: &Ids, case: usize) -> bool {
        self.cases(None, ids, 1 << case) != 0
    }
}

/// Every invariant by name, and every interesting case.
pub(crate) fn all<M: Judged>() -> Vec<Property<M>> {
    // A property takes a plain function, so each invariant and each case needs its own.
    macro_rules! conditions {
        ($function:ident: $($index:literal)*) => { [$($function::<M, $index> as Condition<M>),*] };
    }
    let holds = conditions!(holds: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16);
    let reached = conditions!(reached: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22);
    let always = invariant::ALL.iter().zip(holds);
    let sometimes = CASES.iter().zip(reached);
    always
        .map(|(invariant, holds)| Property::always(invariant.name, holds))
        .chain(sometimes.map(|(case, reached)| Property::sometimes(case.name, reached)))
        .collect()
}

type Condition<M> = fn(&M, &<M as Model>::State) -> bool;

const _: () = assert!(invariant::ALL.len() == 17 && CASES.len() == 23, "each needs a condition");

fn holds<M: Judged, const INDEX: usize>(model: &M, state: &M::State) -> bool {
    model.broken(state) != Some(invariant::ALL[INDEX].name)
}

fn reached<M: Judged, const INDEX: usize>(model: &M, state: &M::State) -> bool {
    model.reaches(state, INDEX)
}
