//! The machines of keygroups, explored exhaustively.

pub mod action;
mod check;
pub mod engine;
pub mod model;
pub mod network;
mod part;
pub mod process;
pub mod properties;
pub mod search;
pub mod store;
pub mod stories;
pub mod story;
mod words;
pub mod world;
pub mod zoo;

pub use check::{Bound, Report, UnknownStory, check, check_model};
pub use part::Part;
