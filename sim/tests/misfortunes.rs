//! Single lost, late and repeated messages, and single failed requests, have names.

use keygroups_sim::case::Case;
use keygroups_sim::cluster::Scenario;
use keygroups_sim::fault::Profile;
use keygroups_sim::input::Table;
use keygroups_sim::misfortune::Misfortunes;
use keygroups_sim::trace::Recording;
use std::sync::Arc;

fn drawn(seed: u64) -> Case {
    let table = Arc::new(Table::january("tailnum").unwrap());
    Case::draw(seed, &Scenario::swarm(seed, &table, 200, Profile::Chaos))
}

fn struck_by(case: &Case, misfortunes: Misfortunes) -> Case {
    let mut listed = case.clone();
    listed.plan.misfortunes = Some(misfortunes);
    listed
}

#[test]
fn run_with_all_misfortunes_listed_is_the_run_that_drew_them() {
    let (mut messages, mut requests) = (0, 0);
    for seed in 0..20 {
        let case = drawn(seed);
        let misfortunes = case.misfortunes();
        (messages, requests) = (messages + misfortunes.messages.len(), requests + misfortunes.requests.len());
        let listed = struck_by(&case, misfortunes.clone());
        assert_eq!(listed.misfortunes(), misfortunes);
        let (drew, listed) = (case.run(Recording::default()), listed.run(Recording::default()));
        assert_eq!((drew.hash, drew.network), (listed.hash, listed.network), "seed {seed}");
    }
    assert!(messages > 100 && requests > 10, "{messages} messages, {requests} requests");
}

#[test]
fn what_is_not_listed_is_not_struck_though_rates_would() {
    let case = (0..20).map(drawn).find(|case| case.run(Recording::default()).network.lost > 20).unwrap();
    let spared = struck_by(&case, Misfortunes::default()).run(Recording::default());
    assert_eq!((spared.network.lost, spared.network.duplicated), (0, 0));
    // Only the first that is lost anyway: up to there both are one run.
    let first = |misfortune: &&keygroups_sim::wire::MessageMisfortune| misfortune.message;
    let misfortunes = case.misfortunes();
    let one = misfortunes.messages.iter().min_by_key(first).copied().unwrap();
    let listed = Misfortunes { messages: [one].into(), ..Misfortunes::default() };
    let words = listed.describe(|node| format!("node {}", node.0));
    let run = struck_by(&case, listed).run(Recording::default());
    assert_eq!(
        run.network.lost + run.network.duplicated,
        u64::from(!words[0].starts_with("late")),
        "{words:?}"
    );
    assert!(
        words[0].contains(&format!("message {} from node {} to node {}", one.message, one.from.0, one.to.0))
    );
}

#[test]
fn list_is_written_as_a_reader_would_say_it_and_read_again() {
    let listed = serde_json::json!({
        "messages": [{ "from": 2, "to": 5, "message": 17, "what": "lost" },
            { "from": 2, "to": 5, "message": 18, "what": { "late": { "by_us": 40_000 } } }],
        "requests": [{ "by": 3, "request": 5, "what": "unanswered" }],
    });
    let mut value = serde_json::to_value(drawn(3)).unwrap();
    assert!(value["plan"].get("misfortunes").is_none(), "a plan without a list says nothing of it");
    value["plan"]["misfortunes"] = listed.clone();
    let case: Case = serde_json::from_value(value).unwrap();
    case.check().unwrap();
    assert_eq!(serde_json::to_value(&case.plan.misfortunes).unwrap(), listed);
    let words = case.plan.misfortunes.as_ref().unwrap().describe(|node| case.scenario.name_of(node));
    assert_eq!(
        words,
        [
            "lost: message 17 from coordinator 0 to host 0",
            "late by 40 ms: message 18 from coordinator 0 to host 0",
            "unanswered: request 5 of coordinator 1 to the store",
        ]
    );
}

#[test]
fn misfortune_of_a_node_that_is_not_there_is_refused() {
    let mut value = serde_json::to_value(drawn(3)).unwrap();
    value["plan"]["misfortunes"] =
        serde_json::json!({ "requests": [{ "by": 99, "request": 5, "what": "refused" }] });
    let case: Case = serde_json::from_value(value).unwrap();
    assert!(case.check().unwrap_err().to_string().contains("node 99"));
}
