//! `keygroups sim --shard` and `keygroups merge`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tempfile::{TempDir, tempdir};

use crate::{keygroups, refusal, run, stdout};

/// Small jobs on a bad day.
const SEEDS: &str = "sim --seeds 24 --rows 20 --faults chaos";

fn shard(which: &str, results: impl AsRef<Path>) -> String {
    format!("{SEEDS} --block 2 --shard {which} --results {}", results.as_ref().display())
}

fn document(arguments: &str) -> Value {
    serde_json::from_str(stdout(&run(&format!("{arguments} --json")))).unwrap()
}

fn merge(results: impl AsRef<Path>) -> String {
    format!("merge {}", results.as_ref().display())
}

/// The file of shard 1 of 3, and its lines.
fn second_of_three() -> (TempDir, PathBuf, Vec<String>) {
    let directory = tempdir().unwrap();
    let file = directory.path().join("results.jsonl");
    stdout(&run(&shard("1/3", &file)));
    let lines = fs::read_to_string(&file).unwrap().lines().map(|line| format!("{line}\n")).collect();
    (directory, file, lines)
}

#[test]
fn shards_in_files_and_in_objects_merge_to_what_one_run_finds() {
    let whole = document(SEEDS);
    let (files, objects) = (tempdir().unwrap(), tempdir().unwrap());
    let url = format!("file://{}", objects.path().display());
    for which in ["0/3", "1/3", "2/3"] {
        stdout(&run(&shard(which, files.path())));
    }
    for which in ["1/2", "0/2"] {
        stdout(&run(&shard(which, &url)));
    }
    let merged = document(&merge(files.path()));
    assert_eq!(merged["verdict"], "holds");
    for field in ["runs", "failed", "sums", "failures"] {
        assert_eq!(merged[field], whole[field], "{field}");
    }
    // Three shards in files, two of objects: the same blocks, with the same results.
    assert_eq!(document(&merge(objects.path()))["hash"], merged["hash"]);
    let both = document(&format!("{} {url}", merge(files.path())));
    assert_eq!((&both["sums"], &both["repeated"]), (&whole["sums"], &Value::from(24)));
}

#[test]
fn a_violation_in_one_shard_is_one_of_the_whole_with_the_commands_that_show_it() {
    let results = tempdir().unwrap();
    let seeds = "sim --seeds 6 --rows 60 --faults chaos --mutant offset_before_the_record --block 3";
    let shard = |which| run(&format!("{seeds} --shard {which} --results {}", results.path().display()));
    let codes = ["0/2", "1/2"].map(|which| shard(which).status.code());
    assert!(codes.contains(&Some(1)), "{codes:?}");
    let merged = run(&merge(results.path()));
    assert_eq!(merged.status.code(), Some(1), "{merged:?}");
    let text = String::from_utf8(merged.stdout).unwrap();
    let replay = text.lines().find(|line| line.starts_with("    keygroups replay ")).expect(&text);
    assert!(
        replay.ends_with(" --swarm --rows 60 --faults chaos --mutant offset_before_the_record"),
        "{replay}"
    );
    assert!(text.contains("report in the place of replay draws a run, shrink makes it small"), "{text}");
    let again = run(replay.trim().strip_prefix("keygroups ").unwrap());
    assert_eq!(again.status.code(), Some(1), "{replay}");
    let document = run(&format!("{} --json", merge(results.path())));
    assert_eq!(document.status.code(), Some(1));
    let document: Value = serde_json::from_slice(&document.stdout).unwrap();
    assert_eq!((&document["verdict"], &document["runs"]), (&Value::from("violated"), &Value::from(6)));
    assert!(document["failed"].as_u64().unwrap() > 0 && document["missing"].as_array().unwrap().is_empty());
}

/// The process is really killed, at whatever moment that is.
#[test]
fn a_shard_that_is_killed_again_and_again_leaves_the_bytes_of_an_undisturbed_one() {
    let directory = tempdir().unwrap();
    let (killed, calm) = (directory.path().join("killed.jsonl"), directory.path().join("calm.jsonl"));
    let (mut kills, mut before) = (0, 0);
    while kills < 3 {
        let mut child = keygroups(&shard("1/2", &killed)).stdout(Stdio::null()).spawn().unwrap();
        let length = || fs::metadata(&killed).map_or(0, |file| file.len());
        while length() <= before && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        if child.wait().unwrap().success() {
            break;
        }
        (kills, before) = (kills + 1, length());
    }
    assert!(kills > 0);
    stdout(&run(&shard("1/2", &killed)));
    stdout(&run(&shard("1/2", &calm)));
    assert!(fs::read(killed).unwrap() == fs::read(calm).unwrap());
}

/// A kill may come between any two bytes that are written.
#[test]
fn whatever_is_written_of_a_file_is_gone_on_with() {
    let (_directory, file, lines) = second_of_three();
    let whole = lines.concat();
    let mut lengths = vec![0, 1, lines[0].len() - 1, lines[0].len(), lines[0].len() + 10, whole.len() - 1];
    lengths.push(lines[..3].concat().len() + 1);
    for length in lengths {
        fs::write(&file, &whole.as_bytes()[..length]).unwrap();
        stdout(&run(&shard("1/3", &file)));
        assert!(fs::read_to_string(&file).unwrap() == whole, "cut at {length}");
    }
    // Power was lost: the file has its length, but not all of its bytes.
    fs::write(&file, format!("{}{}\n", lines[..3].concat(), "\0".repeat(700))).unwrap();
    stdout(&run(&shard("1/3", &file)));
    assert!(fs::read_to_string(&file).unwrap() == whole);
}

