//! A state as a short block of text in which changes can be marked.

use std::fmt;

use keygroups::checkpoint::JobStatus;
use keygroups_model::action::Action;
use keygroups_model::process::{CoordinatorProcess, HostProcess};
use keygroups_model::store::{Object, Store};
use keygroups_model::world::World;

use super::telling::phase;
use crate::picture::escaped;

/// A state: a name and a few short statements in each line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block(Vec<Line>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    name: String,
    // Each with whether the state before did not say so.
    says: Vec<(String, bool)>,
}

impl Block {
    /// The state, with what `before` did not say marked.
    pub(crate) fn of(world: &World, before: Option<&World>) -> Self {
        let mut block = lines(world);
        let before = before.map(lines).unwrap_or_else(|| block.clone());
        for line in &mut block {
            let old = before.iter().find(|old| old.name == line.name);
            for (text, changed) in &mut line.says {
                *changed = !old.is_some_and(|old| old.says.iter().any(|(said, _)| said == text));
            }
        }
        Self(block)
    }

    /// What is new, one line for each part of the state.
    pub(crate) fn changes(&self) -> Vec<String> {
        let new = |line: &Line| {
            let says = line.says.iter().filter(|(_, changed)| *changed);
            let says: Vec<_> = says.map(|(text, _)| text.as_str()).collect();
            (!says.is_empty()).then(|| format!("{}: {}", line.name.trim_start(), says.join("; ")))
        };
        self.0.iter().filter_map(new).collect()
    }

    pub(crate) fn html(&self) -> String {
        use fmt::Write as _;
        let mut html = String::from("<dl class=\"state\">");
        for line in &self.0 {
            let class = if line.says.iter().any(|(_, changed)| *changed) { " class=\"changed\"" } else { "" };
            let _ = write!(html, "<dt{class}>{}</dt><dd>", escaped(&line.name));
            for (text, changed) in &line.says {
                let tag = if *changed { "mark" } else { "span" };
                let _ = write!(html, "<{tag}>{}</{tag}>", escaped(text));
            }
            html.push_str("</dd>");
        }
        html.push_str("</dl>");
        html
    }
}

/// Without marks: what a debug dump would be too long for.
impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.0 {
            let says: Vec<_> = line.says.iter().map(|(text, _)| text.as_str()).collect();
            writeln!(f, "{:16}{}", line.name, says.join("; "))?;
        }
        Ok(())
    }
}

fn lines(world: &World) -> Vec<Line> {
    let mut lines: Vec<_> = world.coordinators.iter().flat_map(|process| coordinator(process)).collect();
    lines.extend(world.hosts.iter().flat_map(|process| host(process)));
    lines.push(store(&world.store));
    let late: Vec<_> = world.late.iter().map(ToString::to_string).collect();
    if !late.is_empty() {
        lines.push(line("may still land", late));
    }
    lines.push(line("messages", vec![format!("{} different ones were sent", world.network.len())]));
    let left = budget(world);
    lines.push(line(
        "may happen",
        if left.is_empty() { vec!["nothing more goes wrong".into()] } else { left },
    ));
    if let Some(violation) = &world.violation {
        lines.push(line("broken", vec![violation.invariant.to_owned(), violation.detail.clone()]));
    }
    lines
}

fn line(name: impl Into<String>, says: Vec<String>) -> Line {
    Line { name: name.into(), says: says.into_iter().map(|text| (text, false)).collect() }
}

fn coordinator(process: &CoordinatorProcess) -> Vec<Line> {
    let machine = &process.machine;
    let mut says = vec![match machine.leads() {
        Some(epoch) => format!("leads epoch {epoch}"),
        None => "does not lead".to_owned(),
    }];
    says.extend(machine.manifest().map(|manifest| format!("knows manifest {}", manifest.version)));
    says.extend(machine.running().map(|attempt| format!("attempt {attempt}")));
    says.extend(machine.pending_checkpoint().map(|checkpoint| format!("checkpoint {checkpoint} pending")));
    says.extend(process.requests.iter().map(|request| format!("asks the store: {request}")));
    if process.crashes > 0 {
        says.push(format!("has crashed {}×", process.crashes));
    }
    // What a timer does is said by the action that it fires.
    let timers = process.timers.iter().map(|timer| {
        let words = Action::Fire(machine.id(), *timer).to_string();
        words.split_once(": ").map_or(words.as_str(), |(_, what)| what).to_owned()
    });
    let timers = line(format!("  timers of {}", machine.id()), timers.collect());
    let own = line(format!("coordinator {}", machine.id()), says);
    if timers.says.is_empty() { vec![own] } else { vec![own, timers] }
}

