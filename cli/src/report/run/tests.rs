use std::sync::Arc;

use keygroups::key_group::{MaxParallelism, Parallelism};
use keygroups_sim::cluster::{Scenario, simulate};
use keygroups_sim::fault::Profile;
use keygroups_sim::input::{DEFAULT_KEY, Table};
use keygroups_sim::trace::{Recording, TraceEvent};
use serde_json::{Value, json};

use super::*;
use crate::report::diagram::{Outcome, Span, Track};

fn table(rows: usize) -> Arc<Table> {
    let mut table = Table::january(DEFAULT_KEY).unwrap();
    table.rows.truncate(rows);
    Arc::new(table)
}

fn events(seed: u64, scenario: &Scenario) -> Vec<TraceEvent> {
    let run = simulate(seed, scenario, Recording { keep: true, stream: None });
    assert!(run.outcome.is_ok());
    run.kept
}

/// From parallelism 2 to 4 of 128 key groups on a quiet day.
fn quiet() -> Vec<TraceEvent> {
    let max = MaxParallelism::new(128).unwrap();
    let parallelisms = [2, 4].map(|parallelism| Parallelism::new(parallelism).unwrap());
    events(7, &Scenario::new(table(600), max, parallelisms.into(), Profile::None).unwrap())
}

fn chaos() -> Vec<TraceEvent> {
    events(17, &Scenario::swarm(17, &table(300), 300, Profile::Chaos))
}

fn drawn(events: &[TraceEvent]) -> Diagram {
    diagram(&events.iter().map(Told::from).collect::<Vec<_>>())
}

/// The diagram of a trace that somebody has made up.
fn made_up(lines: &[(&str, &str, Value)]) -> Diagram {
    let told: Vec<_> =
        (0..).zip(lines).map(|(at_us, (node, kind, fields))| Told { at_us, node, kind, fields }).collect();
    diagram(&told)
}

fn of(diagram: &Diagram, track: Track) -> Vec<&Span> {
    diagram.spans.iter().filter(|span| span.track == track).collect()
}

fn phases(span: &Span) -> Vec<&str> {
    span.phases.iter().map(|(_, words)| words.as_str()).collect()
}

#[test]
fn every_message_that_is_heard_has_its_sender_also_when_messages_are_lost_and_repeated() {
    for events in [quiet(), chaos()] {
        let diagram = drawn(&events);
        let heard: Vec<_> = (0..events.len())
            .filter(|at| matches!(diagram.events[*at].kind, kinds::MESSAGES | kinds::HEARTBEATS))
            .filter(|at| events[*at].fields != "Heartbeat" && events[*at].fields["Timer"].is_null())
            .collect();
        assert!(heard.len() > 100);
        for at in heard {
            let arrow = diagram.arrows.iter().find(|arrow| arrow.to.1 == at && arrow.fate == Fate::Arrives);
            let arrow = arrow.unwrap_or_else(|| panic!("{:?}", events[at]));
            assert!(arrow.from.1 < at && arrow.from.0 != arrow.to.0, "{arrow:?}");
        }
    }
}

#[test]
fn when_an_attempt_runs_on_a_quiet_day_its_tasks_own_every_key_group_once() {
    let events = quiet();
    let diagram = drawn(&events);
    let mut parallelisms = Vec::new();
    for (at, event) in events.iter().enumerate().filter(|(_, event)| !event.fields["running"].is_null()) {
        let now = diagram.held.iter().filter(|held| held.from <= at && at < held.to);
        let mut now: Vec<_> = now.inspect(|held| assert!(held.processes && held.share == (0, 1))).collect();
        now.sort_by_key(|held| held.groups);
        let mut next = 0;
        for (subtask, held) in now.iter().enumerate() {
            assert_eq!((held.groups.0, held.subtask), (next, subtask), "{event:?}");
            next = held.groups.1 + 1;
        }
        assert_eq!(next, 128);
        parallelisms.push(now.len());
    }
    assert_eq!(parallelisms, [2, 4]);
}

