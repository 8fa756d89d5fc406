//! A run as a story: who decided what, which fault hit when, which key groups moved. What is ordinary
//! is gathered in one line; `keygroups replay` shows everything.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::Arc;

use keygroups::checkpoint::{Attempt, CheckpointId, LeaderEpoch, TaskId};
use keygroups::key_group::{MaxParallelism, Parallelism};
use keygroups::protocol::{Event, HostId, RefusalReason};
use keygroups::rescale::RescalePlan;
use keygroups_model::conform::Asked;
use keygroups_sim::cluster::Restored;
use keygroups_sim::trace::TraceEvent;

use super::style::{BOLD, FAINT, NAME, RED, RESET, TIME, counted, seconds, thousands};
use crate::plan::text::bars;

pub(crate) struct Story {
    lines: Vec<Line>,
    max_parallelism: MaxParallelism,
    deployed: BTreeMap<Attempt, Parallelism>,
    restored: BTreeMap<Attempt, BTreeMap<TaskId, Restored>>,
    // The parallelism that ran last.
    ran: Option<Parallelism>,
    // Who was elected and has not heard of a successor; and the newest epoch.
    leaders: BTreeMap<Arc<str>, LeaderEpoch>,
    epoch: LeaderEpoch,
}

struct Line {
    at_us: u64,
    node: Arc<str>,
    what: What,
}

enum What {
    Decision(String),
    /// What others follow from.
    Turn(String),
    Fault(String),
    /// The end of a fault.
    Relief(String),
    /// Several lines of drawing below a decision.
    Runs(String, String),
    /// Checkpoints committed with nothing worth telling in between.
    Committed {
        first: CheckpointId,
        last: CheckpointId,
        until_us: u64,
    },
    /// Hosts that a leader heard of one after the other.
    Joined(Vec<HostId>, u64),
}

impl Story {
    pub(crate) fn of(events: &[TraceEvent], max_parallelism: MaxParallelism) -> Self {
        let mut story = Self {
            lines: Vec::new(),
            max_parallelism,
            deployed: BTreeMap::new(),
            restored: BTreeMap::new(),
            ran: None,
            leaders: BTreeMap::new(),
            epoch: LeaderEpoch::default(),
        };
        for event in events {
            story.add(event);
        }
        story
    }

    fn add(&mut self, event: &TraceEvent) {
        let what = match event.kind {
            "event" => {
                if let Ok(decision) = serde_json::from_value(event.fields.clone()) {
                    self.decided(event, &decision);
                }
                return;
            }
            "restored" => {
                if let Ok(restored) = serde_json::from_value::<Restored>(event.fields.clone()) {
                    self.restored.entry(restored.attempt).or_default().insert(restored.task, restored);
                }
                return;
            }
            "fault-begins" => What::Fault(event.fields["text"].as_str().unwrap_or_default().to_owned()),
            "surroundings" => match event.fields["text"].as_str() {
                Some(text) => What::Fault(text.to_owned()),
                None => return,
            },
            "asks" => match serde_json::from_value::<Asked>(event.fields.clone()) {
                Ok(asked) => What::Turn(asked.to_string()),
                Err(_) => return,
            },
            "request" => match manifest_in_doubt(event) {
                Some(text) => What::Fault(text),
                None => return,
            },
            "healed" => What::Relief("all faults are over".to_owned()),
            "restarted" => {
                self.leaders.remove(&event.node);
                What::Relief("starts again, with nothing in memory".to_owned())
            }
            "resumed" => What::Relief(match self.leaders.get(&event.node) {
                Some(epoch) if *epoch < self.epoch => {
                    format!("goes on, a zombie: it takes itself for the leader of epoch {epoch}")
                }
                _ => "goes on, not knowing that time has passed".to_owned(),
            }),
            _ => return,
        };
        self.tell(event, what);
    }

    fn decided(&mut self, event: &TraceEvent, decision: &Event) {
        let words = decision.to_string();
        let what = match decision {
            Event::Elected { epoch, .. } => {
                self.leaders.insert(event.node.clone(), *epoch);
                self.epoch = self.epoch.max(*epoch);
                What::Turn(words)
            }
            Event::Deposed { .. } => {
                self.leaders.remove(&event.node);
                What::Turn(words)
            }
            Event::HostJoined { host, slots } => {
                let slots = u64::from(*slots);
                if !self.leads(event) {
                    return;
                }
                match self.lines.last_mut() {
                    Some(Line { node, what: What::Joined(hosts, all), .. }) if *node == event.node => {
                        hosts.push(*host);
                        *all += slots;
                        return;
                    }
                    _ => What::Joined(vec![*host], slots),
                }
            }
            Event::Deployed { attempt, parallelism, .. } => {
                self.deployed.insert(*attempt, *parallelism);
                What::Decision(words)
            }
            Event::Running { attempt } => self.runs(*attempt),
            Event::Triggered { attempt, checkpoint, stop: true } => {
                What::Decision(format!("stops attempt {attempt} with checkpoint {checkpoint}"))
            }
            Event::Committed { checkpoint, .. } => match self.lines.last_mut() {
                Some(Line { node, what: What::Committed { last, until_us, .. }, .. })
                    if *node == event.node =>
                {
                    (*last, *until_us) = (*checkpoint, event.at_us);
                    return;
                }
                _ => What::Committed { first: *checkpoint, last: *checkpoint, until_us: event.at_us },
            },
            Event::Restarting { .. } | Event::RescaleAccepted { .. } | Event::Finished { .. } => {
                What::Turn(words)
            }
            // Standbys and zombies hear of hosts too, and users ask every coordinator: they know no leader.
            Event::HostLost { .. } if !self.leads(event) => return,
            Event::RescaleRefused { reason: RefusalReason::NotLeader, .. }
            | Event::Campaigned
            | Event::AllReady { .. }
            | Event::Triggered { stop: false, .. }
            | Event::AllAcknowledged { .. }
            | Event::Collected { .. } => return,
            // A zombie may give up an id that its successor has committed.
            Event::Aborted { attempt, checkpoint, reason } => {
                What::Decision(format!("gives up checkpoint {checkpoint} of attempt {attempt}: {reason}"))
            }
            Event::HostLost { .. }
            | Event::WaitingForSlots { .. }
            | Event::RescaleRefused { .. }
            | Event::JobRefused
            | Event::ManifestUnreadable
            | Event::CannotRestore { .. }
            | Event::ConservationViolated { .. } => What::Decision(words),
        };
        self.tell(event, what);
    }

