//! Traces of real runs against the model's rules: whole, with a planted error, damaged.
#![cfg(madsim)]

mod damaged;
mod misread;
mod planted;
mod support;

use keygroups_sim::fault::Profile;
use support::{conforms, trace};

/// Among them are runs in which a process is crashed in the middle of its own step.
#[test]
fn the_model_allows_every_step_of_the_simulation() {
    let (mut lines, mut lives, mut crashes) = (0, 0, 0);
    for seed in (0..30).chain(205..220) {
        let trace = trace(seed, Profile::Chaos);
        crashes += trace.lines.iter().filter(|line| line.contains("\"kind\":\"crashed\"")).count();
        let report = conforms(&trace);
        assert_eq!(report.divergence, None, "seed {seed}");
        assert_eq!(report.violation, None, "seed {seed}");
        assert_eq!(report.lines, trace.lines.len() as u64);
        lines += report.lines;
        lives += report.lives;
    }
    // So that what conforms is not a quiet day.
    assert!(lines > 50_000 && lives > 250 && crashes > 30, "{lines} lines, {lives} lives, {crashes} crashes");
}

#[test]
fn a_run_that_finds_a_bug_of_its_engine_conforms_up_to_there() {
    let divergence = (0..20).find_map(|seed| conforms(&support::trace_with_bug(seed)).divergence);
    let rule = divergence.expect("the bug shows in some run").rule;
    assert_eq!(rule, "state_is_the_fold_of_the_records_before_the_barrier");
}
