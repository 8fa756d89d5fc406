//! What goes from lane to lane, and what happens in one.

use std::fmt;

use super::super::{Arrow, Fate, Mark, escaped};
use super::{Drawing, class};

impl Drawing<'_> {
    pub(super) fn arrow(&self, f: &mut fmt::Formatter<'_>, arrow: &Arrow) -> fmt::Result {
        let (x1, y1) = (self.lane(arrow.from.0), Self::row(arrow.from.1));
        let (x2, y2) = (self.lane(arrow.to.0), Self::row(arrow.to.1));
        let side = if x2 >= x1 { 1.0 } else { -1.0 };
        let (x2, title) = (x2 - side * 5.0, escaped(&arrow.words));
        let line = |class: &str, markers: &str, (x1, y1, x2, y2): (f64, f64, f64, f64)| {
            format!(
                r#"<line class="{class}" {markers} x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#
            )
        };
        const END: &str = r#"marker-end="url(#kg-end)""#;
        write!(f, r#"<g class="arrow"><title>{title}</title>"#)?;
        let middle = ((x1 + x2) / 2.0, (y1 + y2) / 2.0);
        match arrow.fate {
            Fate::Arrives => f.write_str(&line("sent", END, (x1, y1, x2, y2)))?,
            Fate::Answered => {
                let both = r#"marker-end="url(#kg-end)" marker-start="url(#kg-end)""#;
                f.write_str(&line("sent", both, (x1 + side * 5.0, y1, x2, y2)))?;
            }
            Fate::AnswerLost => {
                f.write_str(&line("sent", END, (x1, y1 - 3.0, x2, y2 - 3.0)))?;
                let half = x1 + (x2 - x1) * 0.4;
                f.write_str(&line("sent bad", "", (x2, y2 + 5.0, half, y2 + 5.0)))?;
                cross(f, half, y2 + 5.0, "bad")?;
            }
            Fate::Lost => {
                f.write_str(&line("sent bad", "", (x1, y1, middle.0, middle.1)))?;
                cross(f, middle.0, middle.1, "bad")?;
            }
            Fate::NotHeard => {
                let end = x1 + side * 22.0;
                f.write_str(&line("sent unheard", "", (x1, y1, end, y1 + 8.0)))?;
                cross(f, end, y1 + 8.0, "unheard")?;
            }
            Fate::Late => f.write_str(&line("sent late", END, (x1, y1, x2, y2)))?,
        }
        f.write_str("</g>\n")
    }

    pub(super) fn mark(
        &self,
        f: &mut fmt::Formatter<'_>,
        lane: usize,
        row: usize,
        mark: Mark,
    ) -> fmt::Result {
        let (x, y) = (self.lane(lane), Self::row(row));
        let kind = self.picture.lanes.get(lane).map_or("", |lane| class(lane.kind));
        match mark {
            Mark::Dot => writeln!(f, r#"<circle class="dot {kind}" cx="{x}" cy="{y}" r="4"/>"#),
            Mark::Timer => writeln!(
                f,
                r#"<g class="timer {kind}"><circle cx="{x}" cy="{y}" r="6.5"/><path d="M{x} {}V{y}h3.4"/></g>"#,
                y - 4.0
            ),
            Mark::Fault => writeln!(
                f,
                r#"<path class="bolt" transform="translate({x} {y})" d="M2-9-6 1.5h4.5L-2 9 6-2H1.5z"/>"#
            ),
            Mark::Crash => {
                writeln!(f, r#"<circle class="gone" cx="{x}" cy="{y}" r="9"/>"#)?;
                cross(f, x, y, "crash")
            }
        }
    }
}

fn cross(f: &mut fmt::Formatter<'_>, x: f64, y: f64, class: &str) -> fmt::Result {
    let size = if class == "crash" { 5.0 } else { 3.5 };
    write!(
        f,
        r#"<path class="cross {class}" d="M{:.1} {:.1}l{} {}m0 -{}l-{} {}"/>"#,
        x - size,
        y - size,
        size * 2.0,
        size * 2.0,
        size * 2.0,
        size * 2.0,
        size * 2.0
    )
}
