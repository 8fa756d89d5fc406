//! The coverage as a heat map: a page, or a picture alone.

use std::fmt::Write as _;
use std::path::Path;

use keygroups_sim::coverage::{MARKS, POINTS, unasked};
use keygroups_sim::fault::KINDS;

use super::matrix::{Matrix, points};
use super::style::counted;
use crate::picture::{escaped, page};

/// A picture has the colours of its viewer's theme, as a page has.
const STYLE: &str = "\
<style>svg { background: #fff; color: #1f2328; }\
@media (prefers-color-scheme: dark) { svg { background: #0d1117; color: #f0f6fc; } }</style>\n";

/// A page needs none, and so names nothing that looks like an address.
const NAMESPACE: &str = "xmlns=\"http://www.w3.org/2000/svg\" ";

/// What `--heat-map` writes to a file of this name: a picture if it ends in `.svg`, otherwise a page.
pub(super) fn heat_map(file: &Path, matrix: &Matrix, runs: &str) -> String {
    let is_picture = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("svg"));
    if is_picture { svg(matrix, NAMESPACE, STYLE) } else { document(matrix, runs) }
}

fn document(matrix: &Matrix, runs: &str) -> String {
    let mut body = format!(
        "<main style=\"margin: 1rem auto; max-width: fit-content\">\n<h1>What went wrong where</h1>\n<p>Kinds of faults × points of the protocol, over {}. Darker is \
         more often, red is never, grey is not asked for.</p>\n{}<dl>\n",
        escaped(runs),
        svg(matrix, "", "")
    );
    for point in POINTS {
        let why = point.absent.map(|why| format!(" – not here: {why}")).unwrap_or_default();
        let _ =
            writeln!(body, "<dt>{:?}</dt><dd>{}{}</dd>", point.at, escaped(point.sentence), escaped(&why));
    }
    body.push_str("</dl>\n<h2>What must happen sometimes</h2>\n<table>\n");
    for mark in MARKS {
        let times = match matrix.coverage.times(mark.name) {
            0 => "<td style=\"color: #d33\">never</td>".to_owned(),
            times => format!("<td style=\"text-align: right\">{times}</td>"),
        };
        let _ = writeln!(
            body,
            "<tr>{times}<td style=\"padding: 0 1em\">{}</td><td>{}</td></tr>",
            mark.name,
            escaped(mark.sentence)
        );
    }
    body.push_str("</table>\n</main>\n");
    page("What went wrong where", &body)
}

fn svg(matrix: &Matrix, attributes: &str, style: &str) -> String {
    const CELL: usize = 30;
    const LEFT: usize = 220;
    const TOP: usize = 40;
    let count = |kind: &str, at| matrix.coverage.count(kind, at);
    let most = KINDS.iter().flat_map(|kind| points().map(|point| count(kind.name, point.at))).max();
    let most = (most.unwrap_or(1).max(2) as f64).ln();
    let (width, height) = (LEFT + CELL * points().count() + 10, TOP + CELL * KINDS.len() + 10);
    let mut svg = format!(
        "<svg {attributes}viewBox=\"0 0 {width} {height}\" width=\"{width}\" role=\"img\" \
             aria-label=\"How often each kind of fault met each point\" \
             font-family=\"system-ui, sans-serif\" font-size=\"12\">\n{style}"
    );
    for (column, point) in points().enumerate() {
        let x = LEFT + CELL * column + CELL / 2;
        let _ = writeln!(
            svg,
            "<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\" fill=\"currentColor\">{:?}\
                 <title>{}</title></text>",
            TOP - 8,
            point.at,
            escaped(point.sentence)
        );
    }
    for (row, kind) in KINDS.iter().enumerate() {
        let y = TOP + CELL * row;
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"currentColor\">{}<title>{}</title></text>",
            LEFT - 8,
            y + 20,
            kind.name,
            escaped(kind.about)
        );
        for (column, point) in points().enumerate() {
            let times = count(kind.name, point.at);
            let (fill, said) = match (times, unasked(kind.name, point.at)) {
                (0, None) => ("#d33".to_owned(), "never".to_owned()),
                (0, Some(why)) => ("#8884".to_owned(), format!("not asked for: {why}")),
                _ => {
                    let heat = 0.15 + 0.85 * (times as f64).ln() / most;
                    (format!("rgb(30 110 200 / {heat:.2})"), counted(times, "time"))
                }
            };
            let _ = writeln!(
                svg,
                "<rect x=\"{}\" y=\"{y}\" width=\"{1}\" height=\"{1}\" rx=\"3\" fill=\"{fill}\">\
                     <title>{2} at {3:?}, {4}: {said}</title></rect>",
                LEFT + CELL * column,
                CELL - 2,
                kind.name,
                point.at,
                escaped(point.sentence),
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}

#[cfg(test)]
mod tests {
    use keygroups_sim::coverage::Coverage;

    use super::*;

    #[test]
    fn a_page_says_what_never_met_and_never_happened() {
        let page = heat_map(Path::new("map.html"), &Matrix::new(Coverage::default()), "seeds 0 to 9");
        for expected in [
            "crash at C2",
            ": never</title>",
            "seeds 0 to 9",
            ">never</td><td style=\"padding: 0 1em\">leader-deposed</td>",
        ] {
            assert!(page.contains(expected), "{expected}: {page}");
        }
    }

    #[test]
    fn a_picture_is_nothing_but_a_picture() {
        let picture = heat_map(Path::new("map.SVG"), &Matrix::new(Coverage::default()), "seeds 0 to 9");
        assert!(picture.starts_with("<svg xmlns=") && picture.ends_with("</svg>\n"), "{picture}");
        assert!(picture.contains("prefers-color-scheme"));
    }
}