fn host(process: &HostProcess) -> Vec<Line> {
    let machine = &process.machine;
    let life = match machine.incarnation().0 {
        1 => "first life".to_owned(),
        life => format!("life {life}"),
    };
    let tasks = machine.tasks().count();
    let tasks = if tasks == 0 { vec![life, "no task".into()] } else { vec![life] };
    let mut lines = vec![line(format!("host {}", machine.id()), tasks)];
    for (id, task) in machine.tasks() {
        let deployment = task.deployment();
        let mut says = vec![phase(task.phase()).to_owned(), format!("attempt {}", deployment.attempt)];
        says.extend(deployment.key_groups.map(|groups| format!("key groups {groups}")));
        if task.confirmed().0 > 0 {
            says.push(format!("knows checkpoint {} is committed", task.confirmed()));
        }
        if let Some(engine) = process.tasks.get(id) {
            let records: usize = engine.groups().values().map(Vec::len).sum();
            if deployment.key_groups.is_some() {
                says.push(format!("{records} record{} in state", if records == 1 { "" } else { "s" }));
            }
            let senders = deployment.layout.tasks.len() as u32;
            says.extend((0..senders).filter_map(|channel| {
                let (from, element) = engine.front(channel)?;
                Some(format!("next from {from}: {element}"))
            }));
            says.extend(engine.uploads.keys().map(|checkpoint| format!("uploads checkpoint {checkpoint}")));
        }
        lines.push(line(format!("  task {id}"), says));
    }
    lines
}

fn store(store: &Store) -> Line {
    let mut says = Vec::new();
    if let (Some((first, _)), Some((last, newest))) =
        (store.manifests.first_key_value(), store.manifests.last_key_value())
    {
        says.push(match first == last {
            true => format!("manifest {last}"),
            false => format!("manifests {first}–{last}"),
        });
        says.push(format!("epoch {}", newest.epoch));
        says.push(format!("parallelism {}", newest.desired_parallelism));
        says.push(match newest.newest_checkpoint_id().0 {
            0 => "no checkpoint".to_owned(),
            checkpoint => format!("checkpoint {checkpoint}"),
        });
        if newest.status == JobStatus::Finished {
            says.push("job finished".into());
        }
    } else {
        says.push("no manifest".into());
    }
    let count = |kind: fn(&Object) -> bool| store.objects.values().filter(|object| kind(object)).count();
    let snapshots = count(|object| matches!(object, Object::State { .. }));
    let outputs = count(|object| matches!(object, Object::Output(_)));
    for (count, noun) in [(snapshots, "snapshot"), (outputs, "output")] {
        if count > 0 {
            says.push(format!("{count} {noun}{}", if count == 1 { "" } else { "s" }));
        }
    }
    line("store", says)
}

fn budget(world: &World) -> Vec<String> {
    let budget = world.budget;
    let all = [
        (budget.campaigns, "campaign"),
        (budget.checkpoints, "checkpoint"),
        (budget.expiries, "expiry"),
        (budget.rescales, "rescale"),
        (budget.sweeps, "sweep"),
        (budget.host_crashes, "host crash"),
        (budget.coordinator_crashes, "coordinator crash"),
        (budget.host_suspicions, "false suspicion"),
        (budget.store_faults, "store fault"),
        (budget.upload_failures, "failing upload"),
        (budget.task_failures, "failing task"),
        (budget.heartbeats, "heartbeat"),
    ];
    all.iter().filter(|(left, _)| *left > 0).map(|(left, noun)| format!("{left}× {noun}")).collect()
}
