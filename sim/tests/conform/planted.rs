//! Errors planted into real traces, each found at the step that the model would not allow.

use keygroups_sim::fault::Profile;
use serde_json::{Value, json};

use crate::support::{Trace, trace};

/// A run without failures, so that one thing follows another.
fn quiet() -> Trace {
    trace(3, Profile::None)
}

fn is(line: &Value, kind: &str, field: &str) -> bool {
    line["kind"] == kind && !line["fields"][field].is_null()
}

/// A coordinator hears a host say this.
fn hears(line: &Value, message: &str) -> bool {
    line["kind"] == "input" && !line["fields"]["Host"][message].is_null()
}

/// A host hears a coordinator say this.
fn is_told(line: &Value, message: &str) -> bool {
    line["kind"] == "input" && !line["fields"]["Coordinator"][message].is_null()
}

fn is_timer(line: &Value, timer: &str) -> bool {
    line["kind"] == "input" && line["fields"]["Timer"] == timer
}

#[test]
fn a_life_that_never_began() {
    let mut trace = quiet();
    let began = trace.find(0, |line| is(line, "began", "host"));
    let node = trace.line(began)["node"].clone();
    trace.lines.remove(began);
    let first = trace.find(began, |line| line["node"] == node && line["kind"] == "input");
    trace.diverges(first, "a_process_acts_only_while_it_lives");
}

#[test]
fn a_life_that_begins_before_the_last_one_ends() {
    let mut trace = trace(3, Profile::Chaos);
    let crashed = trace.find(0, |line| line["kind"] == "crashed");
    let node = trace.line(crashed)["node"].clone();
    trace.lines.remove(crashed);
    let began = trace.find(crashed, |line| line["node"] == node && line["kind"] == "began");
    trace.diverges(began, "a_process_acts_only_while_it_lives");
}

#[test]
fn a_message_whose_sender_never_sent_it() {
    let mut trace = quiet();
    // A host hears that a task has restored, and says that it is ready.
    let restored = trace.find(0, |line| is(line, "input", "Restored"));
    let task = trace.line(restored)["fields"]["Restored"]["task"].clone();
    trace.lines.remove(restored);
    let ready =
        trace.find(restored, |line| hears(line, "Ready") && line["fields"]["Host"]["Ready"]["task"] == task);
    trace.diverges(ready, "what_is_delivered_was_sent");
}

#[test]
fn an_acknowledgement_of_another_attempt() {
    let mut trace = quiet();
    let acknowledge = trace.find(0, |line| hears(line, "Acknowledge"));
    trace.change(acknowledge, |line| line["fields"]["Host"]["Acknowledge"]["attempt"]["run"] = json!(7));
    let divergence = trace.diverges(acknowledge, "what_is_delivered_was_sent");
    assert!(divergence.happened.contains("attempt 1.7 acknowledges checkpoint"), "{divergence:?}");
    assert!(divergence.allowed[0].contains("attempt 1.1 acknowledges checkpoint"), "{divergence:?}");
}

#[test]
fn a_message_to_somebody_else() {
    let mut trace = quiet();
    let deploy = trace.find(0, |line| is_told(line, "Deploy"));
    let other = trace.find(0, |line| is(line, "began", "host") && line["node"] != trace.line(deploy)["node"]);
    let other = trace.line(other)["node"].clone();
    trace.change(deploy, |line| line["node"] = other);
    trace.diverges(deploy, "what_is_delivered_was_sent");
}

/// A log of manifests and phases alone rejects none of a hundred such traces.
#[test]
fn a_commit_before_all_acknowledgements_in_each_of_a_hundred_traces() {
    let mut planted = 0;
    for seed in 0.. {
        let whole = trace(seed, Profile::Default);
        let told = |line: &String| line.contains("\"all_acknowledged\"");
        let heard = |line: &String| line.contains("\"input\"") && line.contains("\"Acknowledge\"");
        for all in (0..whole.lines.len()).filter(|at| told(&whole.lines[*at])) {
            let mut trace = whole.clone();
            let last = trace.lines[..all].iter().rposition(heard).unwrap();
            trace.lines.remove(last);
            trace.diverges(all - 1, "what_happens_is_what_the_machine_wanted");
            planted += 1;
        }
        if planted >= 100 {
            return;
        }
    }
}

#[test]
fn a_commit_that_lands_before_all_have_acknowledged() {
    let mut trace = quiet();
    let all = trace.find(0, |line| is(line, "event", "all_acknowledged"));
    let request = trace.find(all, |line| {
        is(line, "request", "path") && line["fields"]["path"].as_str().unwrap().contains("/manifest/")
    });
    let last = trace.find_last(all, |line| hears(line, "Acknowledge"));
    // The request and what it does.
    trace.lines[last..request + 2].rotate_right(2);
    trace.diverges(last, "a_change_of_the_store_was_asked_for");
}

#[test]
fn a_create_that_is_told_exists_although_it_made_the_manifest() {
    let mut trace = quiet();
    let create = trace.find(0, |line| line["fields"]["Create"]["outcome"] == "Created");
    trace.change(create, |line| line["fields"]["Create"]["outcome"] = json!("Exists"));
    trace.diverges(create, "an_answer_was_true_meanwhile");
}

#[test]
fn a_create_that_is_told_created_although_another_made_the_manifest() {
    for seed in 0.. {
        let mut trace = trace(seed, Profile::Chaos);
        let exists = |at: &usize| trace.line(*at)["fields"]["Create"]["outcome"] == "Exists";
        if let Some(create) = (0..trace.lines.len()).find(exists) {
            trace.change(create, |line| line["fields"]["Create"]["outcome"] = json!("Created"));
            trace.diverges(create, "an_answer_was_true_meanwhile");
            return;
        }
    }
}

