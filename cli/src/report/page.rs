//! The page: one file that loads nothing, with the diagram as data and a small program that draws it.

use super::diagram::Diagram;
use crate::picture::{escaped, page as around};

/// What the head of a page says.
#[derive(Debug)]
pub(crate) struct Heading {
    pub(crate) title: String,
    /// One paragraph each.
    pub(crate) about: Vec<String>,
    pub(crate) verdict: Words,
    /// The command that shows the same again, if there is one.
    pub(crate) again: Option<String>,
}

/// How it has ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Words {
    Holds(String),
    Broken(String),
    /// It has not ended, or nobody said how.
    Open(String),
}

/// In the order in which they build on each other; together they are one module.
const SCRIPT: &str = concat!(
    include_str!("js/data.js"),
    include_str!("js/layout.js"),
    include_str!("js/draw.js"),
    include_str!("js/tracks.js"),
    include_str!("js/lanes.js"),
    include_str!("js/map.js"),
    include_str!("js/words.js"),
    include_str!("js/pick.js"),
    include_str!("js/panel.js"),
    include_str!("js/filter.js"),
    include_str!("js/main.js"),
);

/// A complete HTML document.
pub(crate) fn html(heading: &Heading, diagram: &Diagram) -> String {
    let (class, sign, words) = match &heading.verdict {
        Words::Holds(words) => ("good", "✓", words),
        Words::Broken(words) => ("bad", "✗", words),
        Words::Open(words) => ("open", "…", words),
    };
    let about: String =
        heading.about.iter().map(|line| format!("<p class=\"soft\">{}</p>", escaped(line))).collect();
    let again = heading.again.as_ref().map(|command| format!("<p><code>{}</code></p>", escaped(command)));
    let json = serde_json::to_string(diagram).expect("a diagram is plain data");
    let body = include_str!("page.html");
    let pieces = [
        ("{{style}}", include_str!("page.css").to_owned()),
        ("{{title}}", escaped(&heading.title)),
        ("{{about}}", about),
        ("{{again}}", again.unwrap_or_default()),
        ("{{verdict}}", format!("<div class=\"ending {class}\"><b>{sign}</b> {}</div>", escaped(words))),
        ("{{data}}", for_a_script(&json)),
        ("{{raw}}", for_a_script(&diagram.raw.join("\n"))),
        ("{{script}}", SCRIPT.to_owned()),
    ];
    around(&format!("{} · keygroups report", heading.title), &filled(body, &pieces))
}

/// Puts each piece where it belongs. What a piece says is never taken for a place.
fn filled(template: &str, pieces: &[(&str, String)]) -> String {
    let mut html = String::new();
    let mut rest = template;
    while let Some(begin) = rest.find("{{") {
        html.push_str(&rest[..begin]);
        rest = &rest[begin..];
        let (place, piece) = pieces.iter().find(|(place, _)| rest.starts_with(place)).expect("a known place");
        html.push_str(piece);
        rest = &rest[place.len()..];
    }
    html.push_str(rest);
    html
}

/// JSON that no HTML parser takes for the end of its script. `<` is only ever within a string.
fn for_a_script(json: &str) -> String {
    json.replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_piece_says_is_never_taken_for_a_place_or_a_tag() {
        let pieces = [("{{a}}", "{{b}}".to_owned()), ("{{b}}", for_a_script("\"</script>\""))];
        assert_eq!(filled("<{{a}} {{b}}>", &pieces), "<{{b}} \"\\u003c/script>\">");
    }
}
