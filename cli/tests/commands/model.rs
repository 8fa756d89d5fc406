//! What the commands over the model print, write and refuse.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

use serde_json::Value;

use super::{keygroups, run, stdout};

fn json(arguments: &str) -> Value {
    serde_json::from_str(stdout(&run(arguments))).unwrap()
}

#[test]
fn check_explores_every_state_and_says_what_holds() {
    let report = json("check scale-in --json");
    assert_eq!((&report["verdict"], &report["complete"]), (&"holds".into(), &true.into()));
    // The count that the model's own tests pin.
    assert_eq!(report["unique_states"], 13_010);
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
    for name in ["alignment", "checkpoint", "leadership", "rescale", "everything", "walk"] {
        assert!(text.lines().any(|line| line.starts_with(name)), "{name} is missing in\n{text}");
    }
    for (bound, own) in [("ci", "incremental-rescale"), ("deep", "everything-faults")] {
        let output = run(&format!("check --list --bound {bound}"));
        assert!(stdout(&output).contains(&format!("\n{own} ")), "{own} is missing in {output:?}");
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
    assert!(text.contains("    6  coordinator 0 → store: create manifest 1"), "{text}");
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

#[test]
fn a_mutant_that_does_no_harm_is_caught_by_the_goal_it_loses() {
    let report = json("zoo new_slots_go_unused --json");
    assert_eq!(report["verdict"], "holds");
    let mutant = &report["mutants"][0];
    assert_eq!((&mutant["breaks"], &mutant["steps"]), (&"the_wanted_parallelism_runs".into(), &6.into()));
    let unmutated = &report["unmutated"][0];
    assert_eq!((&unmutated["complete"], &unmutated["asked_states"]), (&true.into(), &1_529.into()));
}

#[test]
fn zoo_lists_every_mutant_with_its_source_and_what_a_model_cannot_see() {
    let listed = json("zoo --list --json");
    let mutants = listed["mutants"].as_array().unwrap();
    let named = |name: &str| mutants.iter().find(|mutant| mutant["name"] == name).unwrap();
    assert_eq!(named("stop_falls_back")["source"], "FLINK-26783, FLINK-26923");
    assert_eq!(named("notice_is_swallowed")["must_break"], "tasks_know_the_newest_commit");
    assert!(listed["outside"].as_array().unwrap().iter().any(|bug| bug["source"] == "FLINK-19748"));
    let text = run("zoo --list");
    assert_eq!(stdout(&text).lines().filter(|line| line.contains(" (")).count(), mutants.len());
}

#[test]
fn check_asks_every_state_for_every_goal_unless_told_not_to() {
    let report = json("check late-host --json");
    assert_eq!(
        (&report["recovery"]["reachable_states"], &report["recovery"]["asked_states"]),
        (&2_713.into(), &1_529.into())
    );
    let goals = report["recovery"]["goals"].as_array().unwrap();
    assert!(goals.len() == 7 && goals.iter().all(|goal| goal["stays_reachable"] == true), "{report}");
    assert!(json("check late-host --no-recovery --json")["recovery"].is_null());
}

#[test]
fn a_goal_out_of_reach_is_told_drawn_kept_and_replayed() {
    let place = tempfile::tempdir().unwrap();
    let mut command = keygroups("check late-host --mutant new_slots_go_unused");
    let output = command.current_dir(place.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("✗ the_wanted_parallelism_runs"), "{text}");
    assert!(text.contains("keygroups explore late-host --path counterexample.json"), "{text}");

    let html = fs::read_to_string(place.path().join("counterexample.html")).unwrap();
    assert!(html.contains("<svg") && html.contains("✗ broken: the_wanted_parallelism_runs"));
    assert!(html.contains("What must stay reachable: "), "{html}");

    let output = keygroups("replay --path counterexample.json").current_dir(place.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let replayed = String::from_utf8(output.stdout).unwrap();
    assert!(replayed.contains("✗ violated after 6 steps: the_wanted_parallelism_runs"), "{replayed}");
}

#[test]
fn explore_opens_where_a_goal_gets_out_of_reach_and_says_so() {
    let mut child = keygroups("explore late-host --mutant new_slots_go_unused --addr 127.0.0.1:0")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // It is held until the end: a command ends when nobody reads what it says.
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.nth(1).unwrap().unwrap();
    let (address, positions) = line.split_once("http://").unwrap().1.split_once("/#").unwrap();
    let page = |path: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let (there, before) = (page(&format!("/path/{positions}")), page("/path/"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(positions.split('.').count(), 6);
    assert!(there.contains("<span>the_wanted_parallelism_runs</span> out of reach from here"), "{there}");
    assert!(there.contains("✗ broken: the_wanted_parallelism_runs"), "{there}");
    assert!(!before.contains("the_wanted_parallelism_runs"), "{before}");
}
