//! The simulation as a framework.
#![cfg(madsim)]

mod found;
mod jobs;
mod sometimes;
mod variety;

#[path = "../../examples/own_operator.rs"]
#[allow(dead_code, reason = "its main function is the example's")]
mod own_operator;
#[path = "../../examples/own_store.rs"]
#[allow(dead_code, reason = "its main function is the example's")]
mod own_store;
