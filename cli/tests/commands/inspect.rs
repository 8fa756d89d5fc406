//! `keygroups inspect`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{keygroups, refusal, stdout};

const TASK: &str = "state/00000000000000000003.0000000002/00001-00004";

/// An object that every version must be able to read.
fn fixture(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/v2").join(name)).unwrap()
}

fn write(directory: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = directory.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

fn flipped(mut bytes: Vec<u8>, at: usize) -> Vec<u8> {
    bytes[at] ^= 1;
    bytes
}

fn inspect(path: impl AsRef<std::ffi::OsStr>) -> Output {
    keygroups("inspect").arg(path).output().unwrap()
}

fn inspect_json(path: &Path) -> Value {
    let output = keygroups("inspect --json").arg(path).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What was said of something that is damaged.
fn damage(output: &Output) -> &str {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    std::str::from_utf8(&output.stdout).unwrap()
}

/// A store with a snapshot that leans on an older one, and where both lie.
fn store() -> (TempDir, PathBuf, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let base = write(&directory, &format!("{TASK}/00000000000000000007"), &fixture("everything.snapshot"));
    let leaning = write(&directory, &format!("{TASK}/00000000000000000008"), &fixture("leaning.snapshot"));
    (directory, base, leaning)
}

#[test]
fn a_snapshot_is_shown_with_where_each_key_group_lies() {
    let directory = tempfile::tempdir().unwrap();
    let output = inspect(write(&directory, "tables", &fixture("tables.snapshot")));
    assert_eq!(
        stdout(&output),
        "\
snapshot of task 1-4 of attempt 3.2 at checkpoint 7
971 bytes, of which 368 are header and index; format 2, codec 1.1
key groups 2–6 of 128, 4 entries
  keyed state 'delays': 2 entries
  keyed state 'flights': 2 entries

key group    entries        offset         bytes     raw bytes  layout    compression  base  state
        3          3           368           423           423  tables    none            -  sound
        5          1           791           180           180  tables    none            -  sound
empty: 2, 4, 6
sound  every byte that was read is what was written
"
    );
}

#[test]
fn operator_state_and_compression_are_shown() {
    let directory = tempfile::tempdir().unwrap();
    let output = inspect(write(&directory, "everything", &fixture("everything.snapshot")));
    assert!(stdout(&output).contains("operator state 'splits': split, 3 items, 14 bytes"), "{output:?}");
    let found = inspect_json(&write(&directory, "zstd", &fixture("zstd.snapshot")));
    let section = &found["sections"][1];
    let shown = ["key_group", "layout", "compression", "offset", "bytes", "raw_bytes", "entries", "state"];
    let shown = shown.map(|field| section[field].clone());
    let expected = json!([1, "tables", "zstd", 340, 553, 6_465, 9, "sound"]);
    assert_eq!(json!(shown), expected);
}

#[test]
fn a_snapshot_of_format_1_is_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/v1/everything.snapshot");
    assert!(stdout(&inspect(path)).contains("format 1, codec 1.1"));
}

#[test]
fn bases_are_looked_at_where_they_lie_in_the_same_store() {
    let (_directory, _, leaning) = store();
    let text = inspect(&leaning);
    let base =
        format!("base 1: {TASK}/00000000000000000007\n          1 key group, 84 of its 600 bytes, sound");
    assert!(stdout(&text).contains(&base), "{text:?}");
    let states: Vec<Value> = inspect_json(&leaning)["keyed_states"].as_array().unwrap().clone();
    assert_eq!(
        states,
        [json!({ "name": "delays", "entries": 3 }), json!({ "name": "flights", "entries": 2 })]
    );

    let url = format!("file://{}", leaning.display());
    assert_eq!(stdout(&inspect(url)), stdout(&text));
}

#[test]
fn bases_of_a_snapshot_that_was_taken_out_of_its_store_are_not_read() {
    let directory = tempfile::tempdir().unwrap();
    let output = inspect(write(&directory, "leaning", &fixture("leaning.snapshot")));
    assert!(stdout(&output).contains("\nnot read: key groups 3, "), "{output:?}");
}

#[test]
fn damage_in_a_base_names_the_base_the_key_group_and_the_offset() {
    let (directory, _, leaning) = store();
    let base = format!("{TASK}/00000000000000000007");
    write(&directory, &base, &flipped(fixture("everything.snapshot"), 500));
    let output = inspect(&leaning);
    let expected = format!(
        "damaged  {}: in {base}, on which the snapshot leans: key group 3: the checksum of its section at offset 471 is ",
        leaning.display()
    );
    assert!(damage(&output).contains(&expected), "{output:?}");
    assert_eq!(inspect_json(&leaning)["bases"][0]["state"], "damaged");

    fs::remove_file(directory.path().join(&base)).unwrap();
    let output = inspect(&leaning);
    assert!(
        damage(&output).contains(&format!("{base} is missing, on which the snapshot leans")),
        "{output:?}"
    );
}

#[test]
fn a_flipped_byte_names_object_key_group_and_offset() {
    let directory = tempfile::tempdir().unwrap();
    let sound = fixture("tables.snapshot");
    // Every part: magic, version and checkpoint in the header, index, both sections.
    for (at, says) in [
        (50, "the checksum of the snapshot header"),
        (200, "the checksum of the snapshot index"),
        (400, "key group 3: the checksum of its section at offset 368"),
        (800, "key group 5: the checksum of its section at offset 791"),
        (970, "key group 5: the checksum of its section at offset 791"),
    ] {
        let path = write(&directory, "flipped", &flipped(sound.clone(), at));
        let output = inspect(&path);
        let line = damage(&output).lines().last().unwrap();
        assert!(line.starts_with(&format!("damaged  {}: {says}", path.display())), "byte {at}: {line}");
    }
    let found = inspect_json(&directory.path().join("flipped"));
    let states: Vec<_> =
        found["sections"].as_array().unwrap().iter().map(|one| one["state"].clone()).collect();
    assert_eq!(json!(states), json!(["sound", "sound", "sound", "damaged", "sound"]));
    assert_eq!(found["problems"].as_array().unwrap().len(), 1);
}

#[test]
fn a_truncated_snapshot_is_damaged_wherever_it_ends() {
    let directory = tempfile::tempdir().unwrap();
    let sound = fixture("tables.snapshot");
    for (end, says) in [
        (40, "the snapshot header has 40 bytes, expected 70"),
        (300, "the snapshot index has 300 bytes, expected 368"),
        (900, "the section of key group 5 has 109 bytes, expected 180"),
    ] {
        let output = inspect(write(&directory, "cut", &sound[..end]));
        assert!(damage(&output).contains(says), "{end}: {output:?}");
    }
}

/// By its first bytes it is nothing; by its name it should be a snapshot.
#[test]
fn an_object_with_the_name_of_a_snapshot_must_be_that_one() {
    let (directory, base, _) = store();
    write(&directory, &format!("{TASK}/00000000000000000007"), &flipped(fixture("everything.snapshot"), 0));
    assert!(damage(&inspect(&base)).contains("not a snapshot: it begins with "));

    let other = write(&directory, &format!("{TASK}/00000000000000000009"), &fixture("everything.snapshot"));
    let output = inspect(&other);
    let expected =
        format!("this is {TASK}/00000000000000000007, and not {TASK}/00000000000000000009, whose name");
    assert!(damage(&output).contains(&expected), "{output:?}");
}

#[test]
fn a_manifest_is_shown_with_its_checkpoints() {
    let directory = tempfile::tempdir().unwrap();
    // Not in a store: its objects are not looked for.
    let path = write(&directory, "a_manifest", &fixture("manifest"));
    let output = inspect(&path);
    let text = stdout(&output);
    for line in [
        "manifest 12 of leader epoch 3, nonce 65261: the job is running",
        "desired parallelism 4, next checkpoint 8",
        "  vertex 1 'count': 128 key groups, scales with the job, reads 0",
        "checkpoint 7 of attempt 2.1, at parallelism 2",
        "  task 1-1: key groups 64–127, 100 entries, 4,096 bytes",
        "    leans on state/00000000000000000001.0000000001/00001-00000/00000000000000000006",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    let found = inspect_json(&path);
    assert_eq!((&found["kind"], &found["manifest"]["version"]), (&json!("manifest"), &json!(12)));
}

#[test]
fn a_manifest_in_a_store_is_damaged_if_an_object_is_missing_or_has_another_length() {
    let directory = tempfile::tempdir().unwrap();
    let path = write(&directory, "manifest/00000000000000000012", &fixture("manifest"));
    let objects = |found: &Value| -> Vec<String> {
        let problems = found["problems"].as_array().unwrap().iter();
        problems
            .map(|problem| problem.as_str().unwrap().split_once(" is missing").unwrap().0.into())
            .collect()
    };
    let missing = objects(&inspect_json(&path));
    assert_eq!(inspect_json(&path)["objects"], json!(missing.len()));
    for object in &missing {
        write(&directory, object, b"");
    }
    let text = inspect(&path);
    let lines: Vec<_> = damage(&text).lines().filter(|line| line.starts_with("damaged")).collect();
    assert!(!lines.is_empty());
    for line in lines {
        let (object, lengths) = line.trim_start_matches("damaged  ").split_once(" has 0 bytes").unwrap();
        let bytes: usize = lengths.rsplit_once(' ').unwrap().1.parse().unwrap();
        write(&directory, object, &vec![0; bytes]);
    }
    let text = inspect(&path);
    assert!(stdout(&text).contains(&format!("it names {} objects", missing.len())), "{text:?}");
}

#[test]
fn a_damaged_manifest_says_where_and_what() {
    let directory = tempfile::tempdir().unwrap();
    let sound = fixture("manifest");
    let misplaced = write(&directory, "manifest/00000000000000000013", &sound);
    for (path, says) in [
        (write(&directory, "flipped", &flipped(sound.clone(), 2_000)), "its checksum is "),
        (write(&directory, "cut", &sound[..2_000]), "its header promises "),
        (misplaced, "12"),
    ] {
        let output = inspect(&path);
        let line = damage(&output).trim_end();
        assert!(line.starts_with(&format!("damaged  {}: ", path.display())) && line.contains(says), "{line}");
    }
}

#[test]
fn what_is_neither_snapshot_nor_manifest_is_refused_with_what_was_expected() {
    let directory = tempfile::tempdir().unwrap();
    for bytes in [&b""[..], b"a text", &fixture("manifest")[5..]] {
        let path = write(&directory, "other", bytes);
        assert_eq!(
            refusal(&inspect(&path)),
            format!(
                "error: {} is neither a snapshot, which begins with the bytes 89 4b 47 53, nor a manifest, \
                 which begins with `keygroups-manifest`",
                path.display()
            )
        );
    }
    let missing = directory.path().join("missing");
    assert!(refusal(&inspect(&missing)).starts_with(&format!("error: cannot read {}: ", missing.display())));
    let mut newer = fixture("tables.snapshot");
    newer[8] = 9;
    let refused = inspect(write(&directory, "newer", &newer));
    assert!(refusal(&refused).contains("9"), "{refused:?}");
}
