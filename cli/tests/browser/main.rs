//! The Explorer and reports in a real browser. Without a Chromium on the search path these tests say so
//! and pass.

// Tests of programs wait for them in real time.
#![allow(clippy::disallowed_methods)]

mod browser;
mod report;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use browser::Page;
use serde_json::Value;

/// A running `keygroups explore`.
struct Explorer {
    child: Child,
    url: String,
    beside: String,
}

impl Explorer {
    fn new(arguments: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_keygroups"))
            .arg("explore")
            .args(arguments.split_whitespace())
            .args(["--addr", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut urls = lines.by_ref().filter_map(|line| Some(line[line.find("http://")?..].to_owned()));
        let (url, beside) = (urls.next().unwrap(), urls.next().unwrap());
        // The last line; whoever writes to nobody ends.
        lines.next().unwrap();
        Self { child, url, beside }
    }
}

impl Drop for Explorer {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn page() -> Option<Page> {
    let Some(chromium) = browser::installed() else {
        eprintln!("skipped: no Chromium is installed (apt-get install chromium)");
        return None;
    };
    Some(Page::new(&chromium))
}

fn is_shown(page: &mut Page, steps: usize) {
    page.wait_for(&format!("document.body?.dataset.steps === '{steps}'"));
}

fn nothing_went_wrong(page: &mut Page) {
    assert_eq!(page.evaluate("document.getElementById('error').hidden"), true);
    assert_eq!(page.errors, Vec::<String>::new());
}

#[test]
fn the_page_lists_the_properties_draws_the_path_and_takes_a_step() {
    let Some(mut page) = page() else { return };
    let explorer = Explorer::new("scale-in");
    page.open(&explorer.url);
    is_shown(&mut page, 0);
    let properties = page.evaluate("document.getElementById('properties').innerText");
    for name in ["each_key_group_has_one_owner", "output_is_exactly_once", "the job finishes"] {
        assert!(properties.as_str().unwrap().contains(name), "{name} is missing in {properties}");
    }
    let words = page.evaluate("document.querySelector('#next button').innerText");
    page.evaluate("document.querySelector('#next button').click()");
    is_shown(&mut page, 1);
    assert_eq!(
        page.evaluate("[...document.querySelectorAll('#picture text.words')].at(-1).textContent"),
        words
    );
    assert_eq!(page.evaluate("document.querySelectorAll('#picture .arrow').length > 0"), true);
    assert_eq!(page.evaluate("document.querySelectorAll('#state mark').length > 0"), true);
    // What is known of all states is shown when it is known.
    page.wait_for("document.getElementById('survey').innerText.includes('every invariant holds in all')");
    page.wait_for("[...document.querySelectorAll('#properties a')].length > 0");
    nothing_went_wrong(&mut page);
}

#[test]
fn a_mutant_opens_at_its_counterexample_and_earlier_states_can_be_looked_at() {
    let Some(mut page) = page() else { return };
    let explorer = Explorer::new("leadership --mutant exists_is_created");
    page.open(&explorer.url);
    is_shown(&mut page, 6);
    let broken = page.evaluate("document.querySelector('#picture .broken text').textContent");
    assert_eq!(broken, "✗ broken: nobody_believes_a_lost_step");
    assert_eq!(page.evaluate("document.querySelectorAll('#next button').length"), 0);
    page.evaluate("dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowUp' }))");
    page.wait_for("document.getElementById('at').textContent === 'after step 5 of 6'");
    // The step that goes wrong is among those that can be taken there, and says so.
    let breaks = page.evaluate("document.querySelector('#next button.breaks em').innerText");
    assert_eq!(breaks, "breaks nobody_believes_a_lost_step");
    nothing_went_wrong(&mut page);
}

#[test]
fn the_owners_of_key_groups_are_a_coloured_map() {
    let Some(mut page) = page() else { return };
    let explorer = Explorer::new("scale-in --mutant ranges_by_another_formula");
    page.open(&explorer.url);
    page.wait_for("document.querySelector('#picture .broken') !== null");
    assert_eq!(page.evaluate("document.querySelectorAll('#picture .map .owner').length > 0"), true);
    assert_eq!(
        page.evaluate("getComputedStyle(document.querySelector('#picture .owner.c0')).fill"),
        "rgb(47, 111, 219)"
    );
    nothing_went_wrong(&mut page);
}

#[test]
fn a_path_that_does_not_exist_is_refused_in_words() {
    let Some(mut page) = page() else { return };
    let explorer = Explorer::new("scale-in");
    page.open(&format!("{}#999", explorer.url));
    page.wait_for("document.getElementById('error')?.hidden === false");
    let error = page.evaluate("document.getElementById('error').innerText");
    assert!(error.as_str().unwrap().starts_with("step 1: there is no action 999 among"), "{error}");
}

#[test]
fn stateright_beside_it_shows_the_same_model_in_words() {
    let Some(mut page) = page() else { return };
    let explorer = Explorer::new("scale-in");
    page.open(&format!("{}#/steps/0/0", explorer.beside));
    page.wait_for("document.body?.innerText.includes('each_key_group_has_one_owner')");
    page.wait_for("document.querySelector('svg.kg') !== null");
    let text = page.evaluate("document.body.innerText");
    let Value::String(text) = text else { panic!("no text") };
    assert!(text.contains("asks the store: read the newest manifest"), "{text}");
}
