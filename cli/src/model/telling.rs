//! A path of the model as a picture.

use std::collections::BTreeMap;
use std::sync::Arc;

use keygroups::key_group::KeyGroup;
use keygroups::protocol::{CoordinatorId, HostId, TaskPhase, ToCoordinator};
use keygroups_model::action::{Action, Ending};
use keygroups_model::network::Message;
use keygroups_model::store::Request;
use keygroups_model::world::World;
use stateright::Model;

use super::Path;
use crate::picture::{Arrow, Fate, Kind, Lane, Mark, Owner, Picture, Row};

/// Draws the whole path.
pub(crate) fn picture(path: &Path) -> Picture {
    let (mut telling, rows) = tell(path);
    telling.unheard();
    let violation = path.last().violation.as_ref();
    Picture {
        lanes: telling.lanes.all(path.last()),
        key_groups: key_groups(path),
        rows,
        arrows: telling.arrows,
        broken: violation.map(|violation| (violation.invariant.to_owned(), violation.detail.clone())),
    }
}

/// A step that changes the last state of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Next {
    /// Among the actions of the state.
    pub(crate) position: usize,
    pub(crate) words: String,
    pub(crate) group: Group,
    /// The invariant that it breaks.
    pub(crate) breaks: Option<&'static str>,
}

/// What kind of thing happens, in the order in which people look for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    Message,
    Store,
    Coordinator,
    Host,
    Fault,
    /// A message that was heard on this path already.
    Repeated,
}

/// What can happen after the path.
pub(crate) fn next(path: &Path) -> Vec<Next> {
    let (telling, _) = tell(path);
    let steps = path.possible().into_iter().enumerate().filter_map(|(position, action)| {
        let reached = path.model.next_state(path.last(), action.clone())?;
        let group = match &action {
            Action::Deliver(message) => match telling.sent.get(message) {
                Some(sent) if sent.heard => Group::Repeated,
                _ => Group::Message,
            },
            fault if fault.is_fault() => Group::Fault,
            Action::Store(..) | Action::Land(_) => Group::Store,
            Action::Fire(..) | Action::Rescale(..) | Action::CrashCoordinator(_) => Group::Coordinator,
            Action::Heartbeat(_)
            | Action::Restore(..)
            | Action::Read(..)
            | Action::Take { .. }
            | Action::Upload(..)
            | Action::FailUpload(..)
            | Action::FailTask(..)
            | Action::CrashHost(_) => Group::Host,
        };
        let breaks = reached.violation.map(|violation| violation.invariant);
        Some(Next { position, words: telling.words(&action), group, breaks })
    });
    let mut steps: Vec<_> = steps.collect();
    steps.sort_by_key(|step| (step.group, step.position));
    steps
}

fn key_groups(path: &Path) -> usize {
    if path.model.story().counting { path.model.story().max_parallelism as usize } else { 0 }
}

fn tell(path: &Path) -> (Telling<'_>, Vec<Row>) {
    let lanes = Lanes { coordinators: path.last().coordinators.len() };
    let key_groups = key_groups(path);
    let mut telling =
        Telling { lanes, path, sent: BTreeMap::new(), late: BTreeMap::new(), arrows: Vec::new() };
    let mut rows = vec![Row {
        words: "all processes have just come up".into(),
        fault: false,
        marks: Vec::new(),
        active: lanes.active(&path.worlds[0]),
        owners: owners(&path.worlds[0], key_groups),
    }];
    telling.notice(None, &path.worlds[0], 0);
    for (index, action) in path.actions.iter().enumerate() {
        let (row, before, after) = (index + 1, &path.worlds[index], &path.worlds[index + 1]);
        let marks = telling.step(action, before, row);
        rows.push(Row {
            words: telling.words(action),
            fault: action.is_fault(),
            marks,
            active: lanes.active(after),
            owners: owners(after, key_groups),
        });
        telling.notice(Some(action), after, row);
    }
    (telling, rows)
}

/// The store, then coordinators, then hosts.
#[derive(Clone, Copy)]
struct Lanes {
    coordinators: usize,
}

const STORE: usize = 0;

