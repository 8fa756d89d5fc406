//! The built binary, as a user meets it.

mod bench;
mod conform;
mod determinism;
mod heat_map;
mod inspect;
mod model;
mod newcomer;
mod report;
mod roll_back;
mod shards;
mod shrink;
mod simulation;
mod zoo;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn keygroups(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keygroups"));
    command.args(arguments.split_whitespace());
    command
}

fn run(arguments: &str) -> Output {
    keygroups(arguments).output().unwrap()
}

fn with_stdin(arguments: &str, stdin: &[u8]) -> Output {
    let mut child = keygroups(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin).unwrap();
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> &str {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    std::str::from_utf8(&output.stdout).unwrap()
}

/// The one line that wrong use is answered with.
fn refusal(output: &Output) -> &str {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let line = std::str::from_utf8(&output.stderr).unwrap().trim_end();
    assert!(!line.contains('\n') && line.starts_with("error: "), "{line}");
    line
}

#[test]
fn version_is_that_of_keygroups_for_each_command() {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(stdout(&run("--version")), format!("keygroups {version}\n"));
    assert_eq!(stdout(&run("sim --version")), format!("keygroups-sim {version}\n"));
}

#[test]
fn assign_answers_csv_with_flinks_hash_and_key_group() {
    let output = run("assign --max-parallelism 128 --key-type string flink key-group");
    assert_eq!(stdout(&output), "key,hash,key_group\nflink,97520992,98\nkey-group,1206789521,57\n");
}

#[test]
fn assign_adds_the_subtask_if_a_parallelism_is_given() {
    let output = run("assign --max-parallelism 128 --parallelism 4 --key-type long -- 42 -1");
    assert_eq!(stdout(&output), "key,hash,key_group,subtask\n42,42,29,0\n-1,0,94,2\n");
}

#[test]
fn assign_knows_every_key_type() {
    for (key_type, key, hash, key_group) in [
        ("string", "é", "233", "30"),
        ("long", "2147483648", "-2147483648", "108"),
        ("int", "-2", "-2", "66"),
        ("short", "-129", "-129", "105"),
        ("byte", "-128", "-128", "75"),
        ("boolean", "true", "1231", "77"),
        ("char", "a", "97", "81"),
        ("double", "-0.0", "-2147483648", "108"),
        ("float", "NaN", "2143289344", "83"),
        ("uuid", "123e4567-e89b-12d3-a456-426614174000", "1256478162", "25"),
        ("bytes", "00000000", "593689054", "94"),
        ("bytes", "FFffFFff", "1982413648", "80"),
    ] {
        let output = run(&format!("assign --max-parallelism 128 --key-type {key_type} -- {key}"));
        assert_eq!(stdout(&output), format!("key,hash,key_group\n{key},{hash},{key_group}\n"), "{key_type}");
    }
}

#[test]
fn assign_reads_one_key_per_line_and_quotes_what_csv_must_quote() {
    let output = with_stdin("assign --max-parallelism 128 --key-type string", b"a,b\r\n\n\"\nlast");
    let keys: Vec<String> = csv::Reader::from_reader(stdout(&output).as_bytes())
        .records()
        .map(|record| record.unwrap()[0].to_owned())
        .collect();
    assert_eq!(keys, ["a,b", "", "\"", "last"]);
}

#[test]
fn assign_names_the_line_of_a_wrong_key() {
    let output = with_stdin("assign --max-parallelism 128 --key-type int", b"1\n2\nthree\n");
    assert_eq!(refusal(&output), "error: stdin, line 3: \"three\" is not a 32-bit integer");
    let output = with_stdin("assign --max-parallelism 128 --key-type string", b"fine\n\xff\n");
    assert_eq!(refusal(&output), "error: stdin, line 2: \"\u{fffd}\" is not UTF-8");
}

#[test]
fn assign_refuses_keys_that_are_not_of_their_type() {
    for (key_type, key) in
        [("byte", "128"), ("char", "😀"), ("char", "ab"), ("bytes", "abc"), ("bytes", "zz"), ("uuid", "1")]
    {
        let output = run(&format!("assign --max-parallelism 128 --key-type {key_type} -- {key}"));
        assert!(refusal(&output).starts_with(&format!("error: \"{key}\" is not ")), "{key_type} {key}");
    }
}

#[test]
fn numbers_out_of_bounds_are_refused_with_the_bound() {
    for (arguments, expected) in [
        (
            "assign --max-parallelism 0 --key-type int 1",
            "error: max parallelism 0 is out of bounds: it must be from 1 to 32768",
        ),
        (
            "assign --max-parallelism 4 --parallelism 5 --key-type int 1",
            "error: parallelism 5 is above max parallelism 4: a subtask without a key group could own no state",
        ),
        (
            "plan --max-parallelism 128 --from 2 --to 0",
            "error: --to: parallelism 0 is out of bounds: it must be from 1 to 32768",
        ),
        (
            "plan --max-parallelism 128 --from 129 --to 2",
            "error: parallelism 129 is above max parallelism 128: a subtask without a key group could own no state",
        ),
        (
            "verify-assignment --up-to 40000",
            "error: max parallelism 40000 is out of bounds: it must be from 1 to 32768",
        ),
    ] {
        assert_eq!(refusal(&run(arguments)), expected);
    }
}

#[test]
fn plan_json_is_one_document_of_the_documented_shape() {
    let output = run("plan --max-parallelism 128 --from 2 --to 4 --json");
    let plan: Value = serde_json::from_str(stdout(&output)).unwrap();
    let subtask = |subtask: u16, from: u16, first: u16, last: u16| {
        json!({
            "subtask": subtask,
            "key_groups": [first, last],
            "reads": [{"from_subtask": from, "key_groups": [first, last]}],
        })
    };
    let expected = json!({
        "max_parallelism": 128,
        "from": 2,
        "to": 4,
        "moved_key_groups": 96,
        "indexes_read": 4,
        "whole_snapshots_amplification": 2.0,
        "subtasks": [subtask(0, 0, 0, 31), subtask(1, 0, 32, 63), subtask(2, 1, 64, 95), subtask(3, 1, 96, 127)],
    });
    assert_eq!(plan, expected);
}

#[test]
fn plan_of_a_state_says_what_is_read_for_what_is_owned() {
    let arguments = "plan --max-parallelism 128 --from 4 --to 3 --state-bytes 1000000000";
    let output = run(&format!("{arguments} --json"));
    let plan: Value = serde_json::from_str(stdout(&output)).unwrap();
    let index = 6 * (70 + 32 * 55 + 4);
    let state = json!({
        "bytes": 1_000_000_000,
        "moved_bytes": 507_812_500,
        "read_bytes": 1_000_000_000 + index,
        "amplification": 1.000011004,
    });
    assert_eq!(plan["state"], state);
    assert_eq!(plan["whole_snapshots_amplification"], 1.5);
    let output = run(arguments);
    let expected = "128 key groups, from 4 to 3 tasks: 63 stay, 65 move\n\
        507,812,500 of 1,000,000,000 bytes move; 1,000,011,004 are read with 6 indexes:\n\
        1.0000 times what is owned (whole snapshots would be 1.50 times)\n\n";
    assert!(stdout(&output).starts_with(expected), "{}", stdout(&output));
}

#[test]
fn plan_from_4_to_5_moves_62_key_groups() {
    let output = run("plan --max-parallelism 128 --from 4 --to 5 --json");
    let plan: Value = serde_json::from_str(stdout(&output)).unwrap();
    assert_eq!(plan["moved_key_groups"], 62);
}

#[test]
fn plan_as_text_shows_who_keeps_reads_and_gives_without_colour_in_a_pipe() {
    let output = run("plan --max-parallelism 128 --from 2 --to 4");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("cli_plan_128_from_2_to_4", stdout(&output)));
}

