//! A plan for the terminal: a bar of key groups before and after, and a table of tasks.

use std::fmt::Write;

use anstream::adapter::strip_str;
use keygroups::key_group::{KeyGroup, KeyGroupRange, Parallelism, Subtask, assign};
use keygroups::rescale::RescalePlan;

use super::{amplification, moved_bytes, whole_snapshots};
use crate::sim::style::thousands;

/// The most key groups that get a cell of their own; more share cells.
const CELLS_MAX: usize = 64;
/// The most tasks that are all listed; of more, the first and last.
const TASKS_MAX: usize = 64;
const TASKS_AT_EACH_END: usize = 16;
/// The most ranges that are all listed in one cell of the table.
const RANGES_MAX: usize = 8;

const BOLD: &str = "\x1b[1m";
const FAINT: &str = "\x1b[2m";
const RESET: &str = "\x1b[0m";
/// Foregrounds of subtasks 0, 1, …; they repeat. Readable on light and on dark.
const COLOURS: [&str; 6] = ["\x1b[34m", "\x1b[33m", "\x1b[32m", "\x1b[35m", "\x1b[36m", "\x1b[31m"];
const LABELS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

pub(super) fn describe(plan: &RescalePlan, state_bytes: Option<u64>) -> String {
    let mut text = format!(
        "{BOLD}{}, from {} to {}{RESET}: {} stay, {} move\n",
        counted(usize::from(plan.max_parallelism().get()), "key group"),
        plan.from(),
        counted(usize::from(plan.to().get()), "task"),
        plan.kept_key_groups(),
        plan.moved_key_groups(),
    );
    read(&mut text, plan, state_bytes);
    bars(&mut text, plan);
    table(&mut text, plan);
    text
}

/// What is read for what is owned.
fn read(text: &mut String, plan: &RescalePlan, state_bytes: Option<u64>) {
    let read = amplification(plan, state_bytes.unwrap_or_default());
    let indexes = format!("{} index{}", read.indexes, if read.indexes == 1 { "" } else { "es" });
    let whole = format!("whole snapshots would be {:.2} times", whole_snapshots(plan));
    let _ = match (state_bytes, read.read()) {
        (Some(bytes), Some(amplification)) => writeln!(
            text,
            "{} of {} bytes move; {} are read with {indexes}:\n\
             {amplification:.4} times what is owned ({whole})\n",
            thousands(moved_bytes(plan, bytes)),
            thousands(bytes),
            thousands(read.read_bytes()),
        ),
        _ => writeln!(text, "every key group is read once, and {indexes} ({whole})\n"),
    };
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn colour(subtask: Subtask) -> &'static str {
    COLOURS[subtask.index() % COLOURS.len()]
}

/// Three lines in which a column is one key group, or the first of several.
pub(crate) fn bars(text: &mut String, plan: &RescalePlan) {
    let max = plan.max_parallelism();
    let groups = usize::from(max.get());
    let cells = groups.min(CELLS_MAX);
    let first = |cell: usize| KeyGroup((cell * groups).div_ceil(cells) as u16);
    let owners = |parallelism: Parallelism| -> Vec<Subtask> {
        (0..cells).map(|cell| assign::owner(first(cell), max, parallelism)).collect()
    };
    let (before, after) = (owners(plan.from()), owners(plan.to()));
    for (name, owners) in [("before", &before), ("after", &after)] {
        let _ = write!(text, "{name:8}");
        for run in owners.chunk_by(|a, b| a == b) {
            let label = char::from(LABELS[run[0].index() % LABELS.len()]);
            let _ = write!(text, "{}{}{RESET}", colour(run[0]), label.to_string().repeat(run.len()));
        }
        text.push('\n');
    }
    let moved = before.iter().zip(&after).map(|(old, new)| if old == new { '·' } else { '█' });
    let _ = writeln!(text, "{:8}{}", "moves", moved.collect::<String>());
    let scale = match (cells == groups, groups % cells == 0) {
        (true, _) => "a column is one key group".to_owned(),
        (_, true) => format!("a column is {} key groups, shown as the first of them", groups / cells),
        (_, false) => format!("a column is about {} key groups, shown as the first of them", groups / cells),
    };
    let repeat =
        if plan.from().max(plan.to()).get() as usize > LABELS.len() { "; labels repeat" } else { "" };
    let _ = writeln!(text, "{:8}{FAINT}{scale}{repeat}{RESET}\n", "");
}

/// A line for each task there is before or after.
fn table(text: &mut String, plan: &RescalePlan) {
    let heading = ["task", "owns", "keeps", "reads", "gives"].map(|cell| format!("{BOLD}{cell}{RESET}"));
    let gives = gives(plan);
    let tasks = gives.len();
    let shown =
        |task: usize| tasks <= TASKS_MAX || task < TASKS_AT_EACH_END || task >= tasks - TASKS_AT_EACH_END;
    let mut rows = vec![heading];
    for (task, gives) in gives.iter().enumerate() {
        if shown(task) {
            rows.push(row(plan, Subtask(task as u16), gives));
        } else if task == TASKS_AT_EACH_END {
            let left_out = tasks - 2 * TASKS_AT_EACH_END;
            let note = format!("{FAINT}… and {left_out} more; --json lists all{RESET}");
            rows.push([note, String::new(), String::new(), String::new(), String::new()]);
        }
    }

    let width = |cell: &str| strip_str(cell).to_string().chars().count();
    // The note about tasks left out may be wider than its column.
    let columns = rows.iter().filter(|row| !row[1].is_empty());
    let widths: Vec<usize> =
        (0..5).map(|i| columns.clone().map(|row| width(&row[i])).max().unwrap_or(0)).collect();
    for row in &rows {
        let cells = row.iter().zip(&widths);
        let line: String = cells
            .map(|(cell, all)| format!("{cell}{}  ", " ".repeat(all.saturating_sub(width(cell)))))
            .collect();
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

fn row(plan: &RescalePlan, task: Subtask, gives: &[(KeyGroupRange, Subtask)]) -> [String; 5] {
    let other = |subtask: Subtask| format!("{}{subtask}{RESET}", colour(subtask));
    let gives = listed(gives.iter().map(|(range, to)| format!("{range} to {}", other(*to))).collect());
    match plan.subtasks().get(task.index()) {
        Some(subtask) => [
            other(task),
            subtask.key_groups.to_string(),
            listed(subtask.kept().map(|read| read.key_groups.to_string()).collect()),
            listed(
                subtask.moved().map(|read| format!("{} of {}", read.key_groups, other(read.from))).collect(),
            ),
            gives,
        ],
        None => [other(task), "gone".to_owned(), "–".to_owned(), "–".to_owned(), gives],
    }
}

fn listed(mut ranges: Vec<String>) -> String {
    if ranges.is_empty() {
        return "–".to_owned();
    }
    if ranges.len() > RANGES_MAX {
        let left_out = ranges.len() - RANGES_MAX / 2;
        ranges.truncate(RANGES_MAX / 2);
        ranges.push(format!("{FAINT}… and {left_out} more{RESET}"));
    }
    ranges.join(", ")
}

/// What each task, old or new, gives to others.
fn gives(plan: &RescalePlan) -> Vec<Vec<(KeyGroupRange, Subtask)>> {
    let mut gives = vec![Vec::new(); usize::from(plan.from().max(plan.to()).get())];
    for subtask in plan.subtasks() {
        for read in subtask.moved() {
            gives[read.from.index()].push((read.key_groups, subtask.subtask));
        }
    }
    gives
}
