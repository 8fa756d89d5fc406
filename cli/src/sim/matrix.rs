//! Kinds of faults × points of the protocol: what met what, as a table and as a heat map.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use keygroups_sim::coverage::{At, Coverage, POINTS, Point, unasked};
use keygroups_sim::fault::KINDS;
use serde::Serialize;

use super::style::{BOLD, FAINT, GREEN, RED, RESET, counted};
use crate::picture::{escaped, page};

/// A matrix, and how to show it.
pub(super) struct Matrix {
    coverage: Coverage,
}

/// The same for programs.
#[derive(Serialize)]
pub(crate) struct MatrixDocument {
    points: Vec<&'static Point>,
    /// By kind, in the order of the points.
    met: BTreeMap<&'static str, Vec<u64>>,
    unmet: Vec<(&'static str, At)>,
}

/// The points that this protocol has.
fn points() -> impl Iterator<Item = &'static Point> {
    POINTS.iter().filter(|point| point.absent.is_none())
}

impl Matrix {
    pub(super) fn new(coverage: Coverage) -> Self {
        Self { coverage }
    }

    /// What was asked to meet and has not.
    pub(super) fn unmet(&self) -> impl Iterator<Item = (&'static str, At)> {
        let cells = KINDS.iter().flat_map(|kind| points().map(|point| (kind.name, point.at)));
        cells.filter(|(kind, at)| self.coverage.count(kind, *at) == 0 && unasked(kind, *at).is_none())
    }

    pub(super) fn document(&self) -> MatrixDocument {
        let row = |name| points().map(|point| self.coverage.count(name, point.at)).collect();
        MatrixDocument {
            points: points().collect(),
            met: KINDS.iter().map(|kind| (kind.name, row(kind.name))).collect(),
            unmet: self.unmet().collect(),
        }
    }

    /// A table for a terminal.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{BOLD}{:28}", "kind of fault");
        for point in points() {
            let _ = write!(text, "{:>5}", format!("{:?}", point.at));
        }
        let _ = writeln!(text, "{RESET}");
        for kind in KINDS {
            let _ = write!(text, "{:28}", kind.name);
            for point in points() {
                let count = self.coverage.count(kind.name, point.at);
                let _ = match (count, unasked(kind.name, point.at)) {
                    (0, None) => write!(text, "{RED}{:>5}{RESET}", "✗"),
                    (0, Some(_)) => write!(text, "{FAINT}{:>5}{RESET}", "–"),
                    _ => write!(text, "{:>5}", short(count)),
                };
            }
            text.push('\n');
        }
        text.push('\n');
        for point in points() {
            let _ = writeln!(text, "  {FAINT}{:4}{RESET}{}", format!("{:?}", point.at), point.sentence);
        }
        let unmet = self.unmet().count();
        let cells = KINDS.len() * points().count();
        let _ = match unmet {
            0 => writeln!(
                text,
                "\n{GREEN}every kind has met every point that it is asked to{RESET} ({cells} cells)"
            ),
            _ => writeln!(text, "\n{RED}{} of {cells} never met{RESET}", counted(unmet as u64, "cell")),
        };
        text
    }

    /// A page with a heat map.
    pub(super) fn page(&self, runs: &str) -> String {
        const CELL: usize = 30;
        const LEFT: usize = 220;
        const TOP: usize = 40;
        let count = |kind: &str, at| self.coverage.count(kind, at);
        let most = KINDS.iter().flat_map(|kind| points().map(|point| count(kind.name, point.at))).max();
        let most = (most.unwrap_or(1).max(2) as f64).ln();
        let (width, height) = (LEFT + CELL * points().count() + 10, TOP + CELL * KINDS.len() + 10);
        let mut svg = format!(
            "<svg viewBox=\"0 0 {width} {height}\" width=\"{width}\" role=\"img\" \
             aria-label=\"How often each kind of fault met each point\" \
             font-family=\"system-ui, sans-serif\" font-size=\"12\">\n"
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
        let mut body = format!(
            "<main style=\"margin: 1rem auto; max-width: fit-content\">\n<h1>What went wrong where</h1>\n<p>Kinds of faults × points of the protocol, over {}. Darker is \
             more often, red is never, grey is not asked for.</p>\n{svg}<dl>\n",
            escaped(runs)
        );
        for point in POINTS {
            let why = point.absent.map(|why| format!(" – not here: {why}")).unwrap_or_default();
            let _ = writeln!(
                body,
                "<dt>{:?}</dt><dd>{}{}</dd>",
                point.at,
                escaped(point.sentence),
                escaped(&why)
            );
        }
        body.push_str("</dl>\n</main>\n");
        page("What went wrong where", &body)
    }
}

/// At most four characters: `7`, `123`, `4k`, `1M`.
fn short(count: u64) -> String {
    match count {
        0..10_000 => count.to_string(),
        10_000..1_000_000 => format!("{}k", count / 1_000),
        _ => format!("{}M", count / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_met_is_told_and_what_need_not_is_not() {
        let matrix = Matrix::new(Coverage::default());
        let (unmet, text) = (matrix.unmet().count(), matrix.text());
        let possible = |name| points().filter(|point| unasked(name, point.at).is_none()).count();
        assert_eq!(unmet, KINDS.iter().map(|kind| possible(kind.name)).sum::<usize>());
        assert!(text.contains(&format!("{} of", counted(unmet as u64, "cell"))), "{text}");
        let page = matrix.page("seeds 0 to 9");
        assert!(page.contains("crash at C2") && page.contains("never") && !page.contains("http"), "{page}");
        assert_eq!(
            ["0", "9999", "12k", "3M"],
            [0, 9_999, 12_345, 3_000_000].map(short).each_ref().map(|s| &**s)
        );
    }
}
