//! Draws what makes a job unlike the next one.

use super::Scenario;
use super::variety::{JobRestart, Sections, Silence, Slow, Variety, Wish};
use crate::fault::Profile;
use crate::input::{Row, Table};
use crate::random;
use fastrand::Rng;
use keygroups::key_group::{self, Parallelism};
use std::num::NonZeroU32;
use std::sync::Arc;

/// Keys of the rows of a job that is drawn from `seed`: as they are, or a few that get most of the rows, or
/// all in one key group.
pub(super) fn skewed(seed: u64, scenario: &Scenario) -> Arc<Table> {
    let random = &mut random::stream(seed, "keys");
    let rows = &scenario.input.rows;
    let max = scenario.max_parallelism;
    match random.u8(0..8) {
        // Hot keys.
        0 | 1 => {
            let hot: Vec<Arc<str>> =
                (0..random.usize(1..=3)).map(|_| rows[random.usize(0..rows.len())].key.clone()).collect();
            let percent = random.u8(50..=100);
            let mut heat = |row: &Row| match random.u8(0..100) < percent {
                true => Row { key: hot[random.usize(0..hot.len())].clone(), ..row.clone() },
                false => row.clone(),
            };
            Arc::new(Table { rows: rows.iter().map(&mut heat).collect() })
        }
        // One key group has all keys, all others are empty.
        2 => {
            let wanted = key_group::of(&*rows[0].key, max);
            let same: Vec<_> = rows.iter().filter(|row| key_group::of(&*row.key, max) == wanted).collect();
            let moved =
                |(at, row): (usize, &Row)| Row { key: same[at % same.len()].key.clone(), ..row.clone() };
            Arc::new(Table { rows: rows.iter().enumerate().map(moved).collect() })
        }
        _ => scenario.input.clone(),
    }
}

/// Whether hosts keep local copies: in every other seed.
pub(super) fn disks(seed: u64) -> bool {
    random::stream(seed, "disks").bool()
}

/// What else is drawn from `seed` for a scenario. Without faults the job is as quiet as it can be.
pub(super) fn variety(seed: u64, scenario: &Scenario) -> Variety {
    let random = &mut random::stream(seed, "variety");
    let mut variety = Variety { bases_max: bases_max(seed), sections: sections(seed), ..Variety::default() };
    let within_us = scenario.horizon_us;
    if random.u8(0..6) == 0 {
        variety.empty_partitions = random.u16(0..scenario.partitions);
    }
    if random.u8(0..8) == 0 {
        variety.ballast_bytes = random::spread(random, (16, 2_048)) as u32;
    }
    variety.part_bytes = part_bytes(seed, scenario, variety.ballast_bytes);
    if random.u8(0..4) == 0 {
        for _ in 0..random.u8(1..=2) {
            let partition = random.u16(0..scenario.partitions);
            let (at_us, for_us) = time_in(random, within_us);
            variety.silences.push(Silence { partition, at_us, for_us });
        }
    }
    if scenario.faults == Profile::None {
        return variety;
    }
    variety.window_messages = window(seed);
    if random.u8(0..4) == 0 {
        let (at_us, for_us) = time_in(random, within_us);
        variety.slow.push(Slow { at_us, for_us, records: random::spread(random, (1, 64)) as u32 });
    }
    if random.u8(0..3) == 0 {
        burst(random, scenario, &mut variety);
    }
    if random.u8(0..5) == 0 {
        restart(random, scenario, &mut variety);
    }
    variety.wishes.sort_by_key(|wish| wish.at_us);
    variety
}

/// Channels that are full after a few messages: then sources wait, and barriers come late. It was thought of
/// when all else was drawn already, so that it has a stream of its own.
fn window(seed: u64) -> Option<u16> {
    let random = &mut random::stream(seed, "window");
    (random.u8(0..5) == 0).then(|| random::spread(random, (1, 8)) as u16)
}

/// From a stream of its own, so that what was drawn before this could be drawn is drawn as before.
fn bases_max(seed: u64) -> Option<u8> {
    let random = &mut random::stream(seed, "bases");
    (random.u8(0..4) == 0).then(|| random.u8(0..=3))
}

/// From a stream of its own, for the same reason. All keys together have some 64 bytes each, and their ballast: a snapshot
/// of all of them has up to 128 parts. More would take longer than a checkpoint may.
fn part_bytes(seed: u64, scenario: &Scenario, ballast_bytes: u32) -> Option<NonZeroU32> {
    let random = &mut random::stream(seed, "parts");
    if random.u8(0..3) > 0 {
        return None;
    }
    let state_bytes = scenario.rows() as u64 * (64 + u64::from(ballast_bytes));
    let part_bytes = state_bytes / random::spread(random, (4, 128));
    u32::try_from(part_bytes).ok().and_then(NonZeroU32::new)
}

