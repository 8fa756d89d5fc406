//! Reports: the page of a run, of a violated one, and of a path through a model.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use keygroups_sim::cluster::{EngineBug, Scenario, simulate};
use keygroups_sim::fault::Profile;
use keygroups_sim::input::{DEFAULT_KEY, Table};
use keygroups_sim::trace::Recording;
use serde_json::Value;

use crate::browser::Page;

/// A report that the command has written into a directory of its own.
struct Report {
    url: String,
    // Removed with the report.
    _place: tempfile::TempDir,
}

fn report(exit_code: i32, arguments: &str, prepare: impl FnOnce(&Path)) -> Report {
    let place = tempfile::tempdir().unwrap();
    prepare(place.path());
    let output = Command::new(env!("CARGO_BIN_EXE_keygroups"))
        .arg("report")
        .args(arguments.split_whitespace())
        .args(["-o", "page.html"])
        .current_dir(place.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(exit_code), "{output:?}");
    Report { url: format!("file://{}", place.path().join("page.html").display()), _place: place }
}

/// The first run in which it is found that records are counted twice now and then.
fn write_violated_trace(place: &Path) {
    let mut table = Table::january(DEFAULT_KEY).unwrap();
    table.rows.truncate(300);
    let table = Arc::new(table);
    let is_found = |seed: &u64| {
        let scenario = Scenario::swarm(*seed, &table, 300, Profile::Chaos);
        let scenario = scenario.with_engine_bug(EngineBug::CountsTwice);
        let file = BufWriter::new(File::create(place.join("violated.jsonl")).unwrap());
        let run = simulate(*seed, &scenario, Recording { keep: false, stream: Some(Box::new(file)) });
        run.streamed.unwrap();
        run.outcome.is_err()
    };
    assert!((0..50).find(is_found).is_some(), "a planted bug is found");
}

fn open(page: &mut Page, report: &Report) {
    page.open(&report.url);
    page.wait_for("document.body?.dataset.events !== undefined");
}

fn number(page: &mut Page, expression: &str) -> f64 {
    page.evaluate(expression).as_f64().unwrap_or_else(|| panic!("{expression} is no number"))
}

/// Clicks where an event is drawn.
fn click(page: &mut Page, index: usize) {
    page.evaluate(&format!(
        "{{ const {{ x, y }} = keygroupsReport.where({index}), canvas = document.getElementById('canvas');
        for (const kind of ['pointerdown', 'pointerup'])
          canvas.dispatchEvent(new PointerEvent(kind, {{ clientX: x, clientY: y, pointerId: 1, bubbles: true }})); }}"
    ));
}

/// The index of the first event for which this holds.
fn index(page: &mut Page, condition: &str) -> usize {
    let found = page.evaluate(&format!("keygroupsReport.events.findIndex((event) => {condition})"));
    usize::try_from(found.as_i64().unwrap()).expect("there is such an event")
}

fn text(page: &mut Page, id: &str) -> String {
    match page.evaluate(&format!("document.getElementById('{id}').innerText")) {
        Value::String(text) => text,
        other => panic!("{other}"),
    }
}

/// How many pixels of the map have this colour: an expression for the page.
fn pixels_in_the_map([red, green, blue]: [u8; 3]) -> String {
    format!(
        "(() => {{ const {{ x, width, top, height }} = keygroupsReport.map(), ratio = devicePixelRatio;
        const {{ data }} = document.getElementById('canvas').getContext('2d')
          .getImageData(x * ratio, top * ratio, width * ratio, height * ratio);
        let count = 0;
        for (let at = 0; at < data.length; at += 4)
          count += data[at] === {red} && data[at + 1] === {green} && data[at + 2] === {blue};
        return count; }})()"
    )
}

/// Of task 0 in the light.
const BLUE: [u8; 3] = [47, 111, 219];
const BLUE_IN_THE_DARK: [u8; 3] = [91, 147, 240];

#[test]
fn a_run_is_shown_whole_with_lanes_and_the_coloured_map_of_owners() {
    let Some(mut page) = crate::page() else { return };
    let report = report(0, "123 --rows 2000", |_| {});
    open(&mut page, &report);
    assert!(text(&mut page, "tools").contains("host 0"));
    assert_eq!(page.evaluate("document.body.dataset.layout"), "time");
    assert_eq!(page.evaluate("keygroupsReport.held.length > 6"), true);
    assert!(number(&mut page, &pixels_in_the_map(BLUE)) > 1_000.0);
    for track in ["fault", "rescale", "attempt", "checkpoint"] {
        let there = page.evaluate(&format!("keygroupsReport.spans.some((span) => span.track === '{track}')"));
        assert_eq!(there, true, "{track}");
    }
    assert!(text(&mut page, "moved").contains("2.2"), "what was moved is told for each attempt");
    page.prefer_dark();
    page.wait_for(&format!("{} > 1000", pixels_in_the_map(BLUE_IN_THE_DARK)));
    assert_eq!(page.evaluate(&pixels_in_the_map(BLUE)), 0);
    // However many events there are, they are drawn, not built.
    assert!(number(&mut page, "document.querySelectorAll('*').length") < 400.0);
    assert_eq!(page.errors, Vec::<String>::new());
}

