//! `keygroups sim --coverage`: which kinds of faults met which points of the protocol.

use std::fs;

use serde_json::{Value, json};

use crate::{refusal, run, stdout};

/// Far too few for every kind to meet every point.
const SEEDS: &str = "sim --seeds 4 --rows 20 --faults chaos --coverage";

#[test]
fn table_has_a_line_for_each_kind_and_says_how_many_cells_were_never_met() {
    let output = run(SEEDS);
    let table = stdout(&output);
    let (heading, rows) = table.split_once('\n').unwrap();
    assert!(heading.starts_with("kind of fault") && heading.contains(" C2 ") && heading.contains(" R6 "));
    for kind in ["crash", "join", "one-way-partition", "store-missing-object"] {
        let row = rows.lines().find(|line| line.split(' ').next() == Some(kind)).expect(kind);
        assert_eq!(row.split_whitespace().count(), heading.split_whitespace().count() - 2, "{row}");
    }
    assert!(table.contains(" never met\n") && table.contains("✓ holds: seeds 0 to 3"), "{table}");
}

#[test]
fn all_met_fails_with_what_was_never_met_though_every_run_holds() {
    let output = run(&format!("{SEEDS} --all-met --json"));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&document["verdict"], &document["failed"]), (&json!("violated"), &json!(0)));
    let unmet = document["coverage"]["unmet"].as_array().unwrap();
    assert!(!unmet.is_empty());
    let met = &document["coverage"]["met"];
    let points = document["coverage"]["points"].as_array().unwrap();
    for cell in unmet {
        let column = points.iter().position(|point| point["at"] == cell[1]).unwrap();
        assert_eq!(met[cell[0].as_str().unwrap()][column], 0, "{cell}");
    }
}

#[test]
fn heat_map_is_a_page_that_loads_nothing_and_marks_what_was_never_met() {
    let place = tempfile::tempdir().unwrap();
    let page = place.path().join("coverage.html");
    stdout(&run(&format!("{SEEDS} --heat-map {}", page.display())));
    let page = fs::read_to_string(page).unwrap();
    for expected in ["seeds 0 to 3, faults chaos", "<rect ", ": never</title>", "not asked for: "] {
        assert!(page.contains(expected), "{expected}");
    }
    for loads in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(loads), "{loads}");
    }
}

#[test]
fn coverage_that_cannot_be_is_refused_before_anything_runs() {
    for (arguments, expected) in [
        (format!("{SEEDS} --heat-map /nowhere/page.html"), "cannot write /nowhere/page.html: "),
        (format!("{SEEDS} --shard 0/2"), "the argument '--coverage' cannot be used with '--shard <K/N>'"),
        ("sim --coverage".to_owned(), "the following required arguments were not provided: --seeds <COUNT>"),
        (
            "sim --seeds 1 --all-met".to_owned(),
            "the following required arguments were not provided: --coverage",
        ),
    ] {
        let output = run(&arguments);
        assert!(refusal(&output).starts_with(&format!("error: {expected}")), "{arguments}: {output:?}");
    }
}
