//! Every link is worse than usual: it loses, repeats, holds up or lets overtake, or all of it.

use crate::random::spread;
use crate::wire::{LinkFaults, NetworkFaults};
use fastrand::Rng;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoughLinks {
    /// How every link behaves meanwhile, at the least: one that is worse in something stays so.
    pub faults: LinkFaults,
    /// Virtual microseconds until it is over.
    pub for_us: u64,
}

impl RoughLinks {
    /// Everything at once.
    pub(super) fn draw(random: &mut Rng) -> Self {
        let (loss, duplication) = (Self::draw_loss(random), Self::draw_duplication(random));
        let (reordering, spikes) = (Self::draw_reordering(random), Self::draw_spikes(random));
        let all = [loss, duplication, reordering, spikes];
        let faults = all.iter().fold(LinkFaults::CALM, |worst, one| worst.worse_of(one.faults));
        Self { faults, ..all[0] }
    }

    pub(super) fn draw_loss(random: &mut Rng) -> Self {
        let loss_per_million = random.u32(1..300_000);
        Self::of(random, LinkFaults { loss_per_million, ..LinkFaults::CALM })
    }

    pub(super) fn draw_duplication(random: &mut Rng) -> Self {
        let duplicate_per_million = random.u32(1..300_000);
        Self::of(random, LinkFaults { duplicate_per_million, ..LinkFaults::CALM })
    }

    /// A wide range of delays: what was sent later often comes earlier.
    pub(super) fn draw_reordering(random: &mut Rng) -> Self {
        let latency_us = (1_000, spread(random, (4_000, 80_000)));
        Self::of(random, LinkFaults { latency_us, ..LinkFaults::CALM })
    }

    pub(super) fn draw_spikes(random: &mut Rng) -> Self {
        let spike_per_million = random.u32(1..100_000);
        Self::of(random, LinkFaults { spike_per_million, spike_us: (50_000, 2_000_000), ..LinkFaults::CALM })
    }

    fn of(random: &mut Rng, faults: LinkFaults) -> Self {
        Self { faults, for_us: spread(random, (200_000, 8_000_000)) }
    }

    /// The one thing that is wrong, or the name for several.
    pub(super) fn kind(&self) -> &'static str {
        let LinkFaults { latency_us, loss_per_million, duplicate_per_million, spike_per_million, .. } =
            self.faults;
        let wide = latency_us.1 > LinkFaults::CALM.latency_us.1;
        match (loss_per_million > 0, duplicate_per_million > 0, wide, spike_per_million > 0) {
            (true, false, false, false) => "loss",
            (false, true, false, false) => "duplication",
            (false, false, true, false) => "reordering",
            (false, false, false, true) => "delay-spikes",
            _ => "rough-links",
        }
    }

    pub(super) fn describe(&self) -> String {
        let LinkFaults { latency_us, loss_per_million, duplicate_per_million, spike_per_million, spike_us } =
            self.faults;
        let percent = |per_million: u32| f64::from(per_million) / 10_000.0;
        format!(
            "links delay by up to {} ms, lose {:.1} %, repeat {:.1} % and hold up {:.1} % by up to {} ms",
            latency_us.1 / 1_000,
            percent(loss_per_million),
            percent(duplicate_per_million),
            percent(spike_per_million),
            spike_us.1 / 1_000
        )
    }

    pub(super) fn shape(&self, network: &mut NetworkFaults) {
        network.worsen_every(self.faults);
    }
}
