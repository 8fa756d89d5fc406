//! Small jobs for many seeds: everything is drawn.

use super::super::drawn;
use super::{Scenario, Variety};
use crate::fault::Profile;
use crate::input::Table;
use crate::random;
use fastrand::Rng;
use keygroups::driver::Timings;
use keygroups::key_group::{MaxParallelism, Parallelism};
use std::sync::Arc;
use std::time::Duration;

impl Scenario {
    /// A small job for many seeds, everything drawn from the seed: the first `rows` rows at the most,
    /// parallelisms of `1..=6` rescaled up to three times, any max parallelism from 6 to 200, two or three
    /// coordinators, hosts of one to four slots, with or without local copies, spare hosts, retention, timings,
    /// the pace of sources.
    ///
    /// # Panics
    /// If `input` has no row.
    #[must_use]
    pub fn swarm(seed: u64, input: &Arc<Table>, rows: usize, faults: Profile) -> Self {
        let random = &mut random::stream(seed, "scenario");
        let rows = random.usize(rows.div_ceil(4)..=rows).clamp(1, input.rows.len());
        let mut scenario = Self::drawn(random, faults).with_disks(drawn::disks(seed));
        scenario.input = Arc::new(Table { rows: input.rows[..rows].to_vec() });
        // Six seconds of input.
        let batches = scenario.batches() as usize * usize::from(scenario.partitions);
        scenario.batch_rows = rows.div_ceil(batches).max(1);
        scenario.input = drawn::skewed(seed, &scenario);
        scenario.variety = drawn::variety(seed, &scenario);
        scenario
    }

    /// The same for a source with so many records in each partition. It has no variety yet.
    pub(crate) fn swarm_of(seed: u64, records: &[u64], faults: Profile) -> Self {
        let mut scenario = Self::drawn(&mut random::stream(seed, "scenario"), faults);
        scenario.disks = drawn::disks(seed);
        scenario.partitions = records.len() as u16;
        scenario.batch_rows =
            records.iter().max().map_or(1, |most| most.div_ceil(scenario.batches()).max(1)) as usize;
        scenario
    }

    /// In how many batches a partition is read, in six seconds.
    fn batches(&self) -> u64 {
        6_000_000 / self.batch_interval_us
    }

    /// The variety that `seed` draws for a source of a user's own. How large its state will be, nobody knows, so that
    /// how many parts would be too many is not known either.
    pub(crate) fn draw_variety(&self, seed: u64) -> Variety {
        Variety { empty_partitions: 0, ballast_bytes: 0, part_bytes: None, ..drawn::variety(seed, self) }
    }

    /// A small cluster, and what is done with it; the input comes later.
    fn drawn(random: &mut Rng, faults: Profile) -> Self {
        // Powers of two, and everything else: bounds between subtasks then fall anywhere.
        let max = if random.bool() { random.u32(6..=200) } else { 1 << random.u32(3..=7) };
        let count = random.usize(1..=4);
        let parallelisms =
            (0..count).map(|_| random.u32(1..=6)).map(|p| Parallelism::new(p).expect("1 to 6"));
        let max_parallelism = MaxParallelism::new(max).expect("6 to 200");
        let mut scenario = Self::new(Arc::default(), max_parallelism, parallelisms.collect(), faults)
            .expect("parallelisms of at most 6 fit a max parallelism of at least 6");
        scenario.partitions = random.u16(1..=6);
        scenario.coordinators = random.u16(2..=3);
        scenario.slots = random.u16(1..=4);
        let most = scenario.parallelisms.iter().max().map_or(1, |most| most.get());
        scenario.hosts = (2 * most).div_ceil(scenario.slots) + random.u16(0..=1);
        if faults != Profile::None {
            scenario.spares = random.u16(0..=2);
            // Sometimes not even the spares are enough for the largest parallelism.
            let fewer = random.u16(0..=3).saturating_sub(1);
            scenario.hosts = scenario.hosts.saturating_sub(fewer).max(scenario.hosts_min());
        }
        scenario.batch_interval_us = random::spread(random, (50_000, 800_000));
        scenario.checkpoints_retained = random.usize(1..=3);
        scenario.manifests_retained = random.u64(1..=6);
        scenario.timings = draw_timings(random);
        scenario.store_timeout_us = random.u64(500_000..=1_500_000);
        scenario.horizon_us = random.u64(5_000_000..=15_000_000);
        scenario
    }
}

/// Timings near these, each with its own ratio to the heartbeat.
fn draw_timings(random: &mut Rng) -> Timings {
    let mut ms = |range| Duration::from_millis(random::between(random, range));
    let heartbeat = ms((150, 400));
    let silences = (ms((600, 2_400)), ms((600, 2_400)));
    Timings::default()
        .with_heartbeat(heartbeat)
        .with_leader_silence(silences.0.max(2 * heartbeat))
        .with_host_silence(silences.1.max(2 * heartbeat))
        .with_restart_pause(ms((100, 1_000)))
        .with_checkpoint_interval(ms((500, 2_000)))
        .with_checkpoint_expiry(ms((1_500, 5_000)))
        .with_store_retry(ms((50, 300)))
        .with_request_timeout(ms((700, 3_000)))
        .with_transfer_timeout(ms((1_500, 5_000)))
        .with_sweep_interval(ms((2_000, 8_000)))
        .with_stabilize(ms((200, 2_000)))
}
