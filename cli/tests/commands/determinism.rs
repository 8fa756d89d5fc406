//! One seed is one run, in whichever process: over seeds of the swarm that nobody has chosen.

use std::fs;

use serde_json::Value;

use crate::{run, stdout};

/// Seeds from all over the range that is allowed. Each step of 2⁶⁴ divided by the golden ratio leads to where
/// no seed before it was near (Knuth, TAOCP 6.4).
fn sampled(count: u64) -> impl Iterator<Item = u64> {
    (1..=count).map(|index| index.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11)
}

/// The hash counts every event that is delivered, also those that are in no trace: single messages, timers,
/// answers of the store.
#[test]
fn sampled_seeds_give_equal_traces_and_hashes_in_two_processes() {
    let place = tempfile::tempdir().unwrap();
    let mut hashes = std::collections::BTreeSet::new();
    for seed in sampled(12) {
        let observed = |name: &str| {
            let trace = place.path().join(name);
            let options = format!("--swarm --seed {seed} --rows 120 --faults chaos --json");
            let output = run(&format!("sim {options} --trace {}", trace.display()));
            let document: Value = serde_json::from_str(stdout(&output)).unwrap();
            (document["trace_hash"].as_str().unwrap().to_owned(), fs::read(trace).unwrap())
        };
        let (here, there) = (observed("here.jsonl"), observed("there.jsonl"));
        assert_eq!(here.0, there.0, "seed {seed}: the hash of what was delivered");
        let lines = |trace: &[u8]| trace.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>();
        let differ = lines(&here.1).into_iter().zip(lines(&there.1)).find(|(here, there)| here != there);
        let words = differ.map(|(here, there)| [here, there].map(|line| String::from_utf8(line).unwrap()));
        assert!(here.1 == there.1, "seed {seed}: the traces differ: {words:#?}");
        assert!(here.1.len() > 10_000, "seed {seed}: a run leaves a trace");
        hashes.insert(here.0);
    }
    assert_eq!(hashes.len(), 12, "each seed is a run of its own");
}
