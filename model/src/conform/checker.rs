//! Takes a trace line by line, and says no at the first step that the model would not allow.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use keygroups::protocol::{
    CoordinatorInput, HostId, HostInput, Incarnation,
    invariant::{self, Fact, JobView, Violation},
};

use super::{
    TraceError,
    coordinator::CoordinatorLife,
    host::HostLife,
    line::{Asked, Began, Closed, Line, What},
    rule::{Divergence, LIVES, OUTPUTS, Refusal, STORE, TIME},
    world::{Follows, World},
};
use crate::coverage::Machine;

/// The machines and the world that a trace is replayed in.
#[derive(Debug, Default)]
pub(super) struct Checker {
    pub(super) world: World,
    pub(super) counts: Counts,
    pub(super) coordinators: BTreeMap<Arc<str>, CoordinatorLife>,
    hosts: BTreeMap<Arc<str>, HostLife>,
    nonces: BTreeSet<u64>,
    incarnations: BTreeMap<HostId, Incarnation>,
    at_us: u64,
    // A machine has taken a step, and the view was not judged since.
    judge: bool,
}

/// What was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) inputs: u64,
    pub(super) facts: u64,
    pub(super) lives: u64,
}

/// What a line comes to.
pub(super) enum Verdict {
    Fine,
    Diverges(Divergence),
    Closed(Closed),
}

impl Checker {
    /// Takes the next line.
    pub(super) fn take(&mut self, line: Line<'_>) -> Result<Verdict, TraceError> {
        let (number, at_us) = (line.number, line.at_us);
        let node: Arc<str> = Arc::from(&*line.node);
        let (happened, outcome) = match line.what {
            What::Closed(closed) => {
                let outcome = self.nothing_is_due();
                match outcome {
                    Ok(()) => return Ok(Verdict::Closed(closed)),
                    Err(refusal) => ("the run ends".to_owned(), Err(refusal)),
                }
            }
            What::Input(fields) => match self.hosts.contains_key(&node) {
                true => {
                    let input: HostInput = fields.read()?;
                    (format!("← {input}"), self.host_hears(number, &node, input))
                }
                // Where nobody lives it does not matter whose it was.
                false if !self.coordinators.contains_key(&node) => {
                    ("an input is heard".to_owned(), LIVES.broken_by("no process lives there", []))
                }
                false => {
                    let input: CoordinatorInput = fields.read()?;
                    (format!("← {input}"), self.coordinator_hears(number, &node, input))
                }
            },
            What::Began(began) => ("a process begins".to_owned(), self.began(&node, *began)),
            What::Event(event) => (event.to_string(), self.happens(&node, &Follows::Event(event))),
            What::Fact(fact) => (fact.to_string(), self.fact(number, &node, &fact)),
            What::Requested(request) => (
                format!("{}: {} {}", request.by, request.operation, request.path),
                self.requested(number, &request),
            ),
            What::Damaged(damaged) => {
                (format!("{} is damaged", damaged.path), self.damaged(number, &damaged))
            }
            What::Asked(asked) => (asked.to_string(), self.asked(asked)),
            What::Crashed => ("crashes".to_owned(), self.crashed(&node)),
            What::Told => ("told".to_owned(), Ok(())),
        };
        let outcome = outcome.and_then(|()| self.settle(at_us));
        Ok(match outcome {
            Ok(()) => Verdict::Fine,
            Err(Refusal { rule, because, allowed }) => Verdict::Diverges(Divergence {
                line: number,
                at_us,
                node: node.to_string(),
                rule,
                happened,
                because: because.into_owned(),
                allowed,
            }),
        })
    }

    // Judges the machines once everything that follows from a step has happened, as the simulation does.
    fn settle(&mut self, at_us: u64) -> Result<(), Refusal> {
        if std::mem::replace(&mut self.at_us, at_us) > at_us {
            return TIME.broken();
        }
        if !self.judge || self.world.next().is_some() {
            return Ok(());
        }
        self.judge = false;
        let view = JobView {
            coordinators: self.coordinators.values().map(|life| &life.machine).collect(),
            hosts: self.hosts.values().map(|life| &life.machine).collect(),
            history: &self.world.history,
        };
        invariant::check(&view).map_err(violated)
    }

