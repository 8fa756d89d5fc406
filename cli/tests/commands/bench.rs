//! `keygroups bench`: what it says, not how fast anything is.

use serde_json::Value;

use crate::{refusal, run, stdout};

#[test]
fn every_figure_is_measured_and_says_what_it_is() {
    let output = run("bench --keys 20000 --rounds 1 --json");
    let document: Value = serde_json::from_str(stdout(&output)).unwrap();
    assert_eq!((&document["keys"], &document["rounds"]), (&Value::from(20_000), &Value::from(1)));
    let figures = document["figures"].as_array().unwrap();
    for figure in figures {
        assert!(!figure["figure"].as_str().unwrap().is_empty(), "{figure}");
        assert!(!figure["measured"].as_str().unwrap().contains("NaN"), "{figure}");
        assert_eq!(figure["aim"] == "", figure["reached"].is_null(), "{figure}");
    }
    let measured = document["measured"].as_object().unwrap();
    assert_eq!(measured.len(), 10);
    assert!(measured["restore"]["tables"]["wall_ms"].as_f64().unwrap() > 0.0);
    // What does not depend on the machine.
    assert!((1.0..1.1).contains(&measured["restore"]["amplification"].as_f64().unwrap()), "{document}");
    let incremental = &measured["incremental"];
    let [changed, full] = ["changed_bytes", "full_bytes"].map(|name| incremental[name].as_u64().unwrap());
    assert!(changed < full / 50, "{incremental}");
    // Nobody looks at a terminal.
    assert!(output.stderr.is_empty());
}

#[test]
fn table_is_that_of_the_documentation() {
    let output = run("bench --keys 10000 --rounds 1");
    let mut lines = stdout(&output).lines();
    let documented = include_str!("../../../docs/performance.md");
    let head = lines.next().unwrap();
    assert!(documented.lines().any(|line| line == head), "{head}");
    assert!(lines.clone().count() > 20);
    assert!(lines.skip(1).all(|line| line.ends_with("| `keygroups bench --keys 10000` |")), "{output:?}");
}

#[test]
fn what_cannot_be_measured_is_refused() {
    assert!(refusal(&run("bench --keys 9999")).contains("--keys"));
    let refused = refusal(&run("bench --keys 10000 --rounds 1 --directory /no/such/place")).to_owned();
    assert!(refused.contains("cannot measure in /no/such/place"), "{refused}");
}
