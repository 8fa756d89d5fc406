//! A path as a page of its own: what was broken, how, and where to look further.

use std::fmt::Write as _;

use keygroups::protocol::invariant;
use keygroups_model::liveness;

use super::{Block, Choice, Path, picture};
use crate::picture::{escaped, page};

/// How to read the picture.
pub(crate) const LEGEND: &str = "<div class=\"legend\">\
    <span>time runs downwards</span>\
    <span>→ arrives</span>\
    <span>↔ asked and answered</span>\
    <span>⤬ grey: not heard on this path (lost, or late)</span>\
    <span>dashed: lands later, nobody waits for it</span>\
    <span style=\"color:var(--bad)\">red: a fault</span>\
    <span>thick line: leads, or processes</span>\
    <span><i style=\"background:var(--c0)\"></i><i style=\"background:var(--c1)\"></i>the subtask that owns a key group; pale: it does not process</span>\
    </div>";

/// The page; `command` opens the path in the Explorer.
pub(crate) fn html(choice: &Choice, path: &Path, command: &str) -> String {
    let mut body = String::from("<div class=\"report\">");
    let story = choice.model.story();
    let _ = write!(body, "<h1>{}</h1><p class=\"soft\">{}</p>", escaped(story.name), escaped(story.about));
    if let Some(mutant) = choice.mutant {
        let _ = write!(body, "<p>With a planted bug: <code>{}</code></p>", mutant.name);
    }
    if let Some(violation) = path.broken() {
        let invariants = invariant::ALL.iter().map(|it| (it.name, "What must hold", it.sentence, it.source));
        let goals =
            liveness::ALL.iter().map(|it| (it.name, "What must stay reachable", it.sentence, it.source));
        let known = invariants.chain(goals).find(|(name, ..)| *name == violation.invariant);
        let _ = write!(
            body,
            "<div class=\"verdict\"><b>✗ {}</b> after {} steps<p>{}</p>",
            escaped(violation.invariant),
            path.actions.len(),
            escaped(&violation.detail)
        );
        if let Some((_, what, sentence, source)) = known {
            let _ = write!(
                body,
                "<p class=\"soft\">{what}: {} <i>{}</i></p>",
                escaped(sentence),
                escaped(source)
            );
        }
        body.push_str("</div>");
    }
    let _ = write!(
        body,
        "<section><h2>The path</h2><div class=\"scroll\">{}</div>{LEGEND}</section>",
        picture(path).svg()
    );
    let before = path.worlds.len().checked_sub(2).map(|index| &path.worlds[index]);
    let _ = write!(
        body,
        "<section><h2>The last state, and what the last step has changed</h2>{}</section>\
         <section><h2>Go on from here</h2><p><code>{}</code></p></section></div>",
        Block::of(path.last(), before).html(),
        escaped(command)
    );
    page(&format!("{} · keygroups", choice.name()), &body)
}
