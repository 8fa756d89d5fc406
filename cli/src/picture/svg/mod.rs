//! A picture as SVG. Each row carries `data-row`, so that a page can react to it.

mod arrows;
mod map;

use std::fmt::{self, Write as _};

use super::{Kind, Picture, Row, escaped};

const HEADER: usize = 58;
const ROW: usize = 26;
const NUMBERS: usize = 40;
const LANE: usize = 116;
const MAP_MAX: usize = 192;
const GROUP_MAX: usize = 22;
// A generous width of one character; text is never measured.
const CHARACTER: f64 = 6.9;
/// How many colours there are for subtasks.
const COLOURS: usize = 8;

/// Colours are variables, so that the picture follows its reader's dark or light.
const COLOUR_STYLE: &str = include_str!("../colours.css");
const SVG_STYLE: &str = include_str!("../svg.css");

impl Picture {
    /// A complete SVG document that brings its own style.
    pub(crate) fn svg(&self) -> String {
        Drawing::of(self).to_string()
    }
}

struct Drawing<'a> {
    picture: &'a Picture,
    group: f64,
    map: f64,
    words: f64,
    width: f64,
    height: f64,
}

impl<'a> Drawing<'a> {
    fn of(picture: &'a Picture) -> Self {
        let group = match picture.key_groups {
            0 => 0.0,
            groups => (MAP_MAX as f64 / groups as f64).min(GROUP_MAX as f64),
        };
        let map = (NUMBERS + LANE * picture.lanes.len() + 14) as f64;
        // Room for the title of the map.
        let map_width =
            if picture.key_groups == 0 { 0.0 } else { (group * picture.key_groups as f64).max(64.0) };
        let words = map + map_width + 20.0;
        let longest = picture.rows.iter().map(|row| row.words.chars().count()).max().unwrap_or(0);
        let broken = picture.broken.iter().map(|(name, _)| name.chars().count() + 12).max().unwrap_or(0);
        let width = words + longest.max(broken).max(24) as f64 * CHARACTER + 16.0;
        let rows = picture.rows.len() + usize::from(picture.broken.is_some());
        let height = (HEADER + ROW * rows + 14) as f64;
        Self { picture, group, map, words, width, height }
    }

    fn lane(&self, lane: usize) -> f64 {
        (NUMBERS + LANE * lane + LANE / 2) as f64
    }

    fn row(row: usize) -> f64 {
        (HEADER + ROW * row + ROW / 2) as f64
    }
}

impl fmt::Display for Drawing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (width, height) = (self.width, self.height);
        writeln!(
            f,
            r#"<svg class="kg" xmlns="http://www.w3.org/2000/svg" width="{width:.0}" height="{height:.0}" viewBox="0 0 {width:.0} {height:.0}" role="img" aria-label="Space-time diagram with the owners of key groups">"#
        )?;
        writeln!(f, "<style>{COLOUR_STYLE}{SVG_STYLE}</style>")?;
        f.write_str(MARKERS)?;
        writeln!(f, r#"<rect class="paper" width="100%" height="100%"/>"#)?;
        for (index, row) in self.picture.rows.iter().enumerate() {
            self.background(f, index, row)?;
        }
        self.lanes(f)?;
        self.owners(f)?;
        for arrow in &self.picture.arrows {
            self.arrow(f, arrow)?;
        }
        for (index, row) in self.picture.rows.iter().enumerate() {
            for (lane, mark) in &row.marks {
                self.mark(f, *lane, index, *mark)?;
            }
            self.words(f, index, row)?;
        }
        if let Some((name, detail)) = &self.picture.broken {
            let y = Self::row(self.picture.rows.len());
            writeln!(
                f,
                r#"<g class="broken"><title>{}</title><rect x="6" y="{:.1}" width="{:.1}" height="{ROW}" rx="5"/><text x="{:.1}" y="{:.1}">✗ broken: {}</text></g>"#,
                escaped(detail),
                y - ROW as f64 / 2.0,
                self.width - 12.0,
                self.words,
                y + 4.5,
                escaped(name)
            )?;
        }
        self.heads(f)?;
        f.write_str("</svg>")
    }
}

