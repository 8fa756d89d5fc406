//! A takeover does not raise the epoch.
//!
//! RisingWave's exchange requests carried nothing that told one recovery round from the next, so
//! requests of an earlier round took the channels of the current one. Here a new leader goes on
//! under its predecessor's epoch, and nobody can tell their messages apart.
//!
//! Source: RisingWave pull request 20879, issue 20544.

use keygroups::protocol::{Coordinator, CoordinatorInput, CoordinatorOutput};

use super::{Twist, change_manifests};
use crate::step::Step;

/// A claim keeps the epoch of the manifest before.
#[derive(Debug)]
pub struct EpochNotRaised;

impl Twist for EpochNotRaised {
    fn coordinator_wants(
        &self,
        around: &mut Step<'_>,
        _: &Coordinator,
        _: &CoordinatorInput,
        out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        let newest = around.history().newest();
        change_manifests(out, |manifest| {
            if let Some(newest) = newest.filter(|newest| newest.epoch < manifest.epoch) {
                manifest.epoch = newest.epoch;
            }
        })
    }
}
