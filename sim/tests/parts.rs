//! Snapshots and outputs that go up in parts, in whole clusters: nothing depends on it, and what is left of uploads that were
//! never finished harms nobody.
#![cfg(madsim)]

use keygroups_model::zoo;
use keygroups_sim::batch::run_seeds;
use keygroups_sim::case::Case;
use keygroups_sim::cluster::{Scenario, Summary, Variety};
use keygroups_sim::fault::Profile;
use keygroups_sim::input::{DEFAULT_KEY, Table};
use keygroups_sim::run::Run;
use keygroups_sim::trace::Recording;
use std::num::NonZeroU32;
use std::ops::{ControlFlow, Range};
use std::sync::{Arc, LazyLock};

static JANUARY: LazyLock<Arc<Table>> = LazyLock::new(|| Arc::new(Table::january(DEFAULT_KEY).unwrap()));

/// What `seed` draws, but with parts of so many bytes.
fn case(seed: u64, part_bytes: Option<u32>, faults: Profile) -> Case {
    let scenario = Scenario::swarm(seed, &JANUARY, 300, faults);
    let part_bytes = part_bytes.and_then(NonZeroU32::new);
    let variety = Variety { part_bytes, ballast_bytes: 0, ..scenario.variety().clone() };
    Case::draw(seed, &scenario.with_variety(variety).unwrap())
}

fn sweep(seeds: Range<u64>, one: impl Fn(u64) -> Run<Summary> + Sync) -> Vec<Run<Summary>> {
    run_seeds(seeds, None, one, |_| ControlFlow::Continue(())).runs
}

#[test]
fn quiet_run_puts_out_the_same_in_parts_and_finishes_every_upload() {
    for seed in 0..10 {
        let of =
            |part_bytes| case(seed, part_bytes, Profile::None).run(Recording::default()).outcome.unwrap();
        let (whole, parts) = (of(None), of(Some(100)));
        assert_eq!((whole.uploads_in_parts, whole.uploads_unfinished), (0, 0));
        assert!(parts.uploads_in_parts > 10 && parts.uploads_unfinished == 0, "{parts:?}");
        assert_eq!(parts.result(), whole.result());
    }
}

#[test]
fn uploads_that_are_never_finished_harm_nobody() {
    let run = |seed| case(seed, Some(150), Profile::Chaos).run(Recording::default());
    let summaries = sweep(0..60, run).into_iter().map(|run| run.outcome.unwrap());
    let unfinished = summaries.filter(|summary| summary.uploads_unfinished > 0).count();
    assert!(unfinished >= 10, "{unfinished} of 60 runs have left some");
}

/// A bug that writes another object's bytes does so in parts as well, and is found by what it breaks anyway.
#[test]
fn bytes_of_another_object_are_found_in_parts() {
    let mutant = zoo::find("file_name_reused").unwrap();
    let run = |seed| case(seed, Some(40), Profile::Default).with_mutant(mutant).run(Recording::default());
    let broken = sweep(0..20, run).into_iter().filter_map(|run| run.outcome.err());
    let found = broken.filter(|broken| broken.rule() == mutant.breaks).count();
    assert!(found > 0, "nobody has noticed");
}
