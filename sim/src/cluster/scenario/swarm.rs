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

/// How long the input comes in.
const INPUT_US: u64 = 6_000_000;

/// Pauses between batches of a partition, the shortest and the longest.
const BATCH_INTERVALS_US: (u64, u64) = (50_000, 800_000);

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
        scenario.pace(rows.div_ceil(usize::from(scenario.partitions)) as u64);
        scenario.input = drawn::skewed(seed, &scenario);
        scenario.variety = drawn::variety(seed, &scenario);
        scenario
    }

    /// The same for a source with so many records in each partition. It has no variety yet.
    pub(crate) fn swarm_of(seed: u64, records: &[u64], faults: Profile) -> Self {
        let mut scenario = Self::drawn(&mut random::stream(seed, "scenario"), faults);
        scenario.disks = drawn::disks(seed);
        scenario.partitions = records.len() as u16;
        scenario.pace(records.iter().max().copied().unwrap_or(0));
        scenario
    }

    /// Lets the longest partition come in until [`INPUT_US`], as far as pauses may be that long: faults find least in
    /// a job that has nothing to read any more.
    fn pace(&mut self, records: u64) {
        let (_, longest_us) = BATCH_INTERVALS_US;
        let one_by_one_us = INPUT_US / records.max(1);
        self.batch_interval_us = self.batch_interval_us.max(one_by_one_us.min(longest_us));
        let batches = INPUT_US / self.batch_interval_us;
        self.batch_rows = records.div_ceil(batches).max(1) as usize;
    }

    /// The variety that `seed` draws for a source of a user's own. How large its state will be, nobody knows, so that
    /// how many parts would be too many is not known either.
    pub(crate) fn draw_variety(&self, seed: u64) -> Variety {
        Variety { empty_partitions: 0, ballast_bytes: 0, part_bytes: None, ..drawn::variety(seed, self) }
    }

    /// A small cluster, and what is done with it; the input comes later.
    fn drawn(random: &mut Rng, faults: Profile) -> Self {
        // Powers of two, and everything else: bounds between subtasks then fall anywhere.
        let max =
            if random.bool() { random::spread(random, (6, 200)) as u32 } else { 1 << random.u32(3..=7) };
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
        scenario.batch_interval_us = random::spread(random, BATCH_INTERVALS_US);
        scenario.checkpoints_retained = random.usize(1..=3);
        scenario.manifests_retained = random.u64(1..=6);
        scenario.timings = draw_timings(random);
        scenario.store_timeout_us = random.u64(500_000..=1_500_000);
        scenario.horizon_us = random.u64(5_000_000..=15_000_000);
        scenario
    }
}

/// Timings near these, each with its own ratio to the heartbeat. Of twice as many heartbeats seven of ten inputs were
/// one, and the planted bugs were found later (docs/simulation.md).
fn draw_timings(random: &mut Rng) -> Timings {
    let mut ms = |range| Duration::from_millis(random::between(random, range));
    let heartbeat = ms((300, 800));
    let silences = (ms((800, 3_200)), ms((800, 3_200)));
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
