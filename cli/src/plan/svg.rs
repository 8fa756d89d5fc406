//! A plan as a picture: the tasks before above the tasks after, and between them every run of key
//! groups from its old owner to its new one.

use std::fmt::Write;

use keygroups::key_group::{KeyGroupRange, Subtask, assign};
use keygroups::rescale::RescalePlan;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 372.0;
/// Where key group 0 begins, and where the last one ends.
const LEFT: f64 = 84.0;
const RIGHT: f64 = 932.0;
const BEFORE_TOP: f64 = 92.0;
const AFTER_TOP: f64 = 254.0;
const BOX_HEIGHT: f64 = 56.0;
const BAND_TOP: f64 = BEFORE_TOP + BOX_HEIGHT;
const BAND_MIDDLE: f64 = f64::midpoint(BAND_TOP, AFTER_TOP);
/// Half the gap between neighbouring boxes, if they are wide enough to afford one.
const GAP: f64 = 1.5;

/// Fills of tasks 0, 1, …; they repeat. White text is readable on each.
const COLOURS: [&str; 8] =
    ["#2f6fbf", "#c2620a", "#2b8253", "#8b4fa3", "#c23b47", "#147f86", "#86690f", "#5f6673"];

const STYLE: &str = "\
text { font-family: system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif; }
.paper { fill: #ffffff; } .ink { fill: #1f2328; } .soft { fill: #59636e; } .tick { stroke: #afb8c1; }
@media (prefers-color-scheme: dark) {
  .paper { fill: #0d1117; } .ink { fill: #f0f6fc; } .soft { fill: #9198a1; } .tick { stroke: #484f58; }
}
.title { font-size: 20px; font-weight: 600; } .subtitle { font-size: 14px; }
.side { font-size: 14px; } .task { font-size: 14px; font-weight: 600; fill: #ffffff; }
.range { font-size: 12px; fill: #ffffff; } .band { font-size: 12px; } .number { font-size: 11px; }
.middle { text-anchor: middle; } .end { text-anchor: end; }";

pub(super) fn picture(plan: &RescalePlan) -> String {
    let scale = Scale { groups: f64::from(plan.max_parallelism().get()) };
    let mut svg = String::new();
    head(&mut svg, plan);
    bands(&mut svg, plan, scale);

    let max = plan.max_parallelism();
    let before = plan.from().subtasks().map(|old| (old, assign::range(max, plan.from(), old)));
    let before = before.filter_map(|(old, range)| Some((old, range.ok()?)));
    let after = plan.subtasks().iter().map(|new| (new.subtask, new.key_groups));
    row(&mut svg, "before", BEFORE_TOP, before, scale);
    row(&mut svg, "after", AFTER_TOP, after, scale);
    axis(&mut svg, plan, scale);
    svg.push_str("</svg>\n");
    svg
}

/// Key groups to pixels.
#[derive(Clone, Copy)]
struct Scale {
    groups: f64,
}

impl Scale {
    /// Left edge and width of a range.
    fn span(self, range: KeyGroupRange) -> (f64, f64) {
        let group = (RIGHT - LEFT) / self.groups;
        (LEFT + f64::from(range.first().0) * group, range.len() as f64 * group)
    }
}

/// Leaves out what is narrower than a pixel and begins at the same one as what was before: 32768
/// tasks are no more to the eye than one for each pixel.
#[derive(Default)]
struct Visible {
    last: Option<i64>,
}

impl Visible {
    fn admits(&mut self, (x, width): (f64, f64)) -> bool {
        let pixel = Some(x.floor() as i64);
        std::mem::replace(&mut self.last, pixel) != pixel || width >= 1.0
    }
}

fn colour(subtask: Subtask) -> &'static str {
    COLOURS[subtask.index() % COLOURS.len()]
}

fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn head(svg: &mut String, plan: &RescalePlan) {
    let title = format!(
        "{}, from {} to {}",
        plural(usize::from(plan.max_parallelism().get()), "key group"),
        plan.from(),
        plural(usize::from(plan.to().get()), "task")
    );
    let (kept, moved) = (plan.kept_key_groups(), plan.moved_key_groups());
    let subtitle = format!("{kept} stay with their task, {moved} move");
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" \
         height=\"{HEIGHT}\" role=\"img\" aria-label=\"{title}: {subtitle}\">\n\
         <title>{title}: {subtitle}</title>\n<style>\n{STYLE}\n</style>\n\
         <rect class=\"paper\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"10\"/>\n\
         <text class=\"ink title\" x=\"28\" y=\"42\">{title}</text>\n\
         <text class=\"soft subtitle\" x=\"28\" y=\"66\">{subtitle}</text>\n"
    );
}

/// One row of boxes, a box for each task.
fn row(
    svg: &mut String,
    name: &str,
    top: f64,
    tasks: impl Iterator<Item = (Subtask, KeyGroupRange)>,
    scale: Scale,
) {
    let middle = top + BOX_HEIGHT / 2.0;
    let _ = writeln!(
        svg,
        "<text class=\"soft side end\" x=\"{}\" y=\"{}\">{name}</text>",
        LEFT - 14.0,
        middle + 5.0
    );
    let mut visible = Visible::default();
    for (task, range) in tasks {
        let (x, width) = scale.span(range);
        if !visible.admits((x, width)) {
            continue;
        }
        let gap = if width > 6.0 * GAP { GAP } else { 0.0 };
        let radius = if width > 24.0 { 5.0 } else { 0.0 };
        let _ = writeln!(
            svg,
            "<rect x=\"{:.2}\" y=\"{top}\" width=\"{:.2}\" height=\"{BOX_HEIGHT}\" rx=\"{radius}\" fill=\"{}\">\
             <title>task {task}: key groups {range}</title></rect>",
            x + gap,
            (width - 2.0 * gap).max(1.0),
            colour(task),
        );
        let centre = x + width / 2.0;
        if fits(&range.to_string(), 7.0, width) && fits("task 00", 8.5, width) {
            text(svg, "task middle", centre, middle - 3.0, &format!("task {task}"));
            text(svg, "range middle", centre, middle + 15.0, &range.to_string());
        } else if fits(&task.to_string(), 9.0, width) {
            text(svg, "task middle", centre, middle + 5.0, &task.to_string());
        }
    }
}

/// Every read, from the old owner's colour to the new one's; what stays is faint.
fn bands(svg: &mut String, plan: &RescalePlan, scale: Scale) {
    let mut gradients = String::new();
    let mut shapes = String::new();
    let mut visible = Visible::default();
    for subtask in plan.subtasks() {
        for read in &subtask.reads {
            let (x, width) = scale.span(read.key_groups);
            if !visible.admits((x, width)) {
                continue;
            }
            let (old, new, moves) =
                (colour(read.from), colour(subtask.subtask), read.from != subtask.subtask);
            let id = format!("{}-{}", &old[1..], &new[1..]);
            if !gradients.contains(&id) {
                let _ = writeln!(
                    gradients,
                    "<linearGradient id=\"{id}\" x1=\"0\" y1=\"0\" x2=\"0\" y2=\"1\">\
                     <stop offset=\"0.1\" stop-color=\"{old}\"/><stop offset=\"0.9\" stop-color=\"{new}\"/>\
                     </linearGradient>"
                );
            }
            let (opacity, verb) = if moves { (0.55, "move") } else { (0.12, "stay") };
            let gap = if width > 6.0 * GAP { GAP } else { 0.0 };
            let _ = writeln!(
                shapes,
                "<rect x=\"{:.2}\" y=\"{BAND_TOP}\" width=\"{:.2}\" height=\"{}\" fill=\"url(#{id})\" \
                 fill-opacity=\"{opacity}\"><title>{} {verb}</title></rect>",
                x + gap,
                (width - 2.0 * gap).max(1.0),
                AFTER_TOP - BAND_TOP,
                read.key_groups,
            );
            let centre = x + width / 2.0;
            let range = read.key_groups.to_string();
            if fits(&range, 8.0, width) && fits("move ↓", 8.5, width) {
                let arrow = if moves { "move ↓" } else { "stay" };
                text(&mut shapes, "ink band middle", centre, BAND_MIDDLE - 4.0, &range);
                text(&mut shapes, "ink band middle", centre, BAND_MIDDLE + 13.0, arrow);
            } else if moves && width > 14.0 {
                text(&mut shapes, "ink band middle", centre, BAND_MIDDLE + 4.0, "↓");
            }
        }
    }
    let _ = write!(svg, "<defs>\n{gradients}</defs>\n{shapes}");
}

/// The first key group of every run, where there is room for its number.
fn axis(svg: &mut String, plan: &RescalePlan, scale: Scale) {
    let top = AFTER_TOP + BOX_HEIGHT;
    let last = plan.max_parallelism().all().last();
    let room = |label: &str| label.len() as f64 * 7.0 + 12.0;
    let mut free = f64::MIN;
    let end = RIGHT - room(&last.to_string());
    let firsts = plan.subtasks().iter().flat_map(|subtask| &subtask.reads).map(|read| read.key_groups);
    for range in firsts {
        let (x, _) = scale.span(range);
        let label = range.first().to_string();
        if x < free || x + room(&label) > end {
            continue;
        }
        tick(svg, x, top, &label, "");
        free = x + room(&label);
    }
    if last.0 > 0 {
        tick(svg, RIGHT, top, &last.to_string(), " end");
    }
    let _ = writeln!(
        svg,
        "<text class=\"soft number middle\" x=\"{}\" y=\"{}\">key group</text>",
        f64::midpoint(LEFT, RIGHT),
        top + 44.0
    );
}

fn tick(svg: &mut String, x: f64, top: f64, label: &str, class: &str) {
    let _ = writeln!(
        svg,
        "<line class=\"tick\" x1=\"{x:.2}\" y1=\"{}\" x2=\"{x:.2}\" y2=\"{}\"/>\
         <text class=\"soft number{class}\" x=\"{x:.2}\" y=\"{}\">{label}</text>",
        top + 5.0,
        top + 11.0,
        top + 24.0
    );
}

fn text(svg: &mut String, class: &str, x: f64, y: f64, content: &str) {
    let _ = writeln!(svg, "<text class=\"{class}\" x=\"{x:.2}\" y=\"{y:.2}\">{content}</text>");
}

/// Whether a text of glyphs about this wide fits into a box.
fn fits(text: &str, glyph: f64, width: f64) -> bool {
    text.chars().count() as f64 * glyph + 8.0 <= width
}
