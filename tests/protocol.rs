//! The machines by themselves: what is said, step by step, and what late, repeated and foreign
//! words change.

mod common;
#[path = "protocol/desk.rs"]
mod desk;
#[path = "protocol/facts.rs"]
mod facts;
#[path = "protocol/leadership.rs"]
mod leadership;
#[path = "protocol/names.rs"]
mod names;
#[path = "protocol/story.rs"]
mod story;
#[path = "protocol/sweeps.rs"]
mod sweeps;
#[path = "protocol/written.rs"]
mod written;
