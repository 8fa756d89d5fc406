//! What the page shows: everything is written here, the page only puts it in place.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, ensure};
use keygroups::protocol::invariant;
use keygroups_model::cases::CASES;
use keygroups_model::liveness;
use keygroups_model::survey::{Progress, Survey, survey};
use serde::Serialize;

use super::STATES_MAX;
use crate::model::{Block, Choice, Document, Group, Next, Path, next, picture, report};
use crate::picture::{escaped, page};
use crate::sim::style::{counted, thousands};

/// One model, and what is known about all of it.
pub(super) struct View {
    choice: Choice,
    opening: Path,
    beside: Option<SocketAddr>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    progress: Option<Progress>,
    survey: Option<Survey>,
}

/// Longer ones are no paths that a person has taken.
const STEPS_MAX: usize = 2_000;

#[derive(Serialize)]
struct PathView {
    svg: String,
    at: usize,
    steps: usize,
    state: String,
    next: String,
    properties: String,
}

#[derive(Serialize)]
struct SurveyView {
    done: bool,
    words: String,
}

/// The part of an address that names a path.
pub(super) fn fragment(positions: &[usize]) -> String {
    if positions.is_empty() { String::new() } else { format!("#{}", joined(positions)) }
}

fn joined(positions: &[usize]) -> String {
    positions.iter().map(ToString::to_string).collect::<Vec<_>>().join(".")
}

impl View {
    pub(super) fn new(choice: Choice, opening: Path, beside: Option<SocketAddr>) -> Self {
        Self { choice, opening, beside, known: Mutex::default() }
    }