impl Lanes {
    fn coordinator(self, id: CoordinatorId) -> usize {
        1 + usize::from(id.0)
    }

    fn host(self, id: HostId) -> usize {
        1 + self.coordinators + usize::from(id.0)
    }

    fn all(self, world: &World) -> Vec<Lane> {
        let coordinators = world.coordinators.iter().map(|process| Lane {
            name: format!("coordinator {}", process.machine.id()),
            kind: Kind::Coordinator,
        });
        let hosts = world
            .hosts
            .iter()
            .map(|process| Lane { name: format!("host {}", process.machine.id()), kind: Kind::Host });
        [Lane { name: "store".into(), kind: Kind::Store }]
            .into_iter()
            .chain(coordinators)
            .chain(hosts)
            .collect()
    }

    fn active(self, world: &World) -> Vec<bool> {
        let leads = world.coordinators.iter().map(|process| process.machine.leads().is_some());
        let runs = world
            .hosts
            .iter()
            .map(|process| process.machine.tasks().any(|(_, task)| task.phase() == TaskPhase::Running));
        [false].into_iter().chain(leads).chain(runs).collect()
    }

    /// Who does it; `None` for the store and the user.
    fn actor(self, action: &Action) -> Option<usize> {
        match action {
            Action::Fire(id, _)
            | Action::Rescale(id, _)
            | Action::Store(id, ..)
            | Action::CrashCoordinator(id) => Some(self.coordinator(*id)),
            Action::Heartbeat(host)
            | Action::Restore(host, _)
            | Action::Read(host, _)
            | Action::Take { host, .. }
            | Action::Upload(host, ..)
            | Action::FailUpload(host, ..)
            | Action::FailTask(host, _)
            | Action::CrashHost(host) => Some(self.host(*host)),
            Action::Deliver(message) => Some(self.receiver(message)),
            Action::Land(_) => None,
        }
    }

    fn receiver(self, message: &Message) -> usize {
        match message {
            Message::ToHost(host, _) => self.host(*host),
            Message::ToCoordinator(id, _) | Message::ToPeer(id, _) => self.coordinator(*id),
        }
    }

    /// Who sent a message that no step of the path has sent: a host, when it came up.
    fn first_sender(self, message: &Message) -> Option<usize> {
        match message {
            Message::ToCoordinator(_, ToCoordinator::Register { host, .. }) => Some(self.host(*host)),
            Message::ToCoordinator(..) | Message::ToHost(..) | Message::ToPeer(..) => None,
        }
    }
}

struct Sent {
    from: (usize, usize),
    heard: bool,
}

struct Telling<'a> {
    lanes: Lanes,
    path: &'a Path,
    sent: BTreeMap<Arc<Message>, Sent>,
    // Since when a request may land late, and whose it is.
    late: BTreeMap<Request, (usize, usize)>,
    arrows: Vec<Arrow>,
}

