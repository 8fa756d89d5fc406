//! stateright's own Explorer on the same model, with our words and pictures in it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use keygroups_model::action::Action;
use keygroups_model::model::JobModel;
use keygroups_model::world::World;
use stateright::{Model, Property};

use super::address;
use crate::model::{Block, Choice, Path, picture};

/// Serves it at the port after `ours` or, if that is taken, at any.
///
/// # Errors
///
/// If it does not answer. Our own page needs nothing of it.
#[allow(clippy::disallowed_methods)] // A server of its own; nothing waits for it for long.
pub(super) fn serve(choice: &Choice, ours: SocketAddr) -> anyhow::Result<SocketAddr> {
    const TRIES: u32 = 40;
    const PAUSE: Duration = Duration::from_millis(50);
    let (address, model) = (address::beside(ours)?, Told(choice.model));
    // stateright panics on this thread if the port was taken meanwhile.
    let server = thread::Builder::new()
        .name("stateright".into())
        .spawn(move || model.checker().serve(address))
        .context("cannot start a thread")?;
    for _ in 0..TRIES {
        ensure!(!server.is_finished(), "it could not listen at {address}");
        if TcpStream::connect(address).is_ok() {
            return Ok(address);
        }
        thread::sleep(PAUSE);
    }
    bail!("nobody answers at {address}")
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
        let told = Path::along(self.0, &path.into_actions()).ok()?;
        Some(picture(&told).svg())
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties(&self.0)
    }
}

type Condition = fn(&Told, &Readable) -> bool;

fn condition<const INDEX: usize>(told: &Told, state: &Readable) -> bool {
    told.0.properties().get(INDEX).is_none_or(|property| (property.condition)(&told.0, &state.0))
}

// A property takes a plain function, so each needs its own.
macro_rules! conditions {
    ($($index:literal)*) => { &[$(condition::<$index>),*] };
}

const CONDITIONS: &[Condition] = conditions!(
    0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35
    36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63
);

/// The model's own.
fn properties(model: &JobModel) -> Vec<Property<Told>> {
    let properties = model.properties();
    assert!(properties.len() <= CONDITIONS.len(), "there is a condition for each property");
    let told = properties.into_iter().zip(CONDITIONS);
    told.map(|(property, condition)| Property {
        expectation: property.expectation,
        name: property.name,
        condition: *condition,
    })
    .collect()
}
