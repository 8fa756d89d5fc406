//! `keygroups shrink`, and `keygroups replay` of what it writes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use keygroups_sim::case::Case;
use keygroups_sim::cluster::{EngineBug, Scenario};
use keygroups_sim::fault::Profile;
use keygroups_sim::input::Table;
use serde_json::Value;

use crate::{refusal, run, stdout};

/// A case in which sources begin anew after a restore, written to a file.
fn failing(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let table = Arc::new(Table::january("tailnum").unwrap());
    let scenario = Scenario::swarm(3, &table, 120, Profile::Chaos).with_engine_bug(EngineBug::ForgetsOffsets);
    Case { about: "Sources begin anew.".to_owned(), ..Case::draw(3, &scenario) }.write(&path).unwrap();
    path
}

#[test]
fn failing_case_is_made_small_and_replayed() {
    let file = failing("failing.json");
    let small = file.with_file_name("small.json");
    let (file, small) = (file.display(), small.display());
    let document: Value =
        serde_json::from_str(stdout(&run(&format!("shrink {file} -o {small} --json")))).unwrap();
    assert_eq!(document["complete"], true);
    assert!(document["after"]["faults"].as_u64() < document["before"]["faults"].as_u64(), "{document}");
    assert_eq!(document["replay"], format!("keygroups replay {small}"));

    let replayed = run(&format!("replay {small}"));
    let shown = String::from_utf8(replayed.stdout).unwrap();
    let rule = document["breaks"].as_str().unwrap();
    assert_eq!(replayed.status.code(), Some(1));
    assert!(
        shown.starts_with("Sources begin anew.\n") && shown.contains(&format!("✗ violated: {rule}")),
        "{shown}"
    );
    // It comes out as it is expected to: nothing else to say.
    assert!(replayed.stderr.is_empty());
}

#[test]
fn case_that_comes_out_otherwise_is_said_to() {
    let file = failing("otherwise.json");
    let mut case = Case::read(&file).unwrap();
    case.breaks = Some("another_rule".to_owned());
    case.write(&file).unwrap();
    let replayed = run(&format!("replay {}", file.display()));
    let said = String::from_utf8(replayed.stderr).unwrap();
    assert!(said.contains("is expected to break another_rule, and it breaks "), "{said}");
}

#[test]
fn what_cannot_be_shrunk_is_refused_in_one_line() {
    assert!(refusal(&run("shrink 81 --rows 300 --faults none")).contains("seed 81 breaks nothing"));
    assert!(refusal(&run("shrink no-such-case.json")).contains("no-such-case.json"));
    assert!(refusal(&run("shrink -7")).contains("neither a seed, which is a whole number"));
    let file = failing("unwritable.json");
    let line = format!("shrink {} -o no-such-directory/case.json", file.display());
    assert!(refusal(&run(&line)).contains("no-such-directory/case.json"));
}
