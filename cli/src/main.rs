//! The command line of keygroups.
//!
//! Exit codes: 0 the answer is given and everything asked about holds, 1 a violation was found,
//! 2 wrong use or unreadable input, with one line on stderr that says what and where, 3 a limit was reached
//! with nothing found.

mod assign;
mod bench;
mod check;
mod conform;
mod coverage;
mod error;
mod explore;
mod inspect;
mod merge;
mod model;
mod names;
mod picture;
mod plan;
mod progress;
mod replay;
mod report;
mod roll_back;
mod shard;
mod shrink;
mod sim;
mod verify_assignment;
mod zoo;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};
use serde::Serialize;

/// Key groups of stream processors: who owns which keys, and what moves on a rescale.
#[derive(Parser)]
#[command(name = "keygroups", version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Assign(assign::Assign),
    Plan(plan::Plan),
    Sim(sim::Sim),
    Merge(merge::Merge),
    Replay(replay::Replay),
    Shrink(shrink::Shrink),
    Report(report::Report),
    VerifyAssignment(verify_assignment::VerifyAssignment),
    Check(check::Check),
    Conform(conform::Conform),
    Zoo(zoo::Zoo),
    Explore(explore::Explore),
    Inspect(inspect::Inspect),
    RollBack(roll_back::RollBack),
    Bench(bench::Bench),
}

/// What a command has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Holds,
    Violated,
    /// The user stopped it with nothing found.
    Stopped,
    /// It has reached a limit with nothing found.
    CutShort,
}

impl Verdict {
    /// Of work that has many parts: a violation counts even if not everything was looked at.
    const fn of(violated: bool, complete: bool) -> Self {
        match (violated, complete) {
            (true, _) => Self::Violated,
            (false, true) => Self::Holds,
            (false, false) => Self::Stopped,
        }
    }

    const fn exit_code(self) -> u8 {
        match self {
            Self::Holds => 0,
            Self::Violated => 1,
            Self::CutShort => 3,
            // What a shell reports of a program that Ctrl-C ended.
            Self::Stopped => 130,
        }
    }
}

const WRONG_USE: u8 = 2;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return answered_by_clap(&error),
    };
    let verdict = match cli.command {
        Command::Assign(command) => command.run(),
        Command::Plan(command) => command.run(),
        Command::Sim(command) => command.run(),
        Command::Merge(command) => command.run(),
        Command::Replay(command) => command.run(),
        Command::Shrink(command) => command.run(),
        Command::Report(command) => command.run(),
        Command::VerifyAssignment(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Conform(command) => command.run(),
        Command::Zoo(command) => command.run(),
        Command::Explore(command) => command.run(),
        Command::Inspect(command) => command.run(),
        Command::RollBack(command) => command.run(),
        Command::Bench(command) => command.run(),
    };
    match verdict {
        Ok(verdict) => ExitCode::from(verdict.exit_code()),
        Err(error) if error::reader_is_gone(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", error::in_one_line(&error));
            ExitCode::from(WRONG_USE)
        }
    }
}

/// Help and version go to stdout; what is wrong with the arguments is one line on stderr.
fn answered_by_clap(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        // Nobody is left to be told of a closed pipe.
        let _ = error.print();
        return ExitCode::from(if error.use_stderr() { WRONG_USE } else { 0 });
    }
    let text = error.to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    eprintln!("{}", first.split_whitespace().collect::<Vec<_>>().join(" "));
    ExitCode::from(WRONG_USE)
}
