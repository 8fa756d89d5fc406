//! `keygroups report`, as a user meets it.

use std::fs;
use std::path::Path;

use crate::{keygroups, refusal, run, stdout};

fn in_place(place: &Path, arguments: &str) -> std::process::Output {
    keygroups(arguments).current_dir(place).output().unwrap()
}

#[test]
fn without_a_name_the_page_is_called_after_the_run_or_the_file_and_that_is_said() {
    let place = tempfile::tempdir().unwrap();
    let told = in_place(place.path(), "report 5 --swarm --rows 60");
    assert!(stdout(&told).starts_with("run-5.html shows "), "{told:?}");
    stdout(&in_place(place.path(), "sim --seed 5 --swarm --rows 60 --trace trace.jsonl"));
    let told = in_place(place.path(), "report trace.jsonl");
    assert!(stdout(&told).starts_with("trace-report.html shows "), "{told:?}");
    let page = fs::read_to_string(place.path().join("run-5.html")).unwrap();
    for expected in ["<title>run 5 · keygroups report</title>", "keygroups replay 5 --swarm --rows 60"] {
        assert!(page.contains(expected), "{expected}");
    }
}

#[test]
fn a_page_loads_nothing() {
    let place = tempfile::tempdir().unwrap();
    stdout(&in_place(place.path(), "report 5 --swarm --rows 60 -o page.html"));
    let page = fs::read_to_string(place.path().join("page.html")).unwrap();
    for loads in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(loads), "{loads}");
    }
}

#[test]
fn a_trace_that_ends_early_is_shown_as_far_as_it_goes() {
    let place = tempfile::tempdir().unwrap();
    stdout(&in_place(place.path(), "sim --seed 5 --swarm --rows 60 --trace whole.jsonl"));
    let whole = fs::read_to_string(place.path().join("whole.jsonl")).unwrap();
    let lines: Vec<_> = whole.lines().collect();
    fs::write(place.path().join("cut.jsonl"), lines[..100].join("\n") + "\n" + &lines[100][..20]).unwrap();
    let output = in_place(place.path(), "report cut.jsonl -o cut.html");
    assert!(stdout(&output).starts_with("cut.html shows 100 events"), "{output:?}");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr, "cut.jsonl ends early: line 101 is cut off; the page shows what is there\n");
    let page = fs::read_to_string(place.path().join("cut.html")).unwrap();
    assert!(page.contains("the trace ends early: line 101 is cut off"));
}

#[test]
fn what_cannot_be_drawn_is_refused_in_one_line() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("notes.txt"), "hello\n").unwrap();
    fs::write(place.path().join("empty.jsonl"), "").unwrap();
    for (arguments, expected) in [
        ("report nothing.jsonl", "cannot read nothing.jsonl: "),
        ("report notes.txt", "notes.txt is neither: a report needs a trace that "),
        ("report empty.jsonl", "empty.jsonl is empty: a report needs a trace that "),
        ("report .", "cannot read .: "),
        (
            "report -5",
            "invalid value '-5' for '[SEED|FILE]': neither a seed, which is a whole number from 0 to ",
        ),
        ("report notes.txt --swarm", "notes.txt is no seed: a file says itself which job was run"),
        ("report notes.txt --faults chaos", "notes.txt is no seed: "),
        ("report 5 -o /nowhere/run.html", "cannot write /nowhere/run.html: "),
        ("report 5 -o .", "cannot write .: "),
        ("report --path notes.txt", "notes.txt is no path of a model: "),
    ] {
        let output = in_place(place.path(), arguments);
        assert!(refusal(&output).starts_with(&format!("error: {expected}")), "{arguments}: {output:?}");
    }
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2, "nothing else was left");
}

#[test]
fn a_page_never_replaces_what_it_is_made_of() {
    let place = tempfile::tempdir().unwrap();
    stdout(&in_place(place.path(), "sim --seed 5 --swarm --rows 60 --trace trace.jsonl"));
    let before = fs::read(place.path().join("trace.jsonl")).unwrap();
    let output = in_place(place.path(), "report trace.jsonl -o ./trace.jsonl");
    assert_eq!(refusal(&output), "error: the page would replace trace.jsonl, which it is made of");
    assert_eq!(fs::read(place.path().join("trace.jsonl")).unwrap(), before);
}

#[test]
fn a_path_is_drawn_whether_it_is_called_one_or_not() {
    let place = tempfile::tempdir().unwrap();
    let check = in_place(place.path(), "check scale-in --mutant ranges_by_another_formula");
    assert_eq!(check.status.code(), Some(1));
    for arguments in ["report --path counterexample.json", "report counterexample.json"] {
        let output = in_place(place.path(), arguments);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(told.starts_with("counterexample-report.html shows 16 steps, and opens at "), "{told}");
    }
}

#[test]
fn a_report_needs_to_be_told_of_what() {
    let output = run("report");
    assert_eq!(output.status.code(), Some(2));
    assert!(refusal(&output).contains("<SEED|FILE>"), "{output:?}");
}
