//! What somebody meets who does not know the commands over the model yet, or is in a hurry.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;

use serde_json::{Value, json};

use super::{keygroups, refusal, run};

#[test]
fn an_unknown_name_is_answered_with_what_was_probably_meant() {
    for (arguments, expected) in [
        (
            "check scaleout",
            "there is no model `scaleout`: did you mean `scale-out` or `scale-in`? keygroups check --list shows them all",
        ),
        (
            "explore Leadership",
            "there is no model `Leadership`: did you mean `leadership`? keygroups check --list shows them all",
        ),
        (
            "check scale-in --mutant ambigous",
            "there is no mutant `ambigous`: did you mean `ambiguous_is_failed`? keygroups zoo --list shows them all",
        ),
        (
            "explore scale-in --mutant stop-falls-back",
            "there is no mutant `stop-falls-back`: did you mean `stop_falls_back`? keygroups zoo --list shows them all",
        ),
        (
            "zoo exists_is_create",
            "there is no mutant `exists_is_create`: did you mean `exists_is_created`? keygroups zoo --list shows them all",
        ),
        (
            "check scale-in --bound qick",
            "invalid value 'qick' for '--bound <BOUND>': there is no bound `qick`: did you mean `quick`? keygroups check --help shows them all",
        ),
    ] {
        assert_eq!(refusal(&run(arguments)), format!("error: {expected}"), "{arguments}");
    }
}

#[test]
fn a_name_like_no_other_is_answered_with_those_there_are() {
    let output = run("check chaos");
    assert!(
        refusal(&output).starts_with("error: there is no model `chaos`: keygroups check --list shows all ")
    );
    let output = run("zoo chaos");
    assert!(
        refusal(&output).starts_with("error: there is no mutant `chaos`: keygroups zoo --list shows all ")
    );
}

#[test]
fn a_model_that_is_too_large_to_check_can_be_explored() {
    let output = run("check walk");
    assert!(
        refusal(&output).contains("there is no model `walk` in the bound quick, only alignment"),
        "{output:?}"
    );
    assert!(refusal(&output).ends_with("keygroups explore walk walks through it"), "{output:?}");
}

#[test]
fn an_address_that_is_none_is_answered_with_one() {
    for (text, example) in
        [("3001", "127.0.0.1:3001"), ("0.0.0.0", "0.0.0.0:3000"), ("here", "127.0.0.1:3000")]
    {
        let output = run(&format!("explore scale-in --addr {text}"));
        let expected = format!("an address is an IP address and a port, such as {example}");
        assert!(refusal(&output).ends_with(&expected), "{output:?}");
    }
}

#[test]
fn a_port_in_use_is_named_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let output = run(&format!("explore scale-in --addr {address}"));
    let port = address.port();
    let expected = format!(
        "error: port {port} of 127.0.0.1 is in use: choose another address with --addr, or any free port with --addr 127.0.0.1:0"
    );
    assert_eq!(refusal(&output), expected);
}

