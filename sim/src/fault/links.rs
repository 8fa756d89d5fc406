//! Every link loses, repeats, delays and reorders more than usual.

use crate::random::spread;
use crate::wire::{LinkFaults, NetworkFaults};
use fastrand::Rng;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoughLinks {
    /// How every link behaves meanwhile.
    pub faults: LinkFaults,
    /// Virtual microseconds until it is over.
    pub for_us: u64,
}

impl RoughLinks {
    pub(super) fn draw(random: &mut Rng) -> Self {
        let faults = LinkFaults {
            latency_us: (1_000, spread(random, (4_000, 80_000))),
            loss_per_million: random.u32(0..300_000),
            duplicate_per_million: random.u32(0..300_000),
            spike_per_million: random.u32(0..100_000),
            spike_us: (50_000, 2_000_000),
        };
        Self { faults, for_us: spread(random, (200_000, 8_000_000)) }
    }

    pub(super) fn describe(&self) -> String {
        let LinkFaults { latency_us, loss_per_million, duplicate_per_million, .. } = self.faults;
        format!(
            "links delay by up to {} ms, lose {} % and repeat {} %",
            latency_us.1 / 1_000,
            loss_per_million / 10_000,
            duplicate_per_million / 10_000
        )
    }

    pub(super) fn shape(&self, network: &mut NetworkFaults) {
        network.override_every(self.faults);
    }
}