#[test]
fn clicking_an_event_shows_its_words_its_sender_and_its_raw_fields() {
    let Some(mut page) = crate::page() else { return };
    let report = report(0, "123 --rows 2000", |_| {});
    open(&mut page, &report);
    let deployed = index(&mut page, "event.words.startsWith('deploys attempt 1.1')");
    page.evaluate(&format!("location.hash = '#{}'", deployed + 1));
    page.wait_for("document.body.dataset.selected !== undefined");
    page.evaluate("document.getElementById('by-row').click()");
    page.wait_for("document.body.dataset.layout === 'rows'");
    let next = index(&mut page, "event.words.startsWith('← deploy task')");
    page.wait_for(&format!("keygroupsReport.where({next}).y > 0"));
    click(&mut page, next);
    page.wait_for(&format!("document.body.dataset.selected === 'event {next}'"));
    let details = text(&mut page, "details");
    for expected in ["← deploy task", "sent", "by coordinator ", "\"Deploy\": {", "\"layout\""] {
        assert!(details.contains(expected), "{expected:?} is not in {details}");
    }
    assert_eq!(page.errors, Vec::<String>::new());
}

#[test]
fn kinds_lanes_and_words_filter_and_everything_can_be_zoomed() {
    let Some(mut page) = crate::page() else { return };
    let report = report(0, "123 --rows 2000", |_| {});
    open(&mut page, &report);
    let shown = "Number(document.body.dataset.shown)";
    let all = number(&mut page, shown);
    let tick = |name: &str| {
        format!(
            "[...document.querySelectorAll('#tools label')].find((it) => it.innerText === '{name}').click()"
        )
    };
    page.evaluate(&tick("heartbeats"));
    page.wait_for(&format!("{shown} > {all}"));
    page.evaluate(&tick("heartbeats"));
    page.wait_for(&format!("{shown} === {all}"));
    page.evaluate(&tick("host 1"));
    page.wait_for(&format!("{shown} < {all}"));
    page.evaluate(&tick("host 1"));
    page.evaluate(
        "{ const search = document.getElementById('search');
        search.value = 'leads epoch'; search.dispatchEvent(new Event('input')); }",
    );
    page.wait_for(&format!("{shown} > 0 && {shown} < 5"));
    assert!(text(&mut page, "count").contains(" of "));

    let scale = "Number(document.body.dataset.scale)";
    for act in [
        "document.getElementById('closer').click()",
        "dispatchEvent(new KeyboardEvent('keydown', { key: '+' }))",
        "document.getElementById('canvas').dispatchEvent(new WheelEvent('wheel', { deltaY: -200, ctrlKey: true }))",
    ] {
        let before = number(&mut page, scale);
        // A key is pressed somewhere in the page.
        page.evaluate(
            &act.replace("dispatchEvent(new K", "document.body.dispatchEvent(new K")
                .replace("key: '+' }", "key: '+', bubbles: true }"),
        );
        page.wait_for(&format!("{scale} > {before}"));
    }
    assert_eq!(page.errors, Vec::<String>::new());
}

#[test]
fn a_violated_run_opens_at_its_violation() {
    let Some(mut page) = crate::page() else { return };
    let report = report(1, "violated.jsonl", write_violated_trace);
    open(&mut page, &report);
    assert_eq!(page.evaluate("document.getElementById('violation').hidden"), false);
    let broken = index(&mut page, "event.mark === 'broken'");
    assert_eq!(page.evaluate("document.body.dataset.selected"), format!("event {broken}"));
    let inside = format!(
        "(() => {{ const {{ y }} = keygroupsReport.where({broken}), box = document.getElementById('picture').getBoundingClientRect();
        return y > box.top && y < box.bottom; }})()"
    );
    assert_eq!(page.evaluate(&inside), true, "it is in sight");
    let details = text(&mut page, "details");
    let words = page.evaluate(&format!("keygroupsReport.events[{broken}].words"));
    assert!(details.starts_with(words.as_str().unwrap()), "{words} is not told in {details}");
    assert_eq!(page.errors, Vec::<String>::new());
}

#[test]
fn a_path_through_a_model_is_the_same_page_with_steps() {
    let Some(mut page) = crate::page() else { return };
    let report = report(1, "--path counterexample.json", |place| {
        let check = ["check", "scale-in", "--mutant", "ranges_by_another_formula"];
        let mut command = Command::new(env!("CARGO_BIN_EXE_keygroups"));
        assert_eq!(command.args(check).current_dir(place).output().unwrap().status.code(), Some(1));
    });
    open(&mut page, &report);
    assert_eq!(page.evaluate("document.body.dataset.layout"), "rows");
    assert!(number(&mut page, &pixels_in_the_map(BLUE)) > 100.0);
    assert!(text(&mut page, "details").contains("each_key_group_has_one_owner"));
    // One step up, and what it has changed.
    page.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowUp', bubbles: true }))",
    );
    page.wait_for("document.getElementById('details').innerText.includes('What it has changed')");
    assert_eq!(page.errors, Vec::<String>::new());
}