    pub(super) fn nothing_is_due(&self) -> Result<(), Refusal> {
        match self.world.next() {
            Some((node, follows)) => OUTPUTS.instead([format!("{node}: {follows}")]),
            None => Ok(()),
        }
    }

    fn began(&mut self, node: &Arc<str>, began: Began<'_>) -> Result<(), Refusal> {
        self.nothing_is_due()?;
        self.counts.lives += 1;
        if self.coordinators.contains_key(node) || self.hosts.contains_key(node) {
            return LIVES.broken_by("the life before has not ended", []);
        }
        match began {
            Began::Coordinator { id, nonce, options } => {
                if !self.nonces.insert(nonce) {
                    return LIVES.broken_by("another coordinator's process had the same nonce", []);
                }
                self.world.job.get_or_insert_with(|| options.job().clone());
                let life = CoordinatorLife::new(Arc::clone(node), id, nonce, options.into_owned());
                self.coordinators.insert(Arc::clone(node), life);
            }
            Began::Host { id, incarnation, slots } => {
                let before = self.incarnations.insert(id, incarnation);
                if let Some(before) = before.filter(|before| *before >= incarnation) {
                    return LIVES.broken_by(
                        format!("life {incarnation} of the host comes after life {before}"),
                        [format!("a life above {before}")],
                    );
                }
                self.hosts.insert(Arc::clone(node), HostLife::new(Arc::clone(node), id, incarnation, slots));
            }
        }
        Ok(())
    }

    fn crashed(&mut self, node: &Arc<str>) -> Result<(), Refusal> {
        self.nothing_is_due()?;
        if self.coordinators.remove(node).is_some() {
            self.world.tally.crashed(Machine::Coordinator);
        } else if self.hosts.remove(node).is_some() {
            self.world.tally.crashed(Machine::Host);
        } else {
            return LIVES.broken_by("no process lives there", []);
        }
        Ok(())
    }

    fn coordinator_hears(
        &mut self,
        now: u64,
        node: &Arc<str>,
        input: CoordinatorInput,
    ) -> Result<(), Refusal> {
        self.nothing_is_due()?;
        self.counts.inputs += 1;
        self.judge = true;
        let life = self.coordinators.get_mut(node).expect("the node was looked up");
        life.hear(now, input, &mut self.world)
    }

    fn host_hears(&mut self, now: u64, node: &Arc<str>, input: HostInput) -> Result<(), Refusal> {
        self.nothing_is_due()?;
        self.counts.inputs += 1;
        self.judge = true;
        let life = self.hosts.get_mut(node).expect("the node was looked up");
        life.hear(now, input, &mut self.world)
    }

    fn asked(&mut self, asked: Asked) -> Result<(), Refusal> {
        self.world.asked.insert(asked.parallelism);
        Ok(())
    }

    // Something that must be what comes next.
    fn happens(&mut self, node: &Arc<str>, happened: &Follows) -> Result<(), Refusal> {
        match self.world.next() {
            Some((expected, follows)) if expected == node && follows == happened => {
                self.world.take_next();
                Ok(())
            }
            _ => self.nothing_is_due().and_then(|()| OUTPUTS.instead(["nothing".to_owned()])),
        }
    }

    fn fact(&mut self, now: u64, node: &Arc<str>, fact: &Fact) -> Result<(), Refusal> {
        self.counts.facts += 1;
        match self.world.next() {
            Some((expected, follows)) if expected == node && follows.is(fact) => {
                let (_, follows) = self.world.take_next().expect("it was looked at");
                self.stored(now, node, fact, &follows)?;
            }
            Some(_) => return self.nothing_is_due(),
            None => match (fact, self.hosts.get_mut(node)) {
                (Fact::Restored { .. } | Fact::Frozen { .. }, Some(life)) => life.showed(fact)?,
                (
                    Fact::ManifestCreated(_)
                    | Fact::ManifestDeleted(_)
                    | Fact::ObjectWritten { .. }
                    | Fact::ObjectDeleted(_),
                    _,
                ) => return STORE.instead(["nothing: no request was carried out".to_owned()]),
                _ => return OUTPUTS.instead(["nothing".to_owned()]),
            },
        }
        self.world.history.record(fact).map_err(violated)
    }
}

fn violated(violation: Violation) -> Refusal {
    Refusal { rule: violation.invariant, because: violation.detail.into(), allowed: Vec::new() }
}
