//! Coverage for people.

use std::collections::BTreeSet;
use std::io::{self, Write};

use keygroups_model::coverage::{COORDINATOR_PHASES, HOST_PHASES};

use super::{Document, Machine, Row, Transition};
use crate::Verdict;
use crate::sim::style::{BOLD, FAINT, GREEN, RED, RESET, counted, thousands};

/// The width of what happens.
const NAME: usize = 38;

pub(super) fn tell(out: &mut impl Write, document: &Document) -> io::Result<()> {
    writeln!(out, "{BOLD}{:NAME$}{:>12}  model (stories){RESET}", "Actions of the model", "simulation")?;
    for row in &document.actions {
        line(out, row, &row.kind.to_string(), document)?;
    }
    writeln!(out, "\n{BOLD}{:NAME$}{:>12}  model (stories){RESET}", "Events of coordinators", "simulation")?;
    for row in &document.events {
        line(out, row, row.kind, document)?;
    }
    for (machine, name, phases) in [
        (Machine::Coordinator, "Coordinators", COORDINATOR_PHASES),
        (Machine::Host, "Hosts, by the task that is meant", HOST_PHASES),
    ] {
        matrix(out, document, machine, name, phases)?;
    }
    gaps(out, document)?;
    let conforms = match document.verdict {
        Verdict::Holds => format!("{GREEN}{BOLD}✓ every seed conforms{RESET}"),
        Verdict::Violated | Verdict::Stopped | Verdict::CutShort => {
            format!("{RED}{BOLD}✗ some seeds do not conform{RESET}: keygroups conform --seeds shows them")
        }
    };
    writeln!(
        out,
        "\n{conforms}\n  {} from {} on (faults: {}), {}, {:.1} s; {}, {:.1} s",
        counted(document.seeds, "seed"),
        document.first_seed,
        document.faults,
        counted(document.lines, "line"),
        document.seconds_simulation,
        counted(document.stories.len() as u64, "model"),
        document.seconds_model,
    )
}

fn line<K>(out: &mut impl Write, row: &Row<K>, name: &str, document: &Document) -> io::Result<()> {
    let simulation = match row.simulation {
        None => "not shown".to_owned(),
        Some(0) => "never".to_owned(),
        Some(count) => thousands(count),
    };
    let model = match row.model.len() {
        0 => "never".to_owned(),
        all if all == document.stories.len() => "all".to_owned(),
        _ => row.model.join(", "),
    };
    let colour = if row.in_simulation() && row.in_model() { "" } else { FAINT };
    writeln!(out, "{colour}  {name:width$}{simulation:>12}  {model}{RESET}", width = NAME - 2)
}

/// Who reaches a transition, as one sign.
fn sign(row: Option<&Row<Transition>>) -> char {
    match row.map(|row| (row.in_simulation(), row.in_model())) {
        Some((true, true)) => '●',
        Some((true, false)) => 's',
        Some((false, true)) => 'm',
        Some((false, false)) | None => '·',
    }
}

fn matrix(
    out: &mut impl Write,
    document: &Document,
    machine: Machine,
    name: &str,
    phases: &[&str],
) -> io::Result<()> {
    writeln!(out, "\n{BOLD}{name}{RESET}: what they hear, by where they stand")?;
    writeln!(out, "  ● both   s the simulation only   m the model only   · neither\n")?;
    let letters = || ('a'..='z').zip(phases);
    for chunk in letters().collect::<Vec<_>>().chunks(5) {
        let legend: Vec<_> = chunk.iter().map(|(letter, phase)| format!("{letter} {phase:<12}")).collect();
        writeln!(out, "  {}", legend.join("").trim_end())?;
    }
    let header: Vec<_> = letters().map(|(letter, _)| letter.to_string()).collect();
    writeln!(out, "\n  {:22}{}", "", header.join(" "))?;
    let of_machine = || document.transitions.iter().filter(|row| row.kind.machine == machine);
    let inputs: BTreeSet<_> = of_machine().map(|row| row.kind.input).collect();
    for input in inputs {
        let find = |phase: &str| of_machine().find(|row| row.kind.input == input && row.kind.phase == phase);
        let signs: Vec<_> = phases.iter().map(|phase| sign(find(phase)).to_string()).collect();
        writeln!(out, "  {input:22}{}", signs.join(" "))?;
    }
    Ok(())
}

fn gaps(out: &mut impl Write, document: &Document) -> io::Result<()> {
    let transition = |row: &Row<Transition>| {
        let Transition { machine, input, phase } = row.kind;
        let who = match machine {
            Machine::Coordinator => "coordinator",
            Machine::Host => "host",
        };
        format!("{who}, {phase}: {input}")
    };
    let mut lists: [(&str, Vec<String>); 3] = [
        ("Only in the simulation: gaps of the models", Vec::new()),
        ("Only in the models: the seeds never got there", Vec::new()),
        ("Never", Vec::new()),
    ];
    let mut add = |in_simulation: bool, in_model: bool, name: String| match (in_simulation, in_model) {
        (true, false) => lists[0].1.push(name),
        (false, true) => lists[1].1.push(name),
        (false, false) => lists[2].1.push(name),
        (true, true) => {}
    };
    for row in &document.actions {
        // What a trace does not show is no gap.
        let in_simulation = row.simulation.map_or(row.in_model(), |count| count > 0);
        add(in_simulation, row.in_model(), format!("action, {}", row.kind));
    }
    for row in &document.events {
        add(row.in_simulation(), row.in_model(), format!("event, {}", row.kind));
    }
    for row in &document.transitions {
        add(row.in_simulation(), row.in_model(), transition(row));
    }
    for (title, names) in lists {
        writeln!(out, "\n{BOLD}{title}{RESET} ({})", names.len())?;
        for name in names {
            writeln!(out, "  {name}")?;
        }
    }
    Ok(())
}
