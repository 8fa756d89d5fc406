//! `keygroups conform`, as a user meets it.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::{refusal, run, stdout, with_stdin};

/// A file with the trace of a small run, changed by `change`.
fn trace(name: &str, change: impl FnOnce(String) -> String) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let path = path.display().to_string();
    stdout(&run(&format!("sim --swarm --seed 3 --rows 60 --trace {path}")));
    let text = change(fs::read_to_string(&path).unwrap());
    fs::write(&path, text).unwrap();
    path
}

fn document(output: &std::process::Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_trace_of_sim_conforms_from_a_file_and_from_stdin() {
    let path = trace("conforms.jsonl", |text| text);
    let told = run(&format!("conform {path}"));
    assert!(stdout(&told).starts_with("✓ conforms: the model allows every step\n"), "{told:?}");
    let from_stdin = with_stdin("conform - --json", &fs::read(&path).unwrap());
    let document = document(&from_stdin);
    assert_eq!((&document["verdict"], &document["seed"]), (&json!("holds"), &json!(3)));
    let lines = fs::read_to_string(&path).unwrap().lines().count();
    assert_eq!(document["lines"], json!(lines));
    assert!(document["inputs"].as_u64().unwrap() > 100 && document["facts"].as_u64().unwrap() > 20);
}

#[test]
fn a_step_that_the_model_does_not_allow_is_told_with_what_it_would_have_allowed() {
    let mut line = 0;
    let path = trace("diverges.jsonl", |text| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        let heard = |line: &String| line.contains("\"input\"") && line.contains("\"Acknowledge\"");
        let at = lines.iter().position(heard).unwrap();
        lines[at] = lines[at].replacen("\"checkpoint\":1,", "\"checkpoint\":77,", 1);
        line = at + 1;
        lines.join("\n") + "\n"
    });
    let output = run(&format!("conform {path}"));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    for expected in
        ["✗ does not conform", "what_is_delivered_was_sent", "acknowledges checkpoint 77", "allowed"]
    {
        assert!(told.contains(expected), "{expected:?} is not in:\n{told}");
    }
    let output = run(&format!("conform {path} --json"));
    assert_eq!(output.status.code(), Some(1));
    let document = document(&output);
    assert_eq!(document["verdict"], "violated");
    assert_eq!(document["divergence"]["line"], json!(line));
    assert_eq!(document["divergence"]["rule"], "what_is_delivered_was_sent");
}

#[test]
fn seeds_are_run_and_checked_without_files() {
    let document = document(&run("conform --seeds 3 --rows 60 --faults chaos --json"));
    assert_eq!((&document["verdict"], &document["runs"]), (&json!("holds"), &json!(3)));
    assert_eq!(document["failures"], json!([]));
    let told = run("conform --seeds 2 --rows 60");
    assert!(
        stdout(&told).starts_with("✓ conforms: the model allows every step of seeds 0 to 1\n"),
        "{told:?}"
    );
}

#[test]
fn every_rule_is_listed_with_its_sentence() {
    let rules: Value = document(&run("conform --rules --json"));
    let names: Vec<_> = rules.as_array().unwrap().iter().map(|rule| rule["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"what_is_delivered_was_sent") && names.len() == 12, "{names:?}");
}

#[test]
fn what_is_no_whole_trace_is_one_clear_line() {
    let cut = trace("cut.jsonl", |text| {
        let fiftieth = text.match_indices('\n').nth(49).unwrap().0;
        text[..fiftieth + 20].to_owned()
    });
    let early = trace("early.jsonl", |text| text.lines().take(50).flat_map(|line| [line, "\n"]).collect());
    let newer = trace("newer.jsonl", |text| text.replacen("\"format\":1", "\"format\":9", 1));
    let broken = trace("broken.jsonl", |text| text.replacen("{\"at_us\":0", "{at_us:0", 2));
    let broken_later = trace("broken_later.jsonl", |text| {
        let second = text.find('\n').unwrap() + 1;
        format!("{}{{at_us}}\n{}", &text[..second], &text[second..])
    });
    let table = trace("table.csv", |_| "tailnum,distance\nN1,3\n".to_owned());
    for (arguments, expected) in [
        (
            format!("conform {cut}"),
            format!("{cut} ends in the middle of line 51; what was checked, up to line 50, conforms"),
        ),
        (
            format!("conform {early}"),
            format!(
                "{early} ends after line 50 without a closing line, so the run is not complete; \
                 what was checked, up to line 50, conforms"
            ),
        ),
        (
            format!("conform {newer}"),
            format!("{newer} is a trace of format 9, and this build reads format 1"),
        ),
        (format!("conform {broken}"), format!("{broken} is no trace: its first line does not open one")),
        (
            format!("conform {broken_later}"),
            format!(
                "{broken_later} line 2, column 2: key must be a string; what was checked, up to line 1, conforms"
            ),
        ),
        (format!("conform {table}"), format!("{table} is no trace: its first line does not open one")),
        ("conform --seeds 0".to_owned(), "--seeds 0: at least one seed is needed".to_owned()),
    ] {
        assert_eq!(refusal(&run(&arguments)), format!("error: {expected}"), "{arguments}");
    }
    assert!(
        refusal(&run("conform /nowhere/trace.jsonl"))
            .starts_with("error: cannot read /nowhere/trace.jsonl: ")
    );
    for arguments in ["conform", "conform trace.jsonl --seeds 2", "conform trace.jsonl --faults chaos"] {
        refusal(&run(arguments));
    }
}
