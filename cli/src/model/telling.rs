//! A path of the model as a picture.

use std::collections::BTreeMap;
use std::sync::Arc;

use keygroups::key_group::KeyGroup;
use keygroups::protocol::TaskPhase;
use keygroups_model::action::{Action, Ending};
use keygroups_model::network::Message;
use keygroups_model::store::Request;
use keygroups_model::world::World;

use super::Path;
use super::lanes::{Lanes, STORE};
use crate::picture::{Arrow, Fate, Mark, Owner, Picture, Row};

/// Draws the whole path.
pub(crate) fn picture(path: &Path) -> Picture {
    let (mut telling, rows) = tell(path);
    telling.unheard();
    let violation = path.broken();
    Picture {
        lanes: telling.lanes.all(path.last()),
        key_groups: key_groups(path),
        rows,
        arrows: telling.arrows,
        broken: violation.map(|violation| (violation.invariant.to_owned(), violation.detail.clone())),
    }
}

fn key_groups(path: &Path) -> usize {
    if path.model.story().counting { path.model.story().max_parallelism as usize } else { 0 }
}

pub(super) fn tell(path: &Path) -> (Telling<'_>, Vec<Row>) {
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

struct Sent {
    from: (usize, usize),
    heard: bool,
}

pub(super) struct Telling<'a> {
    lanes: Lanes,
    path: &'a Path,
    sent: BTreeMap<Arc<Message>, Sent>,
    // Since when a request may land late, and whose it is.
    late: BTreeMap<Request, (usize, usize)>,
    arrows: Vec<Arrow>,
}

impl Telling<'_> {
    /// Whether a message was heard on the path.
    pub(super) fn was_heard(&self, message: &Message) -> bool {
        self.sent.get(message).is_some_and(|sent| sent.heard)
    }

    /// The action in words, with who sent the message that arrives.
    pub(super) fn words(&self, action: &Action) -> String {
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
            Action::FailRestore(host, _) => {
                arrow((STORE, row), (lanes.host(*host), row), Fate::Lost);
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
pub(crate) fn phase(phase: TaskPhase) -> &'static str {
    match phase {
        TaskPhase::Restoring => "restoring",
        TaskPhase::Ready { .. } => "ready",
        TaskPhase::Running => "running",
        TaskPhase::Stopped => "stopped",
        TaskPhase::Failed { .. } => "failed",
    }
}