#[test]
fn the_largest_plans_stay_readable() {
    for (from, to) in [(1, 32_768), (32_768, 3), (300, 299)] {
        let output = run(&format!("plan --max-parallelism 32768 --from {from} --to {to}"));
        let text = stdout(&output);
        assert!(text.lines().count() < 80, "{from} to {to}");
        assert!(text.lines().all(|line| line.chars().count() < 200), "{from} to {to}");
    }
}

#[test]
fn the_picture_in_the_docs_is_the_one_the_command_draws() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plan.svg");
    let arguments = format!("plan --max-parallelism 128 --from 2 --to 4 --svg {}", file.display());
    stdout(&run(&arguments));
    let drawn = std::fs::read_to_string(file).unwrap();
    assert_eq!(drawn, include_str!("../../../docs/images/plan-128-2-4.svg"));
}

#[test]
fn the_largest_picture_stays_small() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("large.svg");
    let arguments = format!("plan --max-parallelism 32768 --from 32768 --to 32767 --svg {}", file.display());
    stdout(&run(&arguments));
    assert!(std::fs::metadata(file).unwrap().len() < 1_000_000);
}

#[test]
fn an_unwritable_picture_is_refused_by_name() {
    let output = run("plan --max-parallelism 128 --from 2 --to 4 --svg /nowhere/plan.svg");
    assert!(refusal(&output).starts_with("error: cannot write /nowhere/plan.svg: "));
}

#[test]
fn verify_assignment_holds_and_equals_flink() {
    let output = run("verify-assignment --up-to 64 --no-larger --json");
    let report: Value = serde_json::from_str(stdout(&output)).unwrap();
    assert_eq!(report["holds"], true);
    // Over all max parallelisms m: m · (m + 1) / 2.
    assert_eq!(report["ranges"], 45_760);
    assert_eq!(report["digests"][1]["ranges"], "a6582dbf241f5611");
    assert_eq!(report["violations"], json!([]));
}

/// As in `keygroups … | head -1`: the reader closes the pipe while there is much left to write.
#[test]
fn a_reader_that_has_enough_is_no_error() {
    for arguments in [
        "plan --max-parallelism 32768 --from 1 --to 32768 --json",
        "assign --max-parallelism 128 --key-type string",
    ] {
        let mut child = keygroups(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        // The child may be gone before it has read everything.
        let _ = child.stdin.take().unwrap().write_all(&b"key\n".repeat(100_000));
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr), (Some(0), vec![]), "{arguments}");
    }
}

#[test]
fn every_command_has_help_with_examples() {
    for command in [
        "assign",
        "plan",
        "sim",
        "merge",
        "replay",
        "shrink",
        "report",
        "verify-assignment",
        "check",
        "zoo",
        "explore",
    ] {
        let output = run(&format!("{command} --help"));
        assert!(stdout(&output).contains("Examples:\n"), "{command}");
    }
}
