//! What a story of the model reaches: every state is visited, and a listener sits where planted bugs sit.

use std::{
    collections::{BTreeSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, PoisonError},
};

use keygroups::protocol::{Coordinator, CoordinatorInput, CoordinatorOutput, Host, HostInput};
use stateright::Model;

use super::Tally;
use crate::{model::JobModel, store::Request, story::Story, world::World, zoo::Twist};

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
        _: &World,
        coordinator: &Coordinator,
        _: Option<&Request>,
        input: CoordinatorInput,
    ) -> Vec<CoordinatorInput> {
        self.hear(|tally| tally.coordinator_heard(coordinator, &input, None));
        vec![input]
    }

    fn coordinator_wants(
        &self,
        _: &World,
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

/// What happens in any step from any state of `story`. Counts are those of steps tried, with those that
/// change nothing: only whether one is above zero means something.
///
/// Give up early with `go_on`, which is asked for every state; then `None`.
pub fn story(story: &'static Story, mut go_on: impl FnMut() -> bool) -> Option<Tally> {
    // A model is made for the whole program, and this is the price of one.
    let listener: &'static Listener = Box::leak(Box::default());
    let model = JobModel::with_twist(story, listener);
    let fingerprint = |state: &World| {
        let mut hasher = DefaultHasher::new();
        state.hash(&mut hasher);
        hasher.finish()
    };
    let mut queue: VecDeque<_> = model.init_states().into();
    let mut seen: BTreeSet<_> = queue.iter().map(fingerprint).collect();
    let (mut taken, mut actions) = (Tally::default(), Vec::new());
    while let Some(state) = queue.pop_front() {
        if !go_on() {
            return None;
        }
        model.actions(&state, &mut actions);
        for action in actions.drain(..) {
            let kind = action.clone();
            let Some(next) = model.next_state(&state, action) else { continue };
            taken.acted(&kind);
            if seen.insert(fingerprint(&next)) {
                queue.push_back(next);
            }
        }
    }
    let mut tally = listener.tally.lock().unwrap_or_else(PoisonError::into_inner).clone();
    // Which action an input comes from is known here.
    tally.actions = taken.actions;
    Some(tally)
}
