//! A path through a model: every state on it, and what led from one to the next.

use anyhow::{Context, ensure};
use keygroups::protocol::invariant::Violation;
use keygroups_model::action::Action;
use keygroups_model::liveness::Goal;
use keygroups_model::model::JobModel;
use keygroups_model::world::World;
use stateright::Model;

/// A path with all its states: one more than steps.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    pub(crate) model: JobModel,
    pub(crate) worlds: Vec<World>,
    pub(crate) actions: Vec<Action>,
    pub(crate) positions: Vec<usize>,
    // The goal of recovery that cannot be reached any more from the last state.
    lost: Option<Violation>,
}

impl Path {
    /// The path that has not begun.
    pub(crate) fn new(model: JobModel) -> Self {
        let worlds = model.init_states();
        Self { model, worlds, actions: Vec::new(), positions: Vec::new(), lost: None }
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

    /// Goes along actions.
    ///
    /// # Errors
    ///
    /// If one of them cannot happen where it is to happen.
    pub(crate) fn along(model: JobModel, actions: &[Action]) -> anyhow::Result<Self> {
        let mut path = Self::new(model);
        for (number, action) in (1..).zip(actions) {
            let position = path.possible().iter().position(|possible| possible == action);
            path.step(position.with_context(|| format!("step {number}: `{action}` cannot happen there"))?)?;
        }
        Ok(path)
    }

    /// The same path, known to end where `goal` cannot be reached any more.
    pub(crate) fn losing(self, goal: &Goal) -> Self {
        let detail = format!(
            "if everything in flight is lost here, nothing goes on by itself to where {}{}",
            goal.sentence[..1].to_lowercase(),
            &goal.sentence[1..]
        );
        Self { lost: Some(Violation { invariant: goal.name, detail }), ..self }
    }

    /// What is wrong at its end: an invariant, or a goal of recovery that is out of reach.
    pub(crate) fn broken(&self) -> Option<&Violation> {
        self.last().violation.as_ref().or(self.lost.as_ref())
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
        self.lost = None;
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
        if steps < path.actions.len() {
            path.lost = None;
        }
        path.worlds.truncate(steps + 1);
        path.actions.truncate(steps);
        path.positions.truncate(steps);
        path
    }
}
