//! A bug of the model's zoo, planted into a simulated cluster.
//!
//! The same [`Twist`] that the model carries out on values is carried out here on the production driver's
//! machines and on real bytes: around the machines by [`TwistedCoordinator`] and [`TwistedHost`], in front
//! of the store by [`TwistedStore`], in the engine where it asks [`Planted::twist`].

mod coordinator;
mod copies;
mod host;
mod store;
mod upload;

pub(crate) use coordinator::TwistedCoordinator;
pub(crate) use copies::TrustingStore;
pub(crate) use host::TwistedHost;
pub(crate) use store::TwistedStore;

use keygroups_model::zoo::{Faithful, Mutant, Twist};

/// What is planted into a cluster.
#[derive(Clone, Copy, Debug, Default)]
pub struct Planted {
    mutant: Option<&'static Mutant>,
}

impl Planted {
    /// No bug.
    pub const NOTHING: Self = Self { mutant: None };

    /// This one.
    #[must_use]
    pub const fn bug(mutant: &'static Mutant) -> Self {
        Self { mutant: Some(mutant) }
    }

    /// Which, if any.
    #[must_use]
    pub const fn mutant(self) -> Option<&'static Mutant> {
        self.mutant
    }

    /// What an engine asks where a bug can sit.
    pub(crate) fn twist(self) -> &'static dyn Twist {
        self.mutant.map_or(&Faithful, |mutant| mutant.twist)
    }
}
