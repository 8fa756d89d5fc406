//! The command line of keygroups.
//!
//! Exit codes: 0 the answer is given and everything asked about holds, 1 a violation was found,
//! 2 wrong use or unreadable input, with one line on stderr that says what and where.

mod assign;
mod plan;
mod verify_assignment;

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Key groups of stream processors: who owns which keys, and what moves on a rescale.
#[derive(Parser)]
#[command(version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Assign(assign::Assign),
    Plan(plan::Plan),
    VerifyAssignment(verify_assignment::VerifyAssignment),
}

/// What a command has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Holds,
    Violated,
}

fn main() -> ExitCode {
    let verdict = match Cli::parse().command {
        Command::Assign(command) => command.run(),
        Command::Plan(command) => command.run(),
        Command::VerifyAssignment(command) => command.run(),
    };
    match verdict {
        Ok(Verdict::Holds) => ExitCode::SUCCESS,
        Ok(Verdict::Violated) => ExitCode::from(1),
        Err(error) if reader_is_gone(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether whoever read our output has read enough, as `head` does.
fn reader_is_gone(error: &anyhow::Error) -> bool {
    // Of these wrappers, neither names the error of the stream as its source.
    let kind = |cause: &(dyn std::error::Error + 'static)| {
        if let Some(error) = cause.downcast_ref::<serde_json::Error>() {
            return error.io_error_kind();
        }
        if let Some(error) = cause.downcast_ref::<csv::Error>() {
            return match error.kind() {
                csv::ErrorKind::Io(error) => Some(error.kind()),
                _ => None,
            };
        }
        cause.downcast_ref::<io::Error>().map(io::Error::kind)
    };
    error.chain().any(|cause| kind(cause) == Some(io::ErrorKind::BrokenPipe))
}