const MARKERS: &str = r#"<defs>
<marker id="kg-end" viewBox="0 0 8 8" refX="7.4" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto-start-reverse"><path class="head" d="M0 .6 8 4 0 7.4z"/></marker>
</defs>
"#;

impl Drawing<'_> {
    fn background(&self, f: &mut fmt::Formatter<'_>, index: usize, row: &Row) -> fmt::Result {
        let fault = if row.fault { " fault" } else { "" };
        let y = Self::row(index) - ROW as f64 / 2.0;
        writeln!(
            f,
            r#"<rect class="row{fault}" data-row="{index}" x="6" y="{y:.1}" width="{:.1}" height="{ROW}" rx="5"/>"#,
            self.width - 12.0
        )
    }

    fn lanes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = &self.picture.rows;
        let bottom = Self::row(rows.len().saturating_sub(1)) + ROW as f64 / 2.0;
        for (index, lane) in self.picture.lanes.iter().enumerate() {
            let (x, kind) = (self.lane(index), class(lane.kind));
            writeln!(f, r#"<g class="lane {kind}"><line x1="{x}" x2="{x}" y1="{HEADER}" y2="{bottom}"/>"#)?;
            for (row, active) in
                rows.iter().enumerate().filter_map(|(row, it)| Some((row, it.active.get(index)?)))
            {
                // A band that begins with the step which makes it true.
                if *active {
                    let top = Self::row(row);
                    let end = (top + ROW as f64).min(bottom);
                    writeln!(f, r#"<line class="active" x1="{x}" x2="{x}" y1="{top}" y2="{end}"/>"#)?;
                }
            }
            f.write_str("</g>\n")?;
        }
        Ok(())
    }

    /// Names above the lanes and the map, in a group of their own: a page can keep them in sight.
    fn heads(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, r#"<g class="heads"><rect class="paper" width="{:.0}" height="52"/>"#, self.width)?;
        for (index, lane) in self.picture.lanes.iter().enumerate() {
            let (x, kind) = (self.lane(index), class(lane.kind));
            writeln!(
                f,
                r#"<g class="lane {kind}"><rect x="{:.1}" y="14" width="104" height="26" rx="13"/><text x="{x}" y="31.5">{}</text></g>"#,
                x - 52.0,
                escaped(&lane.name)
            )?;
        }
        let groups = self.picture.key_groups;
        if groups > 0 {
            writeln!(
                f,
                r#"<g class="map"><text class="title" x="{:.1}" y="23">key groups</text>"#,
                self.map
            )?;
            let labels = if self.group >= 14.0 { (0..groups).collect() } else { vec![0, groups - 1] };
            for group in labels {
                let x = self.map + (group as f64 + 0.5) * self.group - 1.0;
                writeln!(f, r#"<text class="group" x="{x:.1}" y="44">{group}</text>"#)?;
            }
            f.write_str("</g>")?;
        }
        f.write_str("</g>\n")
    }

    fn words(&self, f: &mut fmt::Formatter<'_>, index: usize, row: &Row) -> fmt::Result {
        let y = Self::row(index) + 4.5;
        let mut number = String::new();
        if index > 0 {
            write!(number, "{index}")?;
        }
        let fault = if row.fault { " fault" } else { "" };
        writeln!(
            f,
            r#"<text class="number" x="{}" y="{y}">{number}</text><text class="words{fault}" x="{:.1}" y="{y}">{}</text>"#,
            NUMBERS - 8,
            self.words,
            escaped(&row.words)
        )
    }
}

fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Store => "store",
        Kind::Coordinator => "coordinator",
        Kind::Host => "host",
    }
}
