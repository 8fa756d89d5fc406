//! Snapshots and manifests for people.

use std::fmt::Write;

use keygroups::checkpoint::{
    CheckpointRecord, JobStatus, Manifest, RedistributionMode, Scaling, TaskSnapshot,
};
use keygroups::key_group::KeyGroup;

use super::Document;
use super::snapshot::{Base, Contents, Section, State};
use crate::sim::style::{BOLD, FAINT, GREEN, RED, RESET, counted, one_line, thousands};

pub(super) fn describe(document: &Document) -> String {
    let mut text = String::new();
    let problems = match document {
        Document::Snapshot(found) => {
            if let Some(contents) = &found.contents {
                snapshot(&mut text, contents);
                unread(&mut text, &contents.sections);
            }
            &found.problems
        }
        Document::Manifest(found) => {
            if let Some(manifest) = &found.manifest {
                self::manifest(&mut text, manifest);
                let _ = match found.objects {
                    Some(objects) => writeln!(text, "\nit names {}", counted(objects as u64, "object")),
                    None => writeln!(
                        text,
                        "\nnot looked for: its objects, which is done where a manifest has its name in a store"
                    ),
                };
            }
            &found.problems
        }
    };
    for problem in problems {
        let _ = writeln!(text, "{RED}damaged{RESET}  {}", one_line(problem));
    }
    if problems.is_empty() {
        let _ = writeln!(text, "{GREEN}sound{RESET}  every byte that was read is what was written");
    }
    text
}

fn snapshot(text: &mut String, found: &Contents) {
    let _ = writeln!(
        text,
        "{BOLD}snapshot of task {} of attempt {} at checkpoint {}{RESET}",
        found.task, found.attempt, found.checkpoint
    );
    let _ = writeln!(
        text,
        "{}, of which {} are header and index; format {}, codec {}",
        counted(found.object_bytes, "byte"),
        thousands(found.index_bytes),
        found.format_version,
        found.codec
    );
    if let (Some(max), Some(key_groups)) = (found.max_parallelism, found.key_groups) {
        let entries = entries(found.certificate.entries);
        let _ = writeln!(text, "key groups {key_groups} of {}, {entries}", max.get());
    }
    let is_all_sound = found.sections.iter().all(|section| section.state == State::Sound);
    let so_far = if is_all_sound { "" } else { " in what is sound" };
    for state in &found.keyed_states {
        let (name, entries) = (one_line(&state.name), entries(state.entries));
        let _ = writeln!(text, "  keyed state '{name}': {entries}{so_far}");
    }
    for state in &found.operator_states {
        let mode = match state.mode {
            RedistributionMode::SplitDistribute => "split",
            RedistributionMode::Union => "union",
            RedistributionMode::Broadcast => "broadcast",
        };
        let (items, bytes) = (counted(state.items as u64, "item"), counted(state.bytes, "byte"));
        let _ = writeln!(text, "  operator state '{}': {mode}, {items}, {bytes}", one_line(&state.name));
    }
    bases(text, &found.bases);
    sections(text, &found.sections);
}

fn bases(text: &mut String, bases: &[Base]) {
    for (number, base) in (1..).zip(bases) {
        let groups = counted(base.key_groups as u64, "key group");
        let (used, whole) = (thousands(base.key_group_bytes), counted(base.bytes, "byte"));
        let _ = writeln!(text, "  base {number}: {}", base.object);
        let _ = writeln!(
            text,
            "          {groups}, {used} of its {whole}, {}",
            coloured(base.state, base.state.word())
        );
    }
}

/// Key groups without entries are named in one line: nothing lies anywhere of them.
fn sections(text: &mut String, sections: &[Section]) {
    let (empty, full): (Vec<_>, Vec<_>) = sections.iter().partition(|section| section.bytes == 0);
    if !full.is_empty() {
        let _ = writeln!(
            text,
            "\n{FAINT}key group    entries        offset         bytes     raw bytes  layout    compression  base  state{RESET}"
        );
    }
    for section in full {
        let base = if section.base == 0 { "-".to_owned() } else { section.base.to_string() };
        let _ = writeln!(
            text,
            "{:>9} {:>10} {:>13} {:>13} {:>13}  {:<8}  {:<11}  {base:>4}  {}",
            section.key_group.0,
            thousands(section.entries),
            thousands(section.offset),
            thousands(section.bytes),
            thousands(section.raw_bytes),
            section.layout,
            section.compression,
            coloured(section.state, section.state.word()),
        );
    }
    if !empty.is_empty() {
        let groups: Vec<KeyGroup> = empty.iter().map(|section| section.key_group).collect();
        let _ = writeln!(text, "{FAINT}empty: {}{RESET}", runs(&groups));
    }
}

