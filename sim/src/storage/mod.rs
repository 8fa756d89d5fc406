//! An object store on the simulated network, as unreliable as a real one.
//!
//! [`StoreNode`] holds the objects and answers requests; [`SimObjectStore`] is a client of one process and
//! implements `object_store::ObjectStore`, so that the production store code runs on it unchanged.
//! Requests and replies are encoded and travel over the [network](crate::wire) with its loss, delay and
//! partitions; on top come the store's own [faults](StoreFaults). What a client then cannot know is said
//! by its error ([`StoreFailure`]): whether the request may have had, or may still have, an effect.

mod attributes;
mod client;
mod faults;
mod message;
mod node;
mod objects;
#[cfg(test)]
mod tests;

pub use client::{SimObjectStore, StoreFailure};
pub use faults::{Outage, StoreFaults};
pub use node::{StoreCounts, StoreNode};
pub use objects::{Change, Mutation, Object, Objects};

/// The port the store listens on.
pub const STORE_PORT: u16 = 9000;