    /// Finds out what holds in all states, or in as many as is sensible.
    pub(super) fn survey(&self) {
        let found = survey(&self.choice.model, 1, STATES_MAX, |progress| {
            self.known().progress = Some(progress);
            true
        });
        self.known().survey = Some(found);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn follow(&self, positions: &str) -> anyhow::Result<Path> {
        let positions: Vec<usize> = match positions {
            "" => Vec::new(),
            positions => positions
                .split('.')
                .map(|position| position.parse().with_context(|| format!("`{position}` is no position")))
                .collect::<anyhow::Result<_>>()?,
        };
        ensure!(positions.len() <= STEPS_MAX, "a path has at most {STEPS_MAX} steps");
        // What is known of the path it opens with no address can say.
        if positions == self.opening.positions {
            return Ok(self.opening.clone());
        }
        Path::follow(self.choice.model, &positions)
    }

    pub(super) fn page(&self) -> String {
        let story = self.choice.model.story();
        let planted = self.choice.mutant.map_or_else(String::new, |mutant| {
            format!(" <span class=\"badge bad\">planted: {}</span>", escaped(mutant.name))
        });
        let beside = self
            .beside
            .map_or_else(String::new, |beside| format!("<a href=\"http://{beside}/\">stateright's page</a>"));
        let body = include_str!("page.html")
            .replace("{{name}}", &escaped(story.name))
            .replace("{{planted}}", &planted)
            .replace("{{about}}", &escaped(story.about))
            .replace("{{beside}}", &beside)
            .replace("{{opening}}", &joined(&self.opening.positions))
            .replace("{{legend}}", report::LEGEND)
            .replace("{{style}}", include_str!("page.css"))
            .replace("{{script}}", include_str!("page.js"));
        page(&format!("{} · keygroups explore", story.name), &body)
    }

    /// How far the survey is.
    pub(super) fn progress(&self) -> anyhow::Result<Vec<u8>> {
        let known = self.known();
        let (done, words) = match (&known.survey, known.progress) {
            (Some(survey), _) => (true, conclusion(survey)),
            (None, Some(progress)) => {
                let states = counted(progress.unique as u64, "state");
                (false, format!("looking at all states: {states}, depth {}", progress.depth))
            }
            (None, None) => (false, "looking at all states".to_owned()),
        };
        Ok(serde_json::to_vec(&SurveyView { done, words })?)
    }

    /// The path, looked at after `at` of its steps.
    pub(super) fn path(&self, positions: &str, at: Option<&str>) -> anyhow::Result<Vec<u8>> {
        let path = self.follow(positions)?;
        let steps = path.actions.len();
        let at = match at {
            Some(at) => at.parse::<usize>().with_context(|| format!("`{at}` is no step"))?.min(steps),
            None => steps,
        };
        let here = path.up_to(at);
        let before = at.checked_sub(1).map(|before| &path.worlds[before]);
        let view = PathView {
            svg: picture(&path).svg(),
            at,
            steps,
            state: Block::of(here.last(), before).html(),
            next: next_html(&here),
            properties: self.properties(&path),
        };
        Ok(serde_json::to_vec(&view)?)
    }

    /// The path as a file.
    pub(super) fn save(&self, positions: &str) -> anyhow::Result<Vec<u8>> {
        Ok(serde_json::to_vec_pretty(&Document::of(&self.choice, &self.follow(positions)?))?)
    }

    /// The path as a page of its own.
    pub(super) fn report(&self, positions: &str) -> anyhow::Result<String> {
        let path = self.follow(positions)?;
        let command = format!("keygroups explore {} --path path.json", self.choice.name());
        Ok(report::html(&self.choice, &path, &command))
    }

    /// What holds on the path, and what is known of the rest.
    fn properties(&self, path: &Path) -> String {
        let known = self.known();
        let mut html = String::from("<ul class=\"properties\">");
        let broken = path.last().violation.as_ref().map(|violation| violation.invariant);
        for invariant in invariant::ALL {
            let elsewhere = known.survey.as_ref().and_then(|survey| survey.violated.as_ref());
            let elsewhere = elsewhere.filter(|(violation, _)| violation.invariant == invariant.name);
            let everywhere = known.survey.as_ref().is_some_and(|survey| survey.complete);
            let (class, sign, note) = if broken == Some(invariant.name) {
                ("bad", "✗", "broken here".to_owned())
            } else if let Some((_, way)) = elsewhere {
                ("bad", "✗", link(way))
            } else if everywhere {
                ("good", "✓", String::new())
            } else {
                ("soft", "·", String::new())
            };
            let _ = write!(
                html,
                "<li class=\"{class}\" title=\"{}\"><b>{sign}</b> <span>{}</span> {note}</li>",
                escaped(invariant.sentence),
                invariant.name
            );
        }
        if let Some(goal) =
            liveness::ALL.iter().find(|goal| path.broken().is_some_and(|it| it.invariant == goal.name))
        {
            let _ = write!(
                html,
                "<li class=\"bad\" title=\"{}\"><b>✗</b> <span>{}</span> out of reach from here</li>",
                escaped(goal.sentence),
                goal.name
            );
        }
        html.push_str("</ul><h2>Interesting cases</h2><ul class=\"properties\">");
        for (index, case) in CASES.iter().enumerate() {
            let here = path.worlds.iter().position(|world| case.is_reached(world));
            let way = known.survey.as_ref().and_then(|survey| survey.cases.get(index)?.1.as_deref());
            let (class, sign, note) = match (here, way) {
                (Some(step), _) => ("good", "✓", format!("after step {step}")),
                (None, Some(way)) => ("", "○", link(way)),
                (None, None) => ("soft", "·", String::new()),
            };
            let _ = write!(
                html,
                "<li class=\"{class}\"><b>{sign}</b> <span>{}</span> <i>{note}</i></li>",
                escaped(case.name)
            );
        }
        html.push_str("</ul>");
        html
    }
}

fn link(way: &[usize]) -> String {
    format!("<a href=\"#{}\">show in {}</a>", joined(way), counted(way.len() as u64, "step"))
}

fn conclusion(survey: &Survey) -> String {
    let states = thousands(survey.progress.unique as u64);
    match (&survey.violated, survey.complete) {
        (Some((violation, way)), _) => {
            format!("✗ {} can be broken in {}", violation.invariant, counted(way.len() as u64, "step"))
        }
        (None, true) => format!("✓ every invariant holds in all {states} states"),
        (None, false) => format!("nothing is broken in the {states} nearest states; there are more"),
    }
}

fn next_html(path: &Path) -> String {
    let steps = next(path);
    if steps.is_empty() {
        let why = match path.last().violation {
            Some(_) => "An invariant is broken: the path ends here.",
            None => "Nothing more can happen.",
        };
        return format!("<p class=\"soft\">{why}</p>");
    }
    let mut html = String::new();
    for group in steps.chunk_by(|one, other| one.group == other.group) {
        let (title, folded) = match group[0].group {
            Group::Message => ("messages", false),
            Group::Store => ("the store", false),
            Group::Coordinator => ("coordinators and the user", false),
            Group::Host => ("hosts", false),
            Group::Fault => ("what goes wrong", false),
            Group::Repeated => ("messages once more", true),
        };
        let open = if folded { "" } else { " open" };
        let _ = write!(html, "<details{open}><summary>{title} <i>{}</i></summary>", group.len());
        group.iter().for_each(|step| button(&mut html, step));
        html.push_str("</details>");
    }
    html
}

fn button(html: &mut String, step: &Next) {
    let class = match (step.breaks, step.group) {
        (Some(_), _) => "breaks",
        (None, Group::Fault) => "fault",
        (None, _) => "",
    };
    let note = step.breaks.map(|breaks| format!("<em>breaks {breaks}</em>")).unwrap_or_default();
    let (position, words) = (step.position, escaped(&step.words));
    let _ = write!(html, "<button class=\"{class}\" data-position=\"{position}\">{words}{note}</button>");
}
