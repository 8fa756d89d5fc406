//! A process is killed at random moments of its checkpoints, again and again. After each kill the newest
//! committed checkpoint is complete and readable, and the job goes on from it.
//!
//! ```sh
//! cargo test --test crash                             # 40 kills
//! cargo test --test crash -- --kills 200 --seed 7     # as many as wanted
//! ```
//!
//! A kill ends the process and leaves the machine: what the process has written is in the page cache and
//! reaches the disk. What a power failure could leave is judged by the system calls of a run (`power`).

mod full;
mod judge;
mod kill;
mod power;
mod process;
mod words;

use std::{error::Error, path::Path, process::ExitCode};

/// Enough to hit every moment some of the time, and few enough for everyday.
const KILLS: u64 = 40;

const TESTS: [&str; 3] = [
    "newest_checkpoint_is_complete_after_every_kill",
    "no_power_failure_takes_back_what_is_committed",
    "full_and_read_only_disks_cost_no_checkpoint",
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [part, argument] = arguments.as_slice()
        && let Some(ended) = play(part, argument)
    {
        return ended;
    }
    if arguments.iter().any(|argument| argument == "--list") {
        TESTS.iter().for_each(|test| println!("{test}: test"));
        return ExitCode::SUCCESS;
    }
    let number = |name: &str, default: u64| {
        let mut after = arguments.iter().skip_while(|argument| *argument != name).skip(1);
        after.next().map_or(default, |value| value.parse().expect("a whole number"))
    };
    let (kills, seed) = (number("--kills", KILLS), number("--seed", 1));
    let has_value = |at: usize| at > 0 && ["--kills", "--seed"].contains(&&*arguments[at - 1]);
    let is_filter = |at: &usize| !arguments[*at].starts_with('-') && !has_value(*at);
    let filters: Vec<_> = (0..arguments.len()).filter(is_filter).map(|at| &*arguments[at]).collect();
    // Like the test harness: run what has one of the given names in its own.
    let is_wanted = |test: &str| filters.is_empty() || filters.iter().any(|filter| test.contains(filter));

    let mut failed = false;
    for test in TESTS.into_iter().filter(|test| is_wanted(test)) {
        println!("test {test} ...");
        let outcome = run(test, kills, seed);
        failed |= outcome.is_err();
        println!("{}", outcome.unwrap_or_else(|error| format!("FAILED: {error}")));
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// This program is also what the tests start.
fn play(part: &str, argument: &str) -> Option<ExitCode> {
    let outcome = match part {
        "--process" => {
            serde_json::from_str(argument).map_err(Into::into).and_then(|order| process::run(&order))
        }
        "--full-disk" => full::on_a_small_disk(Path::new(argument)).map(|said| println!("{said}")),
        _ => return None,
    };
    Some(match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    })
}

fn run(test: &str, kills: u64, seed: u64) -> Result<String, Box<dyn Error>> {
    let skipped = |need: &str| format!("skipped: it needs {need}");
    match test {
        "newest_checkpoint_is_complete_after_every_kill" => {
            kill::kill_and_look(kills, seed).map(|summary| summary.to_string()).map_err(|error| {
                format!("{error}\nrerun with: cargo test --test crash -- --kills {kills} --seed {seed}")
                    .into()
            })
        }
        "no_power_failure_takes_back_what_is_committed" => {
            let judged = power::trace_and_judge()?;
            Ok(judged.map_or_else(|| skipped("strace, and leave to trace"), |seen| seen.to_string()))
        }
        _ => Ok(full::run_apart()?.unwrap_or_else(|| skipped("unshare, and leave to mount in a name space"))),
    }
}
