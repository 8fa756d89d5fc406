//! The store answers some requests with 503, some late, some not at all; not answering says nothing about
//! the effect.

use crate::random::spread;
use crate::storage::StoreFaults;
use fastrand::Rng;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreErrors {
    /// How the store behaves meanwhile.
    pub faults: StoreFaults,
    /// Virtual microseconds until it is over. Late requests may stay late beyond that.
    pub for_us: u64,
}

impl StoreErrors {
    pub(super) fn draw(random: &mut Rng) -> Self {
        let faults = StoreFaults {
            latency_us: (2_000, spread(random, (10_000, 500_000))),
            refused_per_million: random.u32(0..200_000),
            swallowed_per_million: random.u32(0..150_000),
            unanswered_per_million: random.u32(0..150_000),
            late_per_million: random.u32(0..150_000),
            late_us: (100_000, 20_000_000),
            outage: None,
            page_objects: random.usize(1..50),
            troubles: Vec::new(),
        };
        Self { faults, for_us: spread(random, (200_000, 10_000_000)) }
    }

    pub(super) fn describe(&self) -> String {
        format!(
            "the store refuses {} %, swallows {} %, does not answer {} % and delays {} %",
            self.faults.refused_per_million / 10_000,
            self.faults.swallowed_per_million / 10_000,
            self.faults.unanswered_per_million / 10_000,
            self.faults.late_per_million / 10_000
        )
    }

    pub(super) fn shape(&self, store: &mut StoreFaults) {
        let (outage, mut troubles) = (store.outage, std::mem::take(&mut store.troubles));
        troubles.extend(self.faults.troubles.iter().cloned());
        *store = StoreFaults { outage, troubles, ..self.faults.clone() };
    }
}