/// From a stream of its own, for the same reason.
fn sections(seed: u64) -> Option<Sections> {
    let random = &mut random::stream(seed, "sections");
    match random.u8(0..10) {
        0 | 1 => Some(Sections::Tables),
        2 => Some(Sections::TablesLz4),
        3 => Some(Sections::SortedZstd),
        _ => None,
    }
}

/// A few requests, some of them within milliseconds.
fn burst(random: &mut Rng, scenario: &Scenario, variety: &mut Variety) {
    let (mut at_us, _) = time_in(random, scenario.horizon_us);
    for _ in 0..random.u8(1..=5) {
        let for_us = if random.bool() { 0 } else { random::spread(random, (100_000, 4_000_000)) };
        variety.wishes.push(Wish { at_us, for_us, parallelism: parallelism(random, scenario) });
        at_us += random::spread(random, (1, 2_000_000));
    }
}

/// The job is cancelled, started again, and asked for the parallelism that its new options name.
fn restart(random: &mut Rng, scenario: &Scenario, variety: &mut Variety) {
    let (at_us, _) = time_in(random, scenario.horizon_us);
    let down_us = random::spread(random, (1_000, 5_000_000));
    let parallelism = parallelism(random, scenario);
    variety.restarts.push(JobRestart {
        at_us,
        down_us,
        parallelism,
        slots: scenario.slots + random.u16(0..=1),
        checkpoints_retained: random.usize(1..=2),
    });
    if random.bool() {
        let for_us = random::spread(random, (500_000, 4_000_000));
        variety.wishes.push(Wish { at_us: at_us + down_us, for_us, parallelism });
    }
}

fn parallelism(random: &mut Rng, scenario: &Scenario) -> Parallelism {
    let most = u32::from(scenario.max_parallelism.get()).min(6);
    Parallelism::new(random.u32(1..=most)).expect("1 to 6")
}

/// From when on, and for how long.
fn time_in(random: &mut Rng, within_us: u64) -> (u64, u64) {
    let at_us = random.u64(0..=within_us);
    (at_us, random::spread(random, (50_000, within_us.max(50_001) / 2)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::DEFAULT_KEY;
    use std::collections::BTreeSet;

    fn scenarios(faults: Profile) -> Vec<Scenario> {
        let table = Arc::new(Table::january(DEFAULT_KEY).unwrap());
        (0..200).map(|seed| Scenario::swarm(seed, &table, 400, faults)).collect()
    }

    fn share(scenarios: &[Scenario], is: impl Fn(&Scenario) -> bool) -> usize {
        scenarios.iter().filter(|scenario| is(scenario)).count() * 100 / scenarios.len()
    }

    #[test]
    fn every_variety_is_drawn_now_and_then_and_can_be_run() {
        let drawn = scenarios(Profile::Chaos);
        drawn.iter().for_each(|scenario| scenario.check().unwrap());
        let now_and_then = |percent| (5..=45).contains(&percent);
        assert!(now_and_then(share(&drawn, |scenario| scenario.variety.empty_partitions > 0)));
        assert!(now_and_then(share(&drawn, |scenario| scenario.variety.ballast_bytes > 0)));
        assert!(now_and_then(share(&drawn, |scenario| scenario.variety.bases_max.is_some())));
        assert!(now_and_then(share(&drawn, |scenario| scenario.variety.part_bytes.is_some())));
        assert!(now_and_then(share(&drawn, |scenario| scenario.variety.sections.is_some())));
        assert!(now_and_then(share(&drawn, |scenario| !scenario.variety.silences.is_empty())));
        assert!(now_and_then(share(&drawn, |scenario| !scenario.variety.slow.is_empty())));
        assert!(now_and_then(share(&drawn, |scenario| !scenario.variety.wishes.is_empty())));
        assert!(now_and_then(share(&drawn, |scenario| !scenario.variety.restarts.is_empty())));
        assert!(now_and_then(share(&drawn, |scenario| scenario.variety.window_messages.is_some())));
        assert!(share(&drawn, |scenario| scenario.variety == Variety::default()) >= 5);
        // Hot keys, and all keys in one key group of many.
        let keys = |scenario: &Scenario| -> BTreeSet<_> {
            scenario.input.rows.iter().map(|row| row.key.clone()).collect()
        };
        let groups = |scenario: &Scenario| -> BTreeSet<_> {
            keys(scenario).iter().map(|key| key_group::of(&**key, scenario.max_parallelism)).collect()
        };
        let hot =
            |scenario: &Scenario| keys(scenario).len() * 2 < scenario.rows() && groups(scenario).len() > 1;
        assert!(now_and_then(share(&drawn, hot)));
        assert!(now_and_then(share(&drawn, |scenario| groups(scenario).len() == 1)));
    }

    #[test]
    fn quiet_job_is_not_disturbed_by_its_variety() {
        for scenario in scenarios(Profile::None) {
            let Variety { slow, wishes, restarts, window_messages, .. } = scenario.variety;
            assert!(window_messages.is_none() && slow.is_empty() && wishes.is_empty() && restarts.is_empty());
        }
    }
}
