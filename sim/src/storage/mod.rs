//! An object store on the simulated network, as unreliable as a real one.
//!
//! [`StoreNode`] holds the objects and answers requests; [`SimObjectStore`] is a client of one process and
//! implements `object_store::ObjectStore`, so that the production store code runs on it unchanged.
//! Requests and replies are encoded and travel over the [network](crate::wire) with its loss, delay and
//! partitions; on top come the store's own [faults](StoreFaults), any number of [`Trouble`]s among them. What
//! a client then cannot know is said by its error ([`StoreFailure`]): whether the request may have had, or
//! may still have, an effect. Stored bytes can be [damaged](Damage); the [`Atlas`] knows which of them the
//! job can do without.

mod atlas;
mod attributes;
mod client;
mod damage;
mod fate;
mod faults;
mod interface;
mod message;
mod misfortune;
mod multipart;
mod node;
mod objects;
#[cfg(test)]
mod tests;
mod trouble;

pub use atlas::{Atlas, Need};
pub use client::{SimObjectStore, StoreFailure};
pub use damage::{Damage, DamageKind, Damaged};
pub use faults::{Outage, StoreFaults};
pub use misfortune::{RequestFate, RequestMisfortune};
pub use node::{StoreCounts, StoreNode};
pub use objects::{Change, Mutation, Object, Objects};
pub use trouble::{LISTING_LAG_MAX, Scope, Trouble, TroubleKind};

/// The port the store listens on.
pub const STORE_PORT: u16 = 9000;