    /// All tasks of an attempt process: what they restored, and who owns what now.
    fn runs(&mut self, attempt: Attempt) -> What {
        let Some(&parallelism) = self.deployed.get(&attempt) else {
            return What::Turn(format!("attempt {attempt} runs"));
        };
        let mut text = format!("attempt {attempt} runs at parallelism {parallelism}");
        let restored = self.restored.remove(&attempt).unwrap_or_default();
        if !restored.is_empty() {
            let sum = |of: fn(&Restored) -> u64| restored.values().map(of).sum::<u64>();
            let _ = write!(
                text,
                ": restored {}, {} bytes read for {} owned",
                counted(sum(|r| r.entries), "key"),
                thousands(sum(|r| r.bytes_read)),
                thousands(sum(|r| r.bytes_owned)),
            );
        }
        let before = self.ran.replace(parallelism).filter(|before| *before != parallelism);
        let plan =
            before.and_then(|before| RescalePlan::between(self.max_parallelism, before, parallelism).ok());
        let mut drawing = String::new();
        if let Some(plan) = plan {
            let _ = writeln!(
                drawing,
                "parallelism {} → {}: {} of {} move",
                plan.from(),
                plan.to(),
                thousands(plan.moved_key_groups() as u64),
                counted(self.max_parallelism.get(), "key group"),
            );
            bars(&mut drawing, &plan);
        }
        What::Runs(text, drawing)
    }

    /// Whether whoever says this leads, and nobody leads a later epoch.
    fn leads(&self, event: &TraceEvent) -> bool {
        self.leaders.get(&event.node) == Some(&self.epoch)
    }

    fn tell(&mut self, event: &TraceEvent, what: What) {
        self.lines.push(Line { at_us: event.at_us, node: event.node.clone(), what });
    }
}

/// A manifest whose creator cannot know whether it exists.
fn manifest_in_doubt(event: &TraceEvent) -> Option<String> {
    let field = |name: &str| event.fields.get(name)?.as_str();
    let (by, path) = (field("by")?, field("path")?);
    let what = match field("fate")? {
        _ if field("operation")? != "put" || !path.contains("/manifest/") => return None,
        "swallowed" => "is lost on its way",
        "refused" | "slow-down" | "full" => "is refused",
        "failed" => "fails without effect",
        "failed-after-effect" => "takes effect, but the answer is an error",
        "held-up" => "is held up and may still arrive",
        "unanswered" | "reply-lost" => "takes effect, but the answer is lost",
        _ => return None,
    };
    Some(format!("{path} by {by} {what}"))
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| line.fmt(f))
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{FAINT}{:>TIME$}{RESET}  ", seconds(self.at_us))?;
        let node = &*self.node;
        match &self.what {
            What::Decision(text) => writeln!(f, "{node:NAME$}  {text}"),
            What::Turn(text) => writeln!(f, "{node:NAME$}  {BOLD}{text}{RESET}"),
            What::Fault(text) => writeln!(f, "{RED}{:NAME$}  ✗ {text}{RESET}", ""),
            What::Relief(text) => writeln!(f, "{node:NAME$}  {FAINT}{text}{RESET}"),
            What::Committed { first, last, .. } if first == last => {
                writeln!(f, "{node:NAME$}  {FAINT}commits checkpoint {first}{RESET}")
            }
            What::Committed { first, last, until_us } => {
                let until = seconds(*until_us);
                let until = until.trim_start();
                writeln!(
                    f,
                    "{node:NAME$}  {FAINT}commits checkpoints {first} to {last}, until {until}{RESET}"
                )
            }
            What::Joined(hosts, slots) => {
                let hosts: Vec<_> = hosts.iter().map(ToString::to_string).collect();
                let noun = if hosts.len() == 1 { "host" } else { "hosts" };
                let slots = counted(*slots, "slot");
                writeln!(f, "{node:NAME$}  {FAINT}hears of {noun} {} with {slots}{RESET}", hosts.join(", "))
            }
            What::Runs(text, drawing) => {
                writeln!(f, "{node:NAME$}  {BOLD}{text}{RESET}")?;
                if !drawing.is_empty() {
                    writeln!(f)?;
                }
                for line in drawing.lines() {
                    writeln!(f, "{:1$}{line}", "", if line.is_empty() { 0 } else { TIME + NAME + 4 })?;
                }
                Ok(())
            }
        }
    }
}