/// stateright panics where it cannot listen, on a thread that nobody waits for.
#[test]
fn where_the_next_port_is_in_use_staterights_page_is_at_another() {
    let free = |port| TcpListener::bind(("127.0.0.1", port)).ok();
    let (taken, ours) = (0..100)
        .find_map(|_| {
            let taken = free(0)?;
            let before = taken.local_addr().ok()?.port() - 1;
            free(before).map(|_| (taken, SocketAddr::from(([127, 0, 0, 1], before))))
        })
        .expect("two free ports side by side");
    let mut child = keygroups(&format!("explore late-host --addr {ours}"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: Vec<_> =
        BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap).take(4).collect();
    child.kill().unwrap();
    let stderr = child.wait_with_output().unwrap().stderr;
    assert!(lines[1].ends_with(&format!("http://{ours}/")), "{lines:?}");
    assert!(lines[2].contains("stateright's page  http://127.0.0.1:"), "{lines:?}");
    assert!(!lines[2].ends_with(&format!("http://{}/", taken.local_addr().unwrap())), "{lines:?}");
    assert!(stderr.is_empty(), "{}", String::from_utf8_lossy(&stderr));
}

#[test]
fn a_file_that_cannot_be_written_is_named_before_the_work_begins() {
    for (arguments, name) in [
        ("check alignment --save /nowhere/path.json", "/nowhere/path.json"),
        ("check alignment --html /nowhere/picture.html", "/nowhere/picture.html"),
        ("check --all --html /", "/"),
    ] {
        let output = run(arguments);
        assert!(refusal(&output).starts_with(&format!("error: cannot write {name}: ")), "{output:?}");
    }
}

#[test]
fn a_check_that_finds_nothing_leaves_no_file() {
    let place = tempfile::tempdir().unwrap();
    let output = keygroups("check late-host").current_dir(place.path()).output().unwrap();
    assert!(output.status.success());
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
}

/// A path of one step, with `change` in it.
fn saved(change: Value) -> String {
    let mut path = json!({
        "model": "scale-out",
        "mutant": null,
        "breaks": null,
        "steps": [{ "position": 0, "words": "coordinator 0: hears of no leader" }],
    });
    path.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    path.to_string()
}

#[test]
fn a_path_that_is_none_of_this_version_is_refused_with_the_reason() {
    let place = tempfile::tempdir().unwrap();
    let other_step = json!([{ "position": 0, "words": "coordinator 0: retires" }]);
    for (contents, expected) in [
        (saved(json!({}))[..40].to_owned(), "path.json is no path of a model: EOF while parsing"),
        (
            saved(json!({ "model": "scale-up" })),
            "cannot follow the path in path.json: there is no model `scale-up`: did you mean `scale-out`",
        ),
        (
            saved(json!({ "mutant": "own_handles" })),
            "cannot follow the path in path.json: there is no mutant `own_handles`: did you mean `own_handle_only`?",
        ),
        (
            saved(json!({ "steps": other_step })),
            "cannot follow the path in path.json: step 1: this version of the model has no step `coordinator 0: retires` there",
        ),
        (
            saved(json!({ "breaks": "output_is_exactly_once" })),
            "cannot follow the path in path.json: it was to break output_is_exactly_once, and breaks nothing",
        ),
    ] {
        fs::write(place.path().join("path.json"), contents).unwrap();
        for command in ["replay --path path.json", "explore scale-out --path path.json"] {
            let output = keygroups(command).current_dir(place.path()).output().unwrap();
            assert!(refusal(&output).starts_with(&format!("error: {expected}")), "{output:?}");
        }
    }
    fs::write(place.path().join("path.json"), saved(json!({}))).unwrap();
    let output = keygroups("explore scale-in --path path.json").current_dir(place.path()).output().unwrap();
    assert_eq!(refusal(&output), "error: path.json is a path of the model `scale-out`, not of `scale-in`");
}

/// Runs a command until its progress says `when`, and presses Ctrl-C. Gives the last line on stderr
/// and the document.
#[cfg(unix)]
fn interrupted(arguments: &str, when: &str) -> (String, Value) {
    use std::process::Command;

    let mut child = keygroups(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains(when)), "it has ended before it said {when:?}");
    let interrupt = format!("kill -INT {}", child.id());
    assert!(Command::new("sh").args(["-c", &interrupt]).status().unwrap().success());
    let last = lines.last().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    (last, serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn a_limit_ends_a_check_and_says_which_it_was_and_what_was_seen() {
    let output = run("check everything --bound ci --threads 1 --minutes 0.01 --json");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert_eq!((&report["verdict"], &report["complete"]), (&"cut_short".into(), &false.into()));
    assert_eq!(report["cut_short_by"], json!({ "minutes": 0.01 }));
    assert!(report["queue"].as_u64().unwrap() > 0, "{report}");
    assert!(report["properties"].as_array().unwrap().iter().all(|property| property["holds"].is_null()));
    let (states, depth) = (report["unique_states"].as_u64().unwrap(), report["depth"].as_u64().unwrap());
    assert!(states > depth && depth > 0, "{report}");
    let last = String::from_utf8(output.stderr).unwrap().lines().last().unwrap().to_owned();
    assert!(last.starts_with("cut short by the limit of 0.01 minutes: nothing is broken in the "), "{last}");
    assert!(last.contains(&format!("every state up to {depth} steps from the beginning")), "{last}");
}

#[test]
fn a_limit_that_is_not_reached_changes_nothing() {
    let output = run("check late-host --minutes 60 --json");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["verdict"], &report["cut_short_by"]), (&"holds".into(), &Value::Null));
    assert_eq!(report["unique_states"], 779);
}

#[test]
fn a_limit_of_nothing_is_refused() {
    for limit in ["0", "-1", "inf", "much"] {
        for option in ["minutes", "gigabytes"] {
            let output = run(&format!("check late-host --{option}={limit}"));
            let refused = refusal(&output);
            assert!(refused.ends_with("a number above 0 is needed"), "{refused}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_check_ends_when_it_holds_more_memory_than_it_may() {
    let output = run("check everything --bound ci --threads 1 --gigabytes 0.05 --json");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &report["verdict"]), (Some(3), &"cut_short".into()), "{output:?}");
    assert_eq!(report["cut_short_by"], json!({ "gigabytes": 0.05 }));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_check_and_says_that_it_was_not_complete() {
    let (last, report) = interrupted("check everything --bound ci --threads 1 --json", " states, ");
    assert!(last.starts_with("stopped before the end: nothing is broken in the "), "{last}");
    assert_eq!((&report["verdict"], &report["complete"]), (&"stopped".into(), &false.into()));
    assert!(report["properties"].as_array().unwrap().iter().all(|property| property["holds"].is_null()));
    assert!(report["recovery"].is_null());
}

#[cfg(unix)]
#[test]
fn ctrl_c_while_recoveries_are_searched_keeps_what_is_known_of_invariants() {
    let (last, report) = interrupted("check alignment --json", ": recovery from ");
    assert!(last.starts_with("stopped before the end: no invariant is broken in all "), "{last}");
    assert_eq!((&report["verdict"], &report["complete"]), (&"stopped".into(), &true.into()));
    assert!(report["properties"].as_array().unwrap().iter().all(|property| property["holds"] == true));
    let recovery = &report["recovery"];
    assert_eq!(recovery["complete"], false);
    assert!(recovery["goals"].as_array().unwrap().iter().all(|goal| goal["stays_reachable"].is_null()));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_check_of_all_models_with_those_that_were_looked_at() {
    let (last, report) = interrupted("check --all --json", " states, ");
    assert!(last.starts_with("stopped before the end: "), "{last}");
    assert_eq!((&report["verdict"], &report["bound"]), (&"stopped".into(), &"quick".into()));
    let models = report["models"].as_array().unwrap();
    assert_eq!(models[0]["model"], "alignment");
    assert!(models.len() < report["models_in_bound"].as_u64().unwrap() as usize);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_zoo_with_the_mutants_that_were_hunted() {
    let (last, report) = interrupted("zoo --json", " states, ");
    assert!(
        last.starts_with("stopped before the end: ") && last.contains(" of 50 mutants were hunted"),
        "{last}"
    );
    assert_eq!(report["verdict"], "stopped");
    let mutants = report["mutants"].as_array().unwrap();
    assert!(!mutants.is_empty() && mutants.iter().all(|mutant| mutant["caught"] == true), "{report}");
    assert!(report["unmutated"].as_array().unwrap().is_empty());
}