fn unread(text: &mut String, sections: &[Section]) {
    let unread = sections.iter().filter(|section| section.state == State::NotRead);
    let unread: Vec<KeyGroup> = unread.map(|section| section.key_group).collect();
    if !unread.is_empty() {
        let _ = writeln!(
            text,
            "not read: key groups {}, for the bases are looked for only where a snapshot has its name in a store",
            runs(&unread)
        );
    }
}

fn coloured(state: State, word: &str) -> String {
    match state {
        State::Sound => format!("{GREEN}{word}{RESET}"),
        State::Damaged | State::Missing => format!("{RED}{word}{RESET}"),
        State::NotRead => format!("{FAINT}{word}{RESET}"),
    }
}

fn entries(count: u64) -> String {
    format!("{} {}", thousands(count), if count == 1 { "entry" } else { "entries" })
}

/// Ascending key groups as runs: `3, 5–7`.
fn runs(key_groups: &[KeyGroup]) -> String {
    let runs = key_groups.chunk_by(|before, after| before.0 + 1 == after.0);
    let text = |run: &[KeyGroup]| match run {
        [first, .., last] => format!("{first}–{last}"),
        one => one.iter().map(ToString::to_string).collect(),
    };
    runs.map(text).collect::<Vec<_>>().join(", ")
}

fn manifest(text: &mut String, found: &Manifest) {
    let status = match found.status {
        JobStatus::Running => "running",
        JobStatus::Finished => "finished",
    };
    let _ = writeln!(
        text,
        "{BOLD}manifest {} of leader epoch {}{RESET}, nonce {}: the job is {status}",
        found.version, found.epoch, found.nonce
    );
    let _ = writeln!(
        text,
        "desired parallelism {}, next checkpoint {}",
        found.desired_parallelism, found.next_checkpoint
    );
    for (id, vertex) in found.job.vertices() {
        let keyed = vertex
            .max_parallelism
            .map_or_else(|| "no keyed state".to_owned(), |max| counted(max.get(), "key group"));
        let scaling = match vertex.scaling {
            Scaling::Fixed(parallelism) => format!("always {}", counted(parallelism.get(), "task")),
            Scaling::Elastic => "scales with the job".to_owned(),
        };
        let inputs: Vec<String> = vertex.inputs.iter().map(ToString::to_string).collect();
        let inputs =
            if inputs.is_empty() { "a source".to_owned() } else { format!("reads {}", inputs.join(", ")) };
        let _ = writeln!(text, "  vertex {id} '{}': {keyed}, {scaling}, {inputs}", one_line(&vertex.name));
    }
    if found.checkpoints.is_empty() {
        let _ = writeln!(text, "no checkpoint is committed");
    }
    for record in &found.checkpoints {
        checkpoint(text, record);
    }
}

fn checkpoint(text: &mut String, record: &CheckpointRecord) {
    let _ = writeln!(
        text,
        "\n{BOLD}checkpoint {}{RESET} of attempt {}, at parallelism {}",
        record.id, record.attempt, record.parallelism
    );
    if let Some(outputs) = record.outputs {
        let _ = writeln!(text, "  outputs: {outputs}");
    }
    for task in &record.tasks {
        snapshot_of(text, task);
    }
}

fn snapshot_of(text: &mut String, task: &TaskSnapshot) {
    let state = &task.state;
    let key_groups =
        state.key_groups.map_or_else(|| "no keyed state".to_owned(), |range| format!("key groups {range}"));
    let _ = writeln!(
        text,
        "  task {}: {key_groups}, {}, {}",
        task.task,
        entries(state.certificate.entries),
        counted(state.bytes, "byte")
    );
    let _ = writeln!(text, "    {}", state.object);
    for base in &state.bases {
        let _ = writeln!(text, "    leans on {base}");
    }
    if let Some(output) = &task.output {
        let (bytes, records) = (counted(output.bytes, "byte"), counted(output.records, "record"));
        let _ = writeln!(text, "    output {}: {bytes}, {records}", output.object);
    }
}