#[test]
fn a_change_of_the_store_that_comes_later_than_its_request() {
    let mut trace = quiet();
    let written = trace.find(0, |line| is(line, "fact", "object-written"));
    trace.lines.swap(written, written + 1);
    trace.diverges(written, "what_happens_is_what_the_machine_wanted");
}

#[test]
fn a_change_of_the_store_without_a_request() {
    let mut trace = quiet();
    let written = trace.find(0, |line| is(line, "fact", "object-written"));
    trace.lines.remove(written - 1);
    trace.diverges(written - 1, "the_store_does_what_it_is_asked");
}

#[test]
fn a_read_of_a_manifest_that_was_not_the_newest_any_more() {
    let mut trace = quiet();
    let first = trace.find(0, |line| is(line, "fact", "manifest-created"));
    let first = trace.line(first)["fields"]["manifest-created"].clone();
    let read = trace.find(0, |line| {
        line["fields"]["Latest"]["outcome"]["Found"]["version"].as_u64().is_some_and(|version| version > 3)
    });
    trace.change(read, |line| line["fields"]["Latest"]["outcome"]["Found"] = first);
    let divergence = trace.diverges(read, "an_answer_was_true_meanwhile");
    assert_eq!(divergence.allowed, ["manifest 4 of epoch 1"]);
}

#[test]
fn an_answer_that_comes_twice() {
    let mut trace = quiet();
    let read = trace.find(0, |line| is(line, "input", "Latest"));
    let next = trace.find(read + 1, |line| line["kind"] == "input");
    trace.lines.insert(next, trace.lines[read].clone());
    trace.change(next, |line| line["at_us"] = trace_time(&quiet(), next));
    trace.diverges(next, "an_answer_has_its_question");
}

fn trace_time(trace: &Trace, at: usize) -> Value {
    trace.line(at)["at_us"].clone()
}

#[test]
fn a_sweep_that_overlooks_an_object() {
    let mut trace = quiet();
    let swept = trace.find(0, |line| {
        line["fields"]["Swept"]["swept"]["objects"].as_array().is_some_and(|objects| !objects.is_empty())
    });
    trace.change(swept, |line| {
        line["fields"]["Swept"]["swept"]["objects"].as_array_mut().unwrap().remove(0);
    });
    trace.diverges(swept, "an_answer_was_true_meanwhile");
}

#[test]
fn a_timer_that_fires_once_too_often() {
    let mut trace = quiet();
    let silence = trace.find(0, |line| is_timer(line, "LeaderSilence"));
    // The event that follows from it comes first.
    trace.lines.insert(silence + 2, trace.lines[silence].clone());
    trace.diverges(silence + 2, "a_timer_fires_only_if_it_is_set");
}

#[test]
fn a_rescale_that_nobody_asked_for() {
    let mut trace = quiet();
    let rescale = trace.find(0, |line| is(line, "input", "Rescale"));
    trace.change(rescale, |line| line["fields"]["Rescale"] = json!(5000));
    trace.diverges(rescale, "a_rescale_was_asked_for");
}

#[test]
fn a_barrier_that_comes_before_a_sender_has_put_it_into_its_channel() {
    let mut trace = quiet();
    let aligned = trace.find(0, |line| is(line, "input", "Aligned"));
    trace.change(aligned, |line| line["fields"]["Aligned"]["barrier"]["checkpoint"] = json!(9));
    trace.diverges(aligned, "the_engine_does_what_it_is_told");
}

#[test]
fn a_snapshot_that_was_never_written() {
    let mut trace = quiet();
    let written = trace.find(0, |line| is(line, "fact", "object-written"));
    let by = trace.line(written - 1)["fields"]["by"].clone();
    trace.lines.drain(written - 1..=written);
    let uploaded = trace.find(written - 1, |line| is(line, "input", "Uploaded") && line["node"] == by);
    trace.diverges(uploaded, "the_engine_does_what_it_is_told");
}

#[test]
fn a_notice_that_no_task_believed() {
    let mut trace = quiet();
    let notified = trace.find(0, |line| is(line, "fact", "notified"));
    trace.lines.insert(notified, trace.lines[notified].clone());
    trace.change(notified, |line| line["fields"]["notified"]["checkpoint"] = json!(99));
    trace.diverges(notified, "what_happens_is_what_the_machine_wanted");
}

#[test]
fn contents_that_differ_from_a_sequential_run() {
    let mut trace = quiet();
    let contents = trace.find(0, |line| is(line, "fact", "contents"));
    trace.change(contents, |line| line["fields"]["contents"]["found"]["state"]["entries"] = json!(1));
    trace.diverges(contents, "state_is_the_fold_of_the_records_before_the_barrier");
}

#[test]
fn a_damaged_manifest_is_outside_of_the_model() {
    let mut trace = quiet();
    let read = trace.find(0, |line| is(line, "input", "Latest"));
    trace.change(read, |line| line["fields"]["Latest"]["outcome"] = json!("Corrupt"));
    trace.diverges(read, "the_model_has_no_such_step");
}

#[test]
fn time_that_runs_backwards() {
    let mut trace = quiet();
    let told = trace.find(0, |line| line["kind"] == "moved" || line["kind"] == "restored");
    trace.change(told, |line| line["at_us"] = json!(0));
    trace.diverges(told, "time_never_runs_backwards");
}
