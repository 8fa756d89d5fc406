//! `keygroups zoo --sim`, and the runs that it finds.

use serde_json::Value;

use crate::{refusal, run, stdout};

#[test]
fn a_bug_is_found_by_five_sweeps_and_each_catch_can_be_replayed() {
    let report: Value =
        serde_json::from_str(stdout(&run("zoo subsumed_with_what_is_shared --sim --first-seed 40 --json")))
            .unwrap();
    assert_eq!(report["verdict"], "holds");
    let found = &report["mutants"][0];
    assert_eq!((&found["caught"], &found["source"]), (&true.into(), &"FLINK-21351".into()));
    let sweeps = found["sweeps"].as_array().unwrap();
    let first: Vec<_> = sweeps.iter().map(|sweep| sweep["first_seed"].as_u64().unwrap()).collect();
    assert_eq!(first, [40, 1_000_040, 2_000_040, 3_000_040, 4_000_040]);
    let mut seeds: Vec<_> = sweeps.iter().map(|sweep| sweep["caught"]["seeds"].as_u64().unwrap()).collect();
    seeds.sort_unstable();
    assert_eq!(found["seeds_median"], seeds[2]);
    for sweep in sweeps {
        assert_eq!(sweep["caught"]["rule"], "named_objects_exist_as_first_written");
        assert!(sweep["unmutated"].is_null() && sweep["seconds"].as_f64().unwrap() < 60.0, "{sweep}");
    }

    let command = sweeps[0]["replay"].as_str().unwrap();
    let seed = sweeps[0]["caught"]["seed"].as_u64().unwrap();
    assert_eq!(
        command,
        format!("keygroups replay {seed} --swarm --faults chaos --mutant subsumed_with_what_is_shared")
    );
    let replayed = run(command.strip_prefix("keygroups ").unwrap());
    assert_eq!(replayed.status.code(), Some(1));
    let text = String::from_utf8(replayed.stdout).unwrap();
    assert!(text.contains("; planted: subsumed_with_what_is_shared\n"), "{text}");
    assert!(text.contains("✗ violated: named_objects_exist_as_first_written"), "{text}");
    assert!(text.contains(command), "{text}");
}

#[test]
fn sweeps_are_told_as_a_table() {
    let output = run("zoo offset_before_the_record --sim");
    let text = stdout(&output);
    let row = text.lines().find(|line| line.starts_with("✓ offset_before_the_record")).unwrap();
    assert!(row.contains("state_is_the_fold_of_the_records_before_the_barrier (FLINK-21996"), "{row}");
    assert!(text.contains("    keygroups replay "), "{text}");
    assert!(text.contains("✓ holds: 1 of 1 mutant caught in each of their sweeps"), "{text}");
}

#[test]
fn a_bug_that_nobody_knows_or_no_run_shows_is_refused_with_the_reason() {
    let unknown = "there is no mutant `ambigous`: did you mean `ambiguous_is_failed`?";
    for command in ["zoo ambigous --sim", "sim --mutant ambigous", "replay 3 --swarm --mutant ambigous"] {
        assert!(refusal(&run(command)).contains(unknown), "{command}");
    }
    let unseen = run("zoo notice_is_swallowed --sim");
    assert!(refusal(&unseen).contains("is not hunted in the simulation: "));
    assert!(refusal(&run("zoo exists_is_created --first-seed 3")).contains("--sim"));
    assert!(refusal(&run("zoo exists_is_created --sim --seconds 0")).contains("0 is not in 1..=86400"));
}
