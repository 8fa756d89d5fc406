//! Which actions a state has, and what each does.

use stateright::{Model, Property};

use crate::{
    action::Action,
    choice::{self, Purse},
    properties,
    step::Step,
    story::Story,
    world::World,
    zoo::Twist,
};

/// The production machines in the world of one story, true or with a planted bug.
///
/// Its states are for people: whole [`World`]s. [`Interned`](crate::interned::Interned) is the same
/// model for machines.
#[derive(Clone, Copy, Debug)]
pub struct JobModel {
    story: &'static Story,
    twist: &'static dyn Twist,
    reduced: bool,
}

impl JobModel {
    /// The machines as they are, and every state on its own.
    pub fn new(story: &'static Story) -> Self {
        Self { story, twist: &crate::zoo::Faithful, reduced: false }
    }

    /// The machines as they are. States that differ only in what cannot matter are one.
    pub fn reduced(story: &'static Story) -> Self {
        Self { reduced: true, ..Self::new(story) }
    }

    /// The machines with a planted bug, and every state on its own: what cannot matter to a machine as
    /// it should be can matter to one with a bug.
    pub fn with_twist(story: &'static Story, twist: &'static dyn Twist) -> Self {
        Self { story, twist, reduced: false }
    }

    /// The same, and every state on its own.
    pub fn unreduced(&self) -> Self {
        Self { reduced: false, ..*self }
    }

    /// The story.
    pub fn story(&self) -> &'static Story {
        self.story
    }

    /// What is planted.
    pub fn twist(&self) -> &'static dyn Twist {
        self.twist
    }

    /// Whether states that differ only in what cannot matter are one.
    pub fn is_reduced(&self) -> bool {
        self.reduced
    }

    /// What `action` makes of `world`, its price and the verdict on it left out.
    pub(crate) fn carry_out(&self, world: World, action: &Action) -> World {
        let mut step = Step::new(self, world);
        step.take(action);
        step.into_world()
    }
}

impl Model for JobModel {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(self)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if world.violation.is_some() {
            return;
        }
        let from = actions.len();
        for process in &world.coordinators {
            choice::of_coordinator(process, actions);
            if process.machine.leads().is_some() {
                let to = choice::next_rescale(self.story, world.budget.rescales);
                actions.extend(to.map(|to| Action::Rescale(process.machine.id(), to)));
            }
        }
        actions.extend(world.network.iter().cloned().map(Action::Deliver));
        actions.extend(world.late.iter().cloned().map(Action::Land));
        world.hosts.iter().for_each(|process| choice::of_host(process, self.story, self.twist, actions));
        let mut affordable = actions.split_off(from);
        affordable.retain(|action| {
            let purse = Purse::of(action, world.budget);
            purse.is_none_or(|purse| purse.charge(world.budget).is_some())
        });
        actions.append(&mut affordable);
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut world = self.carry_out(last.clone(), &action);
        if world == *last {
            return None;
        }
        if let Some(purse) = Purse::of(&action, last.budget) {
            world.budget = purse.charge(last.budget)?;
        }
        if self.reduced {
            world.reduce();
        }
        world.settle();
        Some(world)
    }

    fn format_action(&self, action: &Action) -> String {
        action.to_string()
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}
