//! Whole clusters: a job on the production machines, seed by seed.
#![cfg(madsim)]

use keygroups::key_group::{MaxParallelism, Parallelism};
use keygroups_sim::cluster::{Scenario, simulate};
use keygroups_sim::fault::Profile;
use keygroups_sim::input::{DEFAULT_KEY, Table};
use keygroups_sim::trace::Recording;
use std::sync::Arc;

fn scenario(rows: usize, parallelisms: &[u32], faults: Profile) -> Scenario {
    let mut table = Table::january(DEFAULT_KEY).unwrap();
    table.rows.truncate(rows);
    let parallelisms = parallelisms.iter().map(|&p| Parallelism::new(p).unwrap()).collect();
    Scenario::new(Arc::new(table), MaxParallelism::new(128).unwrap(), parallelisms, faults).unwrap()
}

#[test]
fn quiet_job_rescales_and_equals_the_sequential_run() {
    let run = simulate(1, &scenario(2_000, &[2, 4, 3], Profile::None), Recording::default());
    let summary = run.outcome.unwrap();
    assert_eq!((summary.attempts, summary.rescales, summary.elections), (3, 2, 1), "{summary:?}");
}