#[test]
fn before_an_attempt_runs_its_tasks_hold_their_key_groups_without_processing() {
    let diagram = drawn(&quiet());
    let restoring = diagram.held.iter().filter(|held| !held.processes && held.words.ends_with("restoring"));
    let words: Vec<_> = restoring.map(|held| held.words.as_str()).collect();
    assert!(words.iter().any(|words| words.starts_with("task 1-3 of attempt 1.2 on host ")), "{words:?}");
}

#[test]
fn a_rescale_lasts_from_the_wish_to_the_attempt_that_runs_so() {
    let diagram = drawn(&quiet());
    let [rescale] = of(&diagram, Track::Rescale)[..] else { panic!("{:?}", diagram.spans) };
    assert_eq!((rescale.words.as_str(), rescale.outcome), ("rescale 2 → 4", Outcome::Good));
    let phases = phases(rescale);
    let expected = [
        "asked for",
        "accepted: ",
        "attempt 1.1 stops with ",
        "attempt 1.1 has ",
        "attempt 1.2 is ",
        "attempt 1.2 runs",
    ];
    assert_eq!(phases.len(), expected.len(), "{phases:?}");
    assert!(phases.iter().zip(expected).all(|(phase, begin)| phase.starts_with(begin)), "{phases:?}");
    let attempts: Vec<_> = of(&diagram, Track::Attempt).into_iter().map(|span| span.words.as_str()).collect();
    assert!(attempts[0].starts_with("attempt 1.1 at parallelism 2, empty"), "{attempts:?}");
    assert!(attempts[1].starts_with("attempt 1.2 at parallelism 4, from checkpoint "), "{attempts:?}");
}

#[test]
fn what_a_rescale_moves_is_counted_in_keys_bytes_and_key_groups() {
    let events = quiet();
    let diagram = drawn(&events);
    let [moved] = &diagram.moved[..] else { panic!("{:?}", diagram.moved) };
    assert_eq!((moved.attempt.as_str(), moved.parallelism, moved.key_groups), ("1.2", 4, Some(96)));
    let restored = events.iter().filter(|event| event.kind == "restored");
    let bytes: u64 = restored.map(|event| event.fields["bytes_read"].as_u64().unwrap()).sum();
    assert!(moved.keys > 0 && moved.bytes_owned > 0);
    assert_eq!(moved.bytes_read, bytes);
}

#[test]
fn every_committed_checkpoint_is_a_span_that_ends_well() {
    let events = quiet();
    let committed = events.iter().filter(|event| !event.fields["committed"].is_null()).count();
    let diagram = drawn(&events);
    let checkpoints = of(&diagram, Track::Checkpoint);
    assert_eq!(checkpoints.len(), committed);
    for checkpoint in checkpoints {
        assert_eq!(checkpoint.outcome, Outcome::Good);
        assert_eq!(checkpoint.phases.len(), 4, "triggered, acknowledged, decided, heard of: {checkpoint:?}");
    }
}

#[test]
fn who_leads_or_processes_has_a_band_and_loses_it_with_its_life() {
    let events = chaos();
    let diagram = drawn(&events);
    let lane = |at: At| diagram.events[at].lane;
    for at in (0..events.len()).filter(|at| events[*at].kind == "crashed") {
        let over = diagram.bands.iter().filter(|band| band.lane == lane(at) && band.what == Being::Active);
        assert!(over.clone().all(|band| band.to <= at || band.from > at), "{:?}", events[at]);
        let down = Band { lane: lane(at), from: at, to: 0, what: Being::Down };
        assert!(diagram.bands.iter().any(|band| Band { to: 0, ..*band } == down));
    }
}

fn attempt(run: u32) -> Value {
    json!({ "epoch": 1, "run": run })
}

