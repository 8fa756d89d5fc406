//! The bug zoo in the simulation: which planted bugs a general sweep of seeds must find, and by which rule.
//!
//! The bugs are those of the model ([`keygroups_model::zoo`]). A bug is caught only by the rule that it is
//! planted for, or by the one here that says the same of a running cluster; that something else breaks
//! proves nothing.

mod hunted;
mod sweep;

pub use hunted::{HUNTED, UNSEEN};
pub use sweep::{Catch, Sweep, sweep};

use keygroups::protocol::invariant;
use keygroups_model::zoo::{self, Mutant};

/// A bug that is found.
#[derive(Clone, Copy, Debug)]
pub struct Hunted {
    /// Its name.
    pub name: &'static str,
    /// Rules that catch it besides the invariant that it is planted for.
    pub counterparts: &'static [Counterpart],
}

/// A rule of the simulation that says of a running cluster what an invariant or goal of the model says.
#[derive(Clone, Copy, Debug)]
pub struct Counterpart {
    /// The rule.
    pub rule: &'static str,
    /// Why breaking it shows this bug.
    pub why: &'static str,
}

/// A bug that no run can show, or only one that a sweep does not meet.
#[derive(Clone, Copy, Debug)]
pub struct Unseen {
    /// Its name.
    pub name: &'static str,
    /// Why.
    pub why: &'static str,
}

impl Hunted {
    /// The bug itself.
    ///
    /// # Panics
    ///
    /// If the model's zoo has no bug of that name.
    #[must_use]
    pub fn mutant(&self) -> &'static Mutant {
        zoo::find(self.name).expect("a hunted bug is in the zoo")
    }

    /// Every rule that catches it.
    pub fn rules(&self) -> impl Iterator<Item = &'static str> {
        let own = invariant::ALL.iter().map(|own| own.name).filter(|name| *name == self.mutant().breaks);
        own.chain(self.counterparts.iter().map(|counterpart| counterpart.rule))
    }

    /// Whether a run in which this rule broke has caught it.
    #[must_use]
    pub fn is_caught_by(&self, rule: &str) -> bool {
        self.rules().any(|catches| catches == rule)
    }
}

/// How the bug of that name is hunted, if it is.
#[must_use]
pub fn hunted(name: &str) -> Option<&'static Hunted> {
    HUNTED.iter().find(|hunted| hunted.name == name)
}