#[test]
fn an_object_that_is_missing_is_written_again_and_a_finished_shard_runs_nothing() {
    let directory = tempdir().unwrap();
    let url = format!("file://{}", directory.path().display());
    stdout(&run(&shard("0/1", &url)));
    let block = directory.path().join("shard-00000-of-00001/block-000000000003.jsonl");
    let before = fs::read(&block).unwrap();
    fs::remove_file(&block).unwrap();
    assert_eq!(document(&shard("0/1", &url))["resumed_runs"], 22);
    assert!(fs::read(&block).unwrap() == before);
    assert_eq!(document(&shard("0/1", &url))["resumed_runs"], 24);
}

#[test]
fn a_damaged_line_is_named() {
    let (_directory, file, mut lines) = second_of_three();
    lines[2] = lines[2].replace("\"runs\":2", "\"runs\":1");
    fs::write(&file, lines.concat()).unwrap();
    let place = format!("{}, line 3 does not have the checksum it says", file.display());
    let refused = run(&shard("1/3", &file));
    assert_eq!(
        refusal(&refused),
        format!("error: {place}; keep what is before it (head -n 2) to run the rest again")
    );
    assert!(fs::read_to_string(&file).unwrap() == lines.concat(), "it is left as it is");
    assert_eq!(refusal(&run(&merge(&file))), format!("error: {place}"));
    lines.remove(2);
    fs::write(&file, lines.concat()).unwrap();
    assert!(refusal(&run(&shard("1/3", &file))).contains("line 3 is out of order"));
}

#[test]
fn what_is_missing_is_told_with_the_command_that_runs_it() {
    let (directory, file, lines) = second_of_three();
    fs::write(&file, lines[..3].concat()).unwrap();
    let output = run(&merge(&file));
    assert!(refusal(&output).ends_with("20 of 24 seeds are missing, in shards 0/3, 1/3, 2/3"));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("shard 1/3 misses 4 seeds, from seed 14 on"), "{text}");
    let resume = text.lines().find(|line| line.contains("--shard 1/3")).unwrap();
    stdout(&run(resume.trim().strip_prefix("keygroups ").unwrap()));
    assert!(fs::read_to_string(&file).unwrap() == lines.concat());
    let empty = directory.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert!(refusal(&run(&merge(&empty))).ends_with("empty holds no results"));
}

#[test]
fn results_of_different_runs_are_not_put_together() {
    let (directory, file, lines) = second_of_three();
    let refused = run(&shard("1/3", &file).replace("--rows 20", "--rows 30"));
    let line = refusal(&refused);
    assert!(
        line.contains("options `--rows 20 --faults chaos` there and `--rows 30 --faults chaos` here"),
        "{line}"
    );
    let refused = run(&shard("2/3", &file));
    assert!(refusal(&refused).ends_with("left as it is: shard 1/3 there and 2/3 here"));
    let other = directory.path().join("other.jsonl");
    stdout(&run(&shard("0/3", &other).replace("--seeds 24", "--seeds 25")));
    let refused = run(&merge(directory.path()));
    assert!(refusal(&refused).contains("seeds 25 in the first, 24 in the second"), "{refused:?}");
    fs::write(&other, "my own notes\n").unwrap();
    let refused = run(&shard("0/3", &other));
    assert!(refusal(&refused).ends_with("does not begin as results do; it is left as it is"));
    assert_eq!(fs::read_to_string(&other).unwrap(), "my own notes\n");
    assert!(fs::read_to_string(&file).unwrap() == lines.concat());
}

#[test]
fn the_index_is_taken_from_kubernetes_and_from_slurm() {
    let slurm = [
        ("SLURM_ARRAY_TASK_ID", "2"),
        ("SLURM_ARRAY_TASK_MIN", "0"),
        ("SLURM_ARRAY_TASK_MAX", "19"),
        ("SLURM_ARRAY_TASK_COUNT", "20"),
    ];
    for (which, environment) in [("auto/20", &[("JOB_COMPLETION_INDEX", "2")][..]), ("auto", &slurm[..])] {
        let mut command = keygroups(&format!("{SEEDS} --shard {which} --json"));
        let document: Value =
            serde_json::from_str(stdout(&command.envs(environment.iter().copied()).output().unwrap()))
                .unwrap();
        assert_eq!((&document["shard"], &document["runs"]), (&Value::from("2/20"), &Value::from(2)));
    }
}

#[test]
fn what_cannot_be_is_refused_in_one_line() {
    for (arguments, expected) in [
        (
            "--shard 3/3",
            "error: invalid value '3/3' for '--shard <K/N>': 3/3: shards count from 0, the last of 3 is 2",
        ),
        ("--shard 0/0", "at least one shard is needed"),
        ("--shard one", "write K/N such as 0/16, or auto/N, or auto in an array of Slurm"),
        ("--shard auto/3", "neither JOB_COMPLETION_INDEX"),
        ("--block 0", "--block 0: a block has at least one seed"),
        ("--results /nowhere/results.jsonl", "error: cannot write /nowhere/results.jsonl: "),
        ("--results /dev/full", "/dev/full is no file that results could be appended to"),
        ("--results ftp://host/", "objects are at s3://, gs://, az:// or file:///"),
    ] {
        let output = run(&format!("{SEEDS} {arguments}"));
        assert!(refusal(&output).contains(expected), "{arguments}: {output:?}");
    }
    let directory = tempfile::tempdir().unwrap();
    let output = run(&format!("{SEEDS} --results file://{}/run#1", directory.path().display()));
    assert!(refusal(&output).contains("what is behind `?` or `#` would be left out"), "{output:?}");
    assert!(!directory.path().join("run").exists());
    if cfg!(not(feature = "cloud")) {
        let output = run(&format!("{SEEDS} --results s3://bucket/run"));
        assert!(refusal(&output).contains("cargo install --path cli --features cloud"), "{output:?}");
    }
}
