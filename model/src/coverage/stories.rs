//! What a story of the model reaches: every state is visited, and a listener sits where planted bugs sit.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Mutex, PoisonError},
};

use keygroups::{
    checkpoint::Manifest,
    protocol::{Coordinator, CoordinatorInput, CoordinatorOutput, Host, HostInput},
};

use super::Tally;
use crate::{
    interned::Interned,
    model::JobModel,
    story::Story,
    zoo::{Around, Twist},
};

/// Hears what machines hear and changes nothing.
#[derive(Debug, Default)]
struct Listener {
    tally: Mutex<Tally>,
}

impl Listener {
    fn hear(&self, what: impl FnOnce(&mut Tally)) {
        what(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Twist for Listener {
    fn coordinator_hears(
        &self,
        _: &mut dyn Around,
        coordinator: &Coordinator,
        _: Option<&Manifest>,
        input: CoordinatorInput,
    ) -> Vec<CoordinatorInput> {
        self.hear(|tally| tally.coordinator_heard(coordinator, &input, None));
        vec![input]
    }

    fn coordinator_wants(
        &self,
        _: &mut dyn Around,
        _: &Coordinator,
        _: &CoordinatorInput,
        out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        for output in &out {
            if let CoordinatorOutput::Event(event) = output {
                self.hear(|tally| tally.happened(event));
            }
        }
        out
    }

    fn host_hears(&self, host: &Host, input: HostInput) -> Vec<HostInput> {
        self.hear(|tally| tally.host_heard(host, &input));
        vec![input]
    }
}

/// What happens in any step from any state of `story`. Only whether a count is above zero means something:
/// a step that was taken before is not heard again.
///
/// Give up early with `go_on`, which is asked for every state; then `None`.
pub fn story(story: &'static Story, mut go_on: impl FnMut() -> bool) -> Option<Tally> {
    // A model is made for the whole program, and this is the price of one.
    let listener: &'static Listener = Box::leak(Box::default());
    let model = Interned::new(JobModel::with_twist(story, listener));
    let first = model.first();
    let (mut queue, mut seen) = (VecDeque::from([first]), BTreeSet::from([first.print()]));
    let mut taken = Tally::default();
    while let Some(state) = queue.pop_front() {
        if !go_on() {
            return None;
        }
        model.steps(&state, |offer, next| {
            taken.acted(model.action(offer));
            if seen.insert(next.print()) {
                queue.push_back(next);
            }
        });
    }
    let mut tally = listener.tally.lock().unwrap_or_else(PoisonError::into_inner).clone();
    // Which action an input comes from is known here.
    tally.actions = taken.actions;
    Some(tally)
}
