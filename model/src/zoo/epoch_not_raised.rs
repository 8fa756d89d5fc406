//! A takeover does not raise the epoch.
//!
//! RisingWave's exchange requests carried nothing that told one recovery round from the next, so
//! requests of an earlier round took the channels of the current one. Here a new leader goes on
//! under its predecessor's epoch, and nobody can tell their messages apart.
//!
//! Source: RisingWave pull request 20879, issue 20544.

use keygroups::protocol::{Coordinator, CoordinatorInput, CoordinatorOutput};

use super::{Around, Twist, change_manifests};

/// A claim keeps the epoch of the manifest before.
#[derive(Debug)]
pub struct EpochNotRaised;

impl Twist for EpochNotRaised {
    fn coordinator_wants(
        &self,
        around: &mut dyn Around,
        _: &Coordinator,
        _: &CoordinatorInput,
        out: Vec<CoordinatorOutput>,
    ) -> Vec<CoordinatorOutput> {
        let newest = around.newest();
        change_manifests(out, |manifest| {
            if let Some(newest) = newest.as_ref().filter(|newest| newest.epoch < manifest.epoch) {
                manifest.epoch = newest.epoch;
            }
        })
    }
}
