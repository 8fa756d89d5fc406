//! What the store itself does to a request, whatever the network does.

use super::trouble::Trouble;
use serde::{Deserialize, Serialize};

/// A time in which the store serves nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outage {
    /// Every request is answered with 503, without effect.
    Refuses,
    /// No request is answered, and none has an effect.
    Silent,
}

/// The present behaviour of the store. Probabilities are per request, in millionths; at most one misfortune
/// strikes a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreFaults {
    /// Shortest and longest service time in microseconds, both inclusive.
    pub latency_us: (u64, u64),
    /// Answered with 503: definitely no effect.
    pub refused_per_million: u32,
    /// Never served and never answered: the client times out, no effect.
    pub swallowed_per_million: u32,
    /// Served at once and never answered: the client times out although the effect is there.
    pub unanswered_per_million: u32,
    /// Served only after `late_us` (and then answered, usually to nobody): the client times out, looks,
    /// sees nothing, and the effect comes afterwards.
    pub late_per_million: u32,
    /// How much later, in microseconds.
    pub late_us: (u64, u64),
    /// Serves nobody at present.
    pub outage: Option<Outage>,
    /// Objects per page of a listing. Other requests are served between two pages, as in S3.
    pub page_objects: usize,
    /// What else goes wrong, each in its scope.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub troubles: Vec<Trouble>,
}

impl StoreFaults {
    /// A store that answers every request within 5 to 15 ms.
    pub const CALM: Self = Self {
        latency_us: (5_000, 15_000),
        refused_per_million: 0,
        swallowed_per_million: 0,
        unanswered_per_million: 0,
        late_per_million: 0,
        late_us: (0, 0),
        outage: None,
        page_objects: 1_000,
        troubles: Vec::new(),
    };
}

impl Default for StoreFaults {
    fn default() -> Self {
        Self::CALM
    }
}
