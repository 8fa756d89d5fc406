//! Which ways were taken: kinds of actions, and of transitions of the machines.
//!
//! A kind leaves out everything but the kind: `create manifest, answer lost`, or `running × acknowledge`.
//! The same kinds are counted in a simulated run ([`conform`](crate::conform)) and in the model
//! ([`story`]), so that each shows what the other never does.

mod kinds;
mod phases;
mod stories;
mod tally;

pub use kinds::{ActionKind, EVENTS, INVISIBLE, actions};
pub use phases::{COORDINATOR_PHASES, HOST_PHASES};
pub use stories::story;
pub use tally::{Machine, Tally, Transition};
