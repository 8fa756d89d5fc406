//! What the commands over the model print, write and refuse.

use std::fs;

use serde_json::Value;

use super::{keygroups, refusal, run, stdout};

fn json(arguments: &str) -> Value {
    serde_json::from_str(stdout(&run(arguments))).unwrap()
}

#[test]
fn check_explores_every_state_and_says_what_holds() {
    let report = json("check scale-in --json");
    assert_eq!((&report["verdict"], &report["complete"]), (&"holds".into(), &true.into()));
    // The count that the model's own tests pin.
    assert_eq!(report["unique_states"], 39_095);
    assert!(report["properties"].as_array().unwrap().iter().all(|property| property["holds"] == true));
    assert!(
        report["cases"]
            .as_array()
            .unwrap()
            .iter()
            .any(|case| case["name"] == "the job finishes" && case["reached"] == true)
    );
}

#[test]
fn check_lists_the_models() {
    let output = run("check --list");
    let text = stdout(&output);
    for name in ["alignment", "checkpoint", "leadership", "scale-out", "scale-in", "everything"] {
        assert!(text.lines().any(|line| line.starts_with(name)), "{name} is missing in\n{text}");
    }
}

#[test]
fn a_violation_is_told_drawn_kept_and_replayed() {
    let place = tempfile::tempdir().unwrap();
    let mut command = keygroups("check leadership --mutant exists_is_created");
    let output = command.current_dir(place.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("✗ nobody_believes_a_lost_step"), "{text}");
    assert!(text.contains("    6  coordinator 1 → store: create manifest 1"), "{text}");
    assert!(text.contains("keygroups explore leadership --path counterexample.json"), "{text}");

    let html = fs::read_to_string(place.path().join("counterexample.html")).unwrap();
    assert!(html.contains("<svg") && html.contains("✗ broken: nobody_believes_a_lost_step"));
    // The only address in it is the name of the SVG language.
    assert_eq!(html.matches("://").count(), html.matches("http://www.w3.org/2000/svg").count());

    let output = keygroups("replay --path counterexample.json").current_dir(place.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let replayed = String::from_utf8(output.stdout).unwrap();
    assert!(replayed.contains("✗ violated after 6 steps: nobody_believes_a_lost_step"), "{replayed}");
}

#[test]
fn a_path_that_was_cut_off_is_refused_by_name() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("cut.json"), r#"{"model": "scale-out", "mutant": null, "st"#).unwrap();
    let output = keygroups("replay --path cut.json").current_dir(place.path()).output().unwrap();
    assert!(refusal(&output).starts_with("error: cut.json is no path of a model: EOF"), "{output:?}");
}

#[test]
fn an_unknown_model_is_refused_with_the_names_there_are() {
    for command in ["check", "explore"] {
        let output = run(&format!("{command} chaos"));
        assert!(refusal(&output).starts_with("error: there is no model `chaos`: choose one of alignment, "));
    }
    let output = run("check scale-in --mutant chaos");
    assert!(refusal(&output).starts_with("error: there is no mutant `chaos`: choose one of "));
    let output = run("check everything");
    assert!(refusal(&output).contains("too large to be explored completely"));
}

#[test]
fn a_port_in_use_is_refused_in_one_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let output = run(&format!("explore scale-in --addr {address}"));
    assert!(refusal(&output).starts_with(&format!("error: cannot listen at {address}")));
}

#[test]
fn a_mutant_is_caught_by_the_invariant_it_must_break() {
    let report = json("zoo exists_is_created --json");
    assert_eq!(report["verdict"], "holds");
    let mutant = &report["mutants"][0];
    assert_eq!((&mutant["breaks"], &mutant["steps"]), (&"nobody_believes_a_lost_step".into(), &6.into()));
    assert_eq!(
        (&report["unmutated"][0]["model"], &report["unmutated"][0]["holds"]),
        (&"leadership".into(), &true.into())
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_check_and_says_that_it_was_not_complete() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    let mut child = keygroups("check garbage --threads 1 --json")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It says how far it is after a second, of several.
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let progress = lines.next().unwrap();
    assert!(progress.starts_with("garbage: ") && progress.contains(" states, "), "{progress}");
    let interrupt = format!("kill -INT {}", child.id());
    assert!(Command::new("sh").args(["-c", &interrupt]).status().unwrap().success());
    let last = lines.last().unwrap();
    assert!(last.starts_with("stopped before the end: nothing is broken in the "), "{last}");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["verdict"], &report["complete"]), (&"stopped".into(), &false.into()));
    assert!(report["properties"].as_array().unwrap().iter().all(|property| property["holds"].is_null()));
}
