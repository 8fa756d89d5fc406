//! A saved path through a model, step by step, with what each step changes.

use std::io::{self, BufWriter, Write};
use std::path::Path as FilePath;

use serde::Serialize;

use crate::Verdict;
use crate::model::{Block, SavedPath, picture};
use crate::sim::style::{BOLD, FAINT, GREEN, RED, RESET, counted};

#[derive(Serialize)]
struct Step<'a> {
    step: usize,
    words: &'a str,
    fault: bool,
    changes: Vec<String>,
}

pub(super) fn replay(file: &FilePath, json: bool) -> anyhow::Result<Verdict> {
    let SavedPath { choice, path } = SavedPath::read(file)?;
    let violation = path.broken();
    let mut out = BufWriter::new(anstream::AutoStream::auto(io::stdout()));
    if !json {
        writeln!(out, "{BOLD}{}{RESET}: {}\n", choice.arguments(), choice.model.story().about)?;
    }
    for (step, row) in picture(&path).rows.iter().enumerate().skip(1) {
        let changes = Block::of(&path.worlds[step], Some(&path.worlds[step - 1])).changes();
        if json {
            let step = Step { step, words: &row.words, fault: row.fault, changes };
            serde_json::to_writer(&mut out, &step)?;
            writeln!(out)?;
            continue;
        }
        let colour = if row.fault { RED } else { "" };
        writeln!(out, "{FAINT}{step:>4}{RESET}  {colour}{}{RESET}", row.words)?;
        for change in changes {
            writeln!(out, "      {FAINT}{change}{RESET}")?;
        }
    }
    if let Some(violation) = violation {
        // Where lines of JSON are read, this is for whoever looks on.
        let steps = counted(path.actions.len() as u64, "step");
        match json {
            true => eprintln!("violated: {violation}"),
            false => writeln!(out, "\n{RED}{BOLD}✗ violated{RESET} after {steps}: {violation}")?,
        }
    } else if !json {
        let steps = counted(path.actions.len() as u64, "step");
        writeln!(out, "\n{GREEN}{BOLD}✓ holds{RESET}: no invariant is broken in {steps}")?;
    }
    out.flush()?;
    Ok(if violation.is_some() { Verdict::Violated } else { Verdict::Holds })
}
