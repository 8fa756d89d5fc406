//! A path through a model: every state on it, and what led from one to the next.

use anyhow::{Context, ensure};
use keygroups_model::{action::Action, model::JobModel, world::World};
use stateright::Model;

/// A path with all its states: one more than steps.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    pub(crate) model: JobModel,
    pub(crate) worlds: Vec<World>,
    pub(crate) actions: Vec<Action>,
    pub(crate) positions: Vec<usize>,
}

impl Path {
    /// The path that has not begun.
    pub(crate) fn new(model: JobModel) -> Self {
        let worlds = model.init_states();
        Self { model, worlds, actions: Vec::new(), positions: Vec::new() }
    }

    /// Goes along the positions of actions.
    ///
    /// # Errors
    ///
    /// If there is no such step.
    pub(crate) fn follow(model: JobModel, positions: &[usize]) -> anyhow::Result<Self> {
        let mut path = Self::new(model);
        for position in positions {
            path.step(*position)?;
        }
        Ok(path)
    }

    /// Takes the action at `position` among those of the last state.
    ///
    /// # Errors
    ///
    /// If there is no such action, or it changes nothing.
    pub(crate) fn step(&mut self, position: usize) -> anyhow::Result<()> {
        let number = self.actions.len() + 1;
        let mut actions = self.possible();
        ensure!(
            position < actions.len(),
            "step {number}: there is no action {position} among the {} there",
            actions.len()
        );
        let action = actions.swap_remove(position);
        let next = self
            .model
            .next_state(self.last(), action.clone())
            .with_context(|| format!("step {number}: `{action}` changes nothing there"))?;
        self.worlds.push(next);
        self.actions.push(action);
        self.positions.push(position);
        Ok(())
    }

    /// What can be tried in the last state, whether it changes anything or not.
    pub(crate) fn possible(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        self.model.actions(self.last(), &mut actions);
        actions
    }

    pub(crate) fn last(&self) -> &World {
        self.worlds.last().expect("a model begins somewhere")
    }

    /// The first `steps` steps of it.
    pub(crate) fn up_to(&self, steps: usize) -> Self {
        let mut path = self.clone();
        path.worlds.truncate(steps + 1);
        path.actions.truncate(steps);
        path.positions.truncate(steps);
        path
    }
}
