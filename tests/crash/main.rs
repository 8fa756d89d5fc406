//! A process is killed at random moments of its checkpoints, again and again. After each kill the newest
//! committed checkpoint is complete and readable, and the job goes on from it.
//!
//! ```sh
//! cargo test --test crash                             # 40 kills
//! cargo test --test crash -- --kills 200 --seed 7     # as many as wanted
//! ```
//!
//! A kill ends the process and leaves the machine: what the process has written is in the page cache and
//! reaches the disk. What a power failure leaves is the business of `tests/store/power.rs`.

mod judge;
mod kill;
mod process;
mod words;

use std::process::ExitCode;

/// Enough to hit every moment some of the time, and few enough for everyday.
const KILLS: u64 = 40;

const NAME: &str = "newest_checkpoint_is_complete_after_every_kill";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, order] = arguments.as_slice()
        && first == "--process"
    {
        let order = serde_json::from_str(order).expect("the killer writes orders");
        return match process::run(&order) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        };
    }
    if arguments.iter().any(|argument| argument == "--list") {
        println!("{NAME}: test");
        return ExitCode::SUCCESS;
    }
    let number = |name: &str, default: u64| {
        let mut after = arguments.iter().skip_while(|argument| *argument != name).skip(1);
        after.next().map_or(default, |value| value.parse().expect("a whole number"))
    };
    let has_value = |at: usize| at > 0 && ["--kills", "--seed"].contains(&&*arguments[at - 1]);
    let mut filters = (0..arguments.len()).filter(|&at| !arguments[at].starts_with('-') && !has_value(at));
    // Like the test harness: run what has one of the given names in its own.
    if filters.clone().count() > 0 && !filters.any(|at| NAME.contains(&*arguments[at])) {
        return ExitCode::SUCCESS;
    }
    let (kills, seed) = (number("--kills", KILLS), number("--seed", 1));
    println!("test {NAME}: {kills} kills, seed {seed}");
    match kill::kill_and_look(kills, seed) {
        Ok(summary) => {
            println!("{summary}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("FAILED: {error}\nrerun with: cargo test --test crash -- --kills {kills} --seed {seed}");
            ExitCode::FAILURE
        }
    }
}
