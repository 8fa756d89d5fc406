//! The machines of keygroups, explored exhaustively.
//!
//! The production [`Coordinator`](keygroups::protocol::Coordinator),
//! [`Host`](keygroups::protocol::Host) and [`Aligner`](keygroups::protocol::Aligner) run in a small
//! [`World`](world::World); stateright tries every order of events, every loss and every crash
//! within the budget of a [`Story`](story::Story). A [zoo] of planted bugs proves that the
//! invariants would notice. docs/model.md says what is inside, what is outside, and why.
//!
//! That this crate compiles is a proof of its own: it takes the library without default features, so
//! the protocol needs neither a runtime nor a store.
//!
//! ```
//! use keygroups_model::{Bound, check};
//!
//! let report = check("scale-in", Bound::Quick)?;
//! assert!(report.complete && report.violated.is_empty(), "{report}");
//! # Ok::<(), keygroups_model::UnknownStory>(())
//! ```

pub mod action;
pub mod cases;
mod check;
mod choice;
pub mod conform;
pub mod coverage;
pub mod engine;
pub mod interned;
pub mod liveness;
pub mod model;
pub mod network;
mod part;
pub mod process;
mod properties;
mod reduce;
pub mod search;
pub mod step;
pub mod store;
pub mod stories;
pub mod story;
pub mod survey;
mod words;
pub mod world;
pub mod zoo;

pub use check::{Bound, Limits, Report, UnknownStory, check, check_model};
pub use part::Part;
