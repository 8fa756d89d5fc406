//! The clock of a process is wrong: it runs too fast or too slowly, or it jumps. All its timers go by it, so
//! heartbeats, silences and timeouts of the store come early or late.

use crate::process::Manners;
use crate::random::spread;
use crate::wire::{Net, Node};
use fastrand::Rng;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A clock runs too fast or too slowly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockDrift {
    /// Whose.
    pub node: Node,
    /// Milliseconds that it counts in a second, at least 1.
    pub rate_per_mille: u32,
    /// Virtual microseconds until it runs right.
    pub for_us: u64,
}

/// A clock jumps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockJump {
    /// Whose.
    pub node: Node,
    /// Microseconds by which it is put forward: timers fire early. Negative: put back, timers fire late.
    pub by_us: i64,
}

impl ClockDrift {
    pub(super) fn draw(random: &mut Rng, node: Node) -> Self {
        // Far beyond what quartz does: what must not matter may as well be gross.
        let rate_per_mille = if random.bool() { random.u32(500..1_000) } else { random.u32(1_001..=2_000) };
        Self { node, rate_per_mille, for_us: spread(random, (1_000_000, 20_000_000)) }
    }

    pub(super) fn describe(&self, net: &Net) -> String {
        let rate = f64::from(self.rate_per_mille) / 1_000.0;
        format!("the clock of {} runs at {rate:.2} of its rate", net.name(self.node))
    }

    pub(super) fn shape(&self, manners: &mut BTreeMap<Node, Manners>) {
        manners.entry(self.node).or_default().rate_per_mille = self.rate_per_mille;
    }
}

impl ClockJump {
    pub(super) fn draw(random: &mut Rng, node: Node) -> Self {
        let by_us = spread(random, (10_000, 20_000_000)) as i64;
        Self { node, by_us: if random.bool() { by_us } else { -by_us } }
    }

    pub(super) fn describe(&self, net: &Net) -> String {
        let (name, by_ms) = (net.name(self.node), self.by_us.unsigned_abs() / 1_000);
        let way = if self.by_us < 0 { "back" } else { "forward" };
        format!("the clock of {name} is put {way} by {by_ms} ms")
    }
}
