//! Bugs of the model's zoo in the simulated cluster: the same bugs, found by seeds that know nothing of them.
//! `keygroups zoo --sim` hunts all of them.
#![cfg(madsim)]

use keygroups_model::zoo;
use keygroups_sim::case::Case;
use keygroups_sim::cluster::Scenario;
use keygroups_sim::fault::Profile;
use keygroups_sim::input::{DEFAULT_KEY, Table};
use keygroups_sim::trace::Recording;
use keygroups_sim::zoo::{Catch, HUNTED, Hunted, UNSEEN, hunted, sweep};
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

static JANUARY: LazyLock<Arc<Table>> = LazyLock::new(|| Arc::new(Table::january(DEFAULT_KEY).unwrap()));

/// Far more than any of these needs; a sweep that is given up fails.
const LIMIT: Duration = Duration::from_secs(600);

fn case(seed: u64) -> Case {
    Case::draw(seed, &Scenario::swarm(seed, &JANUARY, 300, Profile::Chaos))
}

/// The catch, within so many seeds.
fn caught(name: &str, first_seed: u64, seeds_max: u64) -> Catch {
    let sweep = sweep(hunted(name).unwrap(), first_seed, LIMIT, case, |runs| runs < seeds_max + 8);
    let catch = sweep.caught.clone().unwrap_or_else(|| panic!("{name} survives: {sweep:?}"));
    assert!(catch.seeds <= seeds_max, "{name}: {catch:?}");
    catch
}

#[test]
fn every_bug_of_the_zoo_is_hunted_or_it_is_said_why_not() {
    let in_the_zoo: Vec<_> = zoo::every().map(|mutant| mutant.name).collect();
    let mut named: Vec<_> = HUNTED.iter().map(|hunted| hunted.name).collect();
    named.extend(UNSEEN.iter().map(|unseen| unseen.name));
    let (all, known): (BTreeSet<_>, BTreeSet<_>) = (in_the_zoo.iter().collect(), named.iter().collect());
    assert_eq!(all, known);
    assert_eq!(named.len(), known.len(), "one is named twice");
}

#[test]
fn every_hunted_bug_has_a_rule_that_a_running_cluster_can_break() {
    for hunted in HUNTED {
        assert!(hunted.rules().next().is_some(), "{}", hunted.name);
        assert!(!hunted.is_caught_by("no_panic"), "{}", hunted.name);
    }
    assert!(UNSEEN.iter().all(|unseen| !unseen.why.is_empty()));
}

/// One for each place where a bug can sit: what a coordinator hears and wants, what a host wants, the
/// engine, and the store. The protocol without a bug holds on the very seeds that catch them.
#[test]
fn bugs_of_every_kind_are_found_within_forty_seeds_and_the_seeds_hold_without_them() {
    let kinds = [
        "new_file_looks_redundant",
        "stop_falls_back",
        "unfinished_is_not_swept",
        "old_container_goes_on",
        "offset_before_the_record",
        "change_under_the_previous_key",
        "file_name_reused",
    ];
    let seeds: BTreeSet<_> = kinds.map(|name| caught(name, 7_000, 40).seed).into_iter().collect();
    for seed in seeds {
        case(seed).run(Recording::default()).outcome.unwrap_or_else(|broken| panic!("seed {seed}: {broken}"));
    }
}

#[test]
fn a_bug_is_caught_by_its_own_rules_only() {
    const ASTRAY: Hunted = Hunted { name: "notice_before_the_commit", counterparts: &[] };
    let notices = "notices_are_true_in_order_and_once";
    assert!(ASTRAY.is_caught_by(notices));
    assert!(!hunted("stop_falls_back").unwrap().is_caught_by(notices));

    let planted = |seed| case(seed).with_mutant(ASTRAY.mutant());
    let rules: BTreeSet<_> = (0..4)
        .filter_map(|seed| planted(seed).run(Recording::default()).outcome.err())
        .map(|violation| violation.rule().to_owned())
        .collect();
    assert_eq!(rules, BTreeSet::from([notices.to_owned()]));
}

#[test]
fn a_case_with_a_bug_breaks_again_as_it_did() {
    let catch = caught("subsumed_with_what_is_shared", 0, 4);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("case.json");
    let mut with_bug = case(catch.seed).with_mutant(zoo::find("subsumed_with_what_is_shared").unwrap());
    with_bug.breaks = Some(catch.rule.clone());
    with_bug.write(&path).unwrap();
    let again = Case::read(&path).unwrap();
    let (run, rerun) = (with_bug.run(Recording::default()), again.run(Recording::default()));
    assert_eq!(run.hash, rerun.hash);
    assert!(again.is_met_by(&rerun), "{:?}", rerun.outcome);
}
