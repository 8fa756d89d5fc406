//! What many seeds have tested: kinds of faults × points of the protocol, and what happened sometimes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use keygroups_sim::coverage::{At, Coverage, MARKS, POINTS, Point, Sometimes, unasked};
use keygroups_sim::fault::KINDS;
use serde::Serialize;

use super::style::{BOLD, FAINT, GREEN, RED, RESET, counted};

/// A matrix with the marks beside it, and how to show it.
pub(super) struct Matrix {
    pub(super) coverage: Coverage,
}

/// The same for programs.
#[derive(Serialize)]
pub(crate) struct MatrixDocument {
    points: Vec<&'static Point>,
    /// By kind, in the order of the points.
    met: BTreeMap<&'static str, Vec<u64>>,
    unmet: Vec<(&'static str, At)>,
    sometimes: Vec<SometimesDocument>,
}

/// A mark.
#[derive(Serialize)]
struct SometimesDocument {
    #[serde(flatten)]
    mark: &'static Sometimes,
    times: u64,
}

/// The points that this protocol has.
pub(super) fn points() -> impl Iterator<Item = &'static Point> {
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

    /// What has never happened, of what must sometimes.
    pub(super) fn never(&self) -> impl Iterator<Item = &'static Sometimes> {
        MARKS.iter().filter(|mark| self.coverage.times(mark.name) == 0)
    }

    /// Whether nothing is missing.
    pub(super) fn is_full(&self) -> bool {
        self.unmet().next().is_none() && self.never().next().is_none()
    }

    pub(super) fn document(&self) -> MatrixDocument {
        let row = |name| points().map(|point| self.coverage.count(name, point.at)).collect();
        MatrixDocument {
            points: points().collect(),
            met: KINDS.iter().map(|kind| (kind.name, row(kind.name))).collect(),
            unmet: self.unmet().collect(),
            sometimes: MARKS
                .iter()
                .map(|mark| SometimesDocument { mark, times: self.coverage.times(mark.name) })
                .collect(),
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
        self.marks(&mut text);
        text
    }

    fn marks(&self, text: &mut String) {
        let _ = writeln!(text, "\n{BOLD}{:28}times{RESET}", "sometimes");
        for mark in MARKS {
            let times = match self.coverage.times(mark.name) {
                0 => format!("{RED}{:>5}{RESET}", "✗"),
                times => format!("{:>5}", short(times)),
            };
            let _ = writeln!(text, "{:28}{times}  {FAINT}{}{RESET}", mark.name, mark.sentence);
        }
        let never = self.never().count();
        let _ = match never {
            0 => writeln!(
                text,
                "\n{GREEN}everything that must happen sometimes has{RESET} ({} marks)",
                MARKS.len()
            ),
            _ => writeln!(
                text,
                "\n{RED}{never} of {} never happened{RESET}",
                counted(MARKS.len() as u64, "mark")
            ),
        };
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
        assert!(text.contains(&format!("{} of {0} marks never happened", MARKS.len())), "{text}");
        assert!(!matrix.is_full());
        assert_eq!(
            ["0", "9999", "12k", "3M"],
            [0, 9_999, 12_345, 3_000_000].map(short).each_ref().map(|s| &**s)
        );
    }
}
