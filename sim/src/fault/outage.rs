//! The store serves nobody for a while.

use crate::random::spread;
use crate::storage::{Outage, StoreFaults};
use fastrand::Rng;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreOutage {
    /// Whether clients are told.
    pub outage: Outage,
    /// Virtual microseconds until it serves again.
    pub for_us: u64,
}

impl StoreOutage {
    pub(super) fn draw(random: &mut Rng) -> Self {
        let outage = if random.bool() { Outage::Refuses } else { Outage::Silent };
        Self { outage, for_us: spread(random, (200_000, 10_000_000)) }
    }

    pub(super) fn describe(&self) -> String {
        match self.outage {
            Outage::Refuses => "the store refuses everybody".to_owned(),
            Outage::Silent => "the store is silent".to_owned(),
        }
    }

    pub(super) fn shape(&self, store: &mut StoreFaults) {
        store.outage = Some(self.outage);
    }
}