#[test]
fn a_checkpoint_that_is_given_up_ends_badly_and_one_that_is_forgotten_stays_open() {
    let diagram = made_up(&[
        (
            "coordinator 0",
            "event",
            json!({ "triggered": { "attempt": attempt(1), "checkpoint": 1, "stop": false } }),
        ),
        (
            "coordinator 0",
            "event",
            json!({ "aborted": { "attempt": attempt(1), "checkpoint": 1, "reason": "expired" } }),
        ),
        (
            "coordinator 0",
            "event",
            json!({ "triggered": { "attempt": attempt(1), "checkpoint": 1, "stop": false } }),
        ),
        (
            "coordinator 1",
            "event",
            json!({ "deployed": { "attempt": attempt(2), "parallelism": 2, "restore": 0 } }),
        ),
    ]);
    let ends: Vec<_> =
        of(&diagram, Track::Checkpoint).into_iter().map(|span| (span.from, span.to, span.outcome)).collect();
    assert_eq!(ends, [(0, 1, Outcome::Bad), (2, 3, Outcome::Open)]);
}

fn partition(from: &[u16], to: &[u16], text: &str) -> Value {
    json!({ "text": text, "fault": { "Partition": { "from": from, "to": to, "both_ways": true, "for_us": 9 } } })
}

#[test]
fn a_fault_hits_whom_it_names_and_of_a_partition_the_smaller_side() {
    let cut = partition(&[2, 3], &[4], "links from coordinator 0, host 0 and host 1 are cut for 0.1 s");
    let crash =
        json!({ "text": "host 0 is crashed for 1 s", "fault": { "Crash": { "node": 3, "down_us": 9 } } });
    let rough = json!({ "text": "links lose 5 % of all messages", "fault": { "RoughLinks": {} } });
    let store = json!({ "text": "the store serves nobody for 1 s", "fault": { "StoreOutage": {} } });
    let diagram = made_up(&[
        ("coordinator 0", "input", json!("Boot")),
        ("host 0", "input", json!("Boot")),
        ("host 1", "input", json!("Boot")),
        ("faults", "fault-begins", cut.clone()),
        ("faults", "fault-begins", crash),
        ("faults", "fault-ends", cut),
        ("faults", "fault-begins", rough),
        ("faults", "fault-begins", store),
        ("faults", "healed", json!(4)),
    ]);
    let faults = of(&diagram, Track::Fault);
    let told = |span: &&Span| {
        let hits: Vec<_> = span.hits.iter().map(|lane| diagram.lanes[*lane].name.as_str()).collect();
        (span.from, span.to, span.slot, hits.join(", "))
    };
    assert_eq!(
        faults.iter().map(told).collect::<Vec<_>>(),
        [
            (3, 5, 0, "host 1".to_owned()),
            (4, 8, 1, "host 0".to_owned()),
            (6, 8, 0, "faults".to_owned()),
            (7, 8, 2, "store".to_owned()),
        ]
    );
}

#[test]
fn of_a_trace_of_another_time_everything_is_still_shown() {
    let diagram = made_up(&[
        ("host 0", "began", json!({ "host": "of another format" })),
        ("host 0", "input", json!({ "Teleported": 1 })),
        ("a new node", "a-new-kind", json!({ "anything": [1, 2] })),
    ]);
    assert_eq!(diagram.events.len(), 3);
    assert_eq!(diagram.events[2].words, "a-new-kind: {\"anything\":[1,2]}");
    assert_eq!(diagram.lanes.last().unwrap().name, "a new node");
    assert!(diagram.held.is_empty() && diagram.arrows.is_empty());
}

#[test]
fn the_first_violation_is_marked() {
    let diagram = made_up(&[
        ("host 0", "input", json!("Boot")),
        ("watch", "violation", json!("an_invariant: it does not hold")),
        ("trace", "closed", json!({ "events": 2, "violation": "an_invariant: it does not hold" })),
    ]);
    assert_eq!(diagram.broken, Some(1));
    assert_eq!(drawn(&quiet()).broken, None);
}

#[test]
fn a_trace_without_events_is_an_empty_diagram() {
    assert!(made_up(&[]).events.is_empty());
}
