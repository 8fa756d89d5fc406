//! stateright's own Explorer on the same model, with our words and pictures in it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{SocketAddr, TcpListener};
use std::thread;

use anyhow::Context;
use keygroups_model::action::Action;
use keygroups_model::model::JobModel;
use keygroups_model::world::World;
use stateright::{Model, Property};

use crate::model::{Block, Choice, Path, picture};

/// Serves it at the port after `ours` or, if that is taken, at any.
///
/// # Errors
///
/// If no port is free.
#[allow(clippy::disallowed_methods)] // A server of its own; nothing waits for it.
pub(super) fn serve(choice: &Choice, ours: SocketAddr) -> anyhow::Result<SocketAddr> {
    let free =
        |port| TcpListener::bind(SocketAddr::new(ours.ip(), port)).and_then(|found| found.local_addr());
    let address = ours
        .port()
        .checked_add(1)
        .context("there is no port after the last")
        .and_then(|port| Ok(free(port)?));
    let address = address.or_else(|_| free(0)).context("no port is free for stateright's page")?;
    let model = Told(choice.model);
    thread::Builder::new()
        .name("stateright".into())
        .spawn(move || model.checker().serve(address))
        .context("cannot start stateright's page")?;
    Ok(address)
}

/// The model in words.
#[derive(Clone, Copy, Debug)]
struct Told(JobModel);

/// A state whose debug output, which is what stateright's page shows, is made for reading.
#[derive(Clone, PartialEq)]
struct Readable(World);

impl Hash for Readable {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for Readable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Block::of(&self.0, None).fmt(f)
    }
}

impl Model for Told {
    type State = Readable;
    type Action = Action;

    fn init_states(&self) -> Vec<Readable> {
        self.0.init_states().into_iter().map(Readable).collect()
    }

    fn actions(&self, state: &Readable, actions: &mut Vec<Action>) {
        self.0.actions(&state.0, actions);
    }

    fn next_state(&self, last: &Readable, action: Action) -> Option<Readable> {
        self.0.next_state(&last.0, action).map(Readable)
    }

    fn format_action(&self, action: &Action) -> String {
        action.to_string()
    }

    fn format_step(&self, last: &Readable, action: Action) -> Option<String> {
        let next = self.0.next_state(&last.0, action)?;
        Some(Block::of(&next, Some(&last.0)).to_string())
    }

    fn as_svg(&self, path: stateright::Path<Readable, Action>) -> Option<String> {
        let mut told = Path::new(self.0);
        for action in path.into_actions() {
            let position = told.possible().iter().position(|possible| *possible == action)?;
            told.step(position).ok()?;
        }
        Some(picture(&told).svg())
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties()
    }
}

type Condition = fn(&Told, &Readable) -> bool;

/// One property for all invariants: stateright takes plain functions, and a state knows which it breaks.
fn properties() -> Vec<Property<Told>> {
    let holds: Condition = |_, state| state.0.violation.is_none();
    let finishes: Condition = |told, state| {
        let finished =
            keygroups_model::properties::CASES.iter().find(|(name, _)| *name == "the job finishes");
        finished.is_some_and(|(_, reached)| reached(&told.0, &state.0))
    };
    vec![Property::always("every invariant holds", holds), Property::sometimes("the job finishes", finishes)]
}