impl Telling<'_> {
    fn words(&self, action: &Action) -> String {
        match action {
            Action::Deliver(message) => {
                let sender = self.sent.get(message).map(|sent| sent.from.0);
                match sender.and_then(|lane| self.lanes.all(self.path.last()).into_iter().nth(lane)) {
                    Some(lane) => format!("{} {action}", lane.name),
                    None => action.to_string(),
                }
            }
            _ => action.to_string(),
        }
    }

    /// Draws what the step itself does.
    fn step(&mut self, action: &Action, before: &World, row: usize) -> Vec<(usize, Mark)> {
        let lanes = self.lanes;
        let actor = lanes.actor(action).unwrap_or(STORE);
        let mut arrow = |from, to, fate| {
            self.arrows.push(Arrow { from, to, fate, words: action.to_string() });
        };
        let mark = match action {
            Action::Fire(..) if action.is_fault() => Mark::Fault,
            Action::Fire(..) => Mark::Timer,
            Action::Deliver(message) => {
                let to = (lanes.receiver(message), row);
                if let Some(sent) = self.sent.get_mut(message) {
                    sent.heard = true;
                    arrow(sent.from, to, Fate::Arrives);
                }
                return Vec::new();
            }
            Action::Store(id, _, ending) => {
                let from = (lanes.coordinator(*id), row);
                let fate = match ending {
                    Ending::Answered => Fate::Answered,
                    Ending::AnswerLost => Fate::AnswerLost,
                    Ending::Delayed | Ending::Refused => Fate::Lost,
                };
                arrow(from, (STORE, row), fate);
                return Vec::new();
            }
            Action::Land(request) => {
                if let Some(from) = self.late.get(request) {
                    arrow(*from, (STORE, row), Fate::Late);
                }
                Mark::Dot
            }
            Action::Restore(host, _) => {
                arrow((STORE, row), (lanes.host(*host), row), Fate::Arrives);
                return Vec::new();
            }
            Action::Upload(host, ..) => {
                arrow((lanes.host(*host), row), (STORE, row), Fate::Arrives);
                return Vec::new();
            }
            Action::FailUpload(host, ..) => {
                arrow((lanes.host(*host), row), (STORE, row), Fate::Lost);
                return Vec::new();
            }
            Action::Take { host, task, from, .. } => {
                let process = before.hosts.get(usize::from(host.0));
                let layout = process.and_then(|process| Some(&process.tasks.get(task)?.deployment.layout));
                let sender = layout.and_then(|layout| layout.tasks.get(from));
                if let Some(sender) = sender.filter(|sender| *sender != host) {
                    arrow((lanes.host(*sender), row), (lanes.host(*host), row), Fate::Arrives);
                    return Vec::new();
                }
                Mark::Dot
            }
            Action::Heartbeat(_) | Action::Read(..) | Action::Rescale(..) => Mark::Dot,
            Action::FailTask(..) => Mark::Fault,
            Action::CrashHost(_) | Action::CrashCoordinator(_) => Mark::Crash,
        };
        vec![(actor, mark)]
    }

    /// Remembers what the step has sent, and what it has left to itself.
    fn notice(&mut self, step: Option<&Action>, after: &World, row: usize) {
        let actor = step.and_then(|action| self.lanes.actor(action));
        for message in after.network.iter() {
            let sender = actor.or_else(|| self.lanes.first_sender(message));
            if let (Some(lane), false) = (sender, self.sent.contains_key(message)) {
                self.sent.insert(Arc::clone(message), Sent { from: (lane, row), heard: false });
            }
        }
        self.late.retain(|request, _| after.late.contains(request));
        for request in after.late.iter() {
            if let Some(lane) = actor {
                self.late.entry(request.clone()).or_insert((lane, row));
            }
        }
    }

    /// One stub for each pair of sender and receiver in each row.
    fn unheard(&mut self) {
        let mut stubs: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for (message, sent) in self.sent.iter().filter(|(_, sent)| !sent.heard) {
            let words = Action::Deliver(Arc::clone(message)).to_string();
            stubs.entry((sent.from, self.lanes.receiver(message))).or_default().push(words);
        }
        for ((from, receiver), words) in stubs {
            let words = format!("not heard on this path: {}", words.join("; "));
            self.arrows.push(Arrow { from, to: (receiver, from.1), fate: Fate::NotHeard, words });
        }
    }
}

fn owners(world: &World, key_groups: usize) -> Vec<Vec<Owner>> {
    let mut owners = vec![Vec::new(); key_groups];
    for process in &world.hosts {
        for (id, task) in process.machine.tasks() {
            let Some(range) = task.deployment().key_groups else { continue };
            let phase = phase(task.phase());
            let owner = Owner {
                subtask: id.subtask.index(),
                words: format!(
                    "task {id} of attempt {} on host {}, {phase}",
                    task.deployment().attempt,
                    process.machine.id()
                ),
                processes: task.phase() == TaskPhase::Running,
            };
            for (group, owners) in (0..).zip(&mut owners) {
                if range.contains(KeyGroup(group)) {
                    owners.push(owner.clone());
                }
            }
        }
    }
    owners
}

/// A phase in one word.
pub(super) fn phase(phase: TaskPhase) -> &'static str {
    match phase {
        TaskPhase::Restoring => "restoring",
        TaskPhase::Ready { .. } => "ready",
        TaskPhase::Running => "running",
        TaskPhase::Stopped => "stopped",
        TaskPhase::Failed { .. } => "failed",
    }
}
