//! A path through a model as a diagram: steps instead of time.

use keygroups_model::action::Action;
use serde_json::json;

use super::diagram::{Arrow, Band, Being, Diagram, Event, Kind, Lane, Mark, Unit};
use super::owners::{Holder, Owners};
use crate::model::{Block, Path, picture};
use crate::picture;

const FAULTS: usize = 0;
const MESSAGES: usize = 1;
const STORE: usize = 2;
const TIMERS: usize = 3;
const PROCESSES: usize = 4;

/// In the order of the constants.
fn kinds() -> Vec<Kind> {
    [
        ("faults", "what goes wrong, and what is broken at the end"),
        ("messages", "that arrive"),
        ("store", "what the store is asked, and answers"),
        ("timers", "of coordinators"),
        ("processes", "what tasks and users do on their own"),
    ]
    .map(|(name, about)| Kind { name, about, shown: true })
    .into()
}

/// Draws the picture of the path.
pub(super) fn diagram(path: &Path) -> Diagram {
    let picture = picture(path);
    let end = picture.rows.len() - usize::from(picture.broken.is_none());
    let mut owners = Owners::default();
    let mut events = Vec::new();
    for (row, it) in picture.rows.iter().enumerate() {
        let action = row.checked_sub(1).map(|index| &path.actions[index]);
        events.push(Event {
            at: row as u64,
            lane: lane(&picture, row),
            kind: action.map_or(PROCESSES, kind),
            weight: if it.fault { 6 } else { 1 },
            mark: it.marks.first().map_or(Mark::None, |(_, mark)| (*mark).into()),
            words: it.words.clone(),
        });
        owners.are(row, &holders(&it.owners));
    }
    if let Some((name, detail)) = &picture.broken {
        let (at, lane) = (end as u64, events.last().map_or(0, |event| event.lane));
        let words = format!("✗ broken: {name}: {detail}");
        events.push(Event { at, lane, kind: FAULTS, weight: 9, mark: Mark::Broken, words });
    }
    let kinds_of: Vec<_> = events.iter().map(|event| event.kind).collect();
    let arrow = |arrow: picture::Arrow| {
        let picture::Arrow { from, to, fate, words } = arrow;
        Arrow { from, to, kind: kinds_of[to.1], fate, words }
    };
    Diagram {
        unit: Unit::Steps,
        kinds: kinds(),
        spans: Vec::new(),
        bands: bands(&picture, end),
        key_groups: u32::try_from(picture.key_groups).unwrap_or(0),
        held: owners.until(end),
        moved: Vec::new(),
        broken: picture.broken.is_some().then_some(end),
        raw: raw(path, &events),
        events,
        arrows: picture.arrows.into_iter().map(arrow).collect(),
        lanes: picture.lanes.into_iter().map(Lane::from).collect(),
    }
}

fn kind(action: &Action) -> usize {
    match action {
        _ if action.is_fault() => FAULTS,
        Action::Deliver(_) => MESSAGES,
        Action::Store(..)
        | Action::Land(_)
        | Action::Restore(..)
        | Action::Upload(..)
        | Action::FailUpload(..) => STORE,
        Action::Fire(..) => TIMERS,
        _ => PROCESSES,
    }
}

/// Where a row's mark is, or the end of the arrow that the row is about.
fn lane(picture: &picture::Picture, row: usize) -> usize {
    let marked = picture.rows[row].marks.first().map(|(lane, _)| *lane);
    let heard =
        || picture.arrows.iter().find(|arrow| arrow.to.1 == row && arrow.fate != picture::Fate::NotHeard);
    marked.or_else(|| heard().map(|arrow| arrow.to.0)).unwrap_or(0)
}

/// Neighbouring key groups with the same owners are one.
fn holders(owners: &[Vec<picture::Owner>]) -> Vec<Holder> {
    let mut holders: Vec<Holder> = Vec::new();
    for (group, owners) in (0..).zip(owners) {
        for owner in owners {
            let last =
                holders.iter_mut().find(|holder| holder.words == owner.words && holder.groups.1 + 1 == group);
            match last {
                Some(holder) => holder.groups.1 = group,
                None => holders.push(Holder {
                    groups: (group, group),
                    subtask: owner.subtask,
                    processes: owner.processes,
                    words: owner.words.clone(),
                }),
            }
        }
    }
    holders
}

fn bands(picture: &picture::Picture, end: usize) -> Vec<Band> {
    let mut bands = Vec::new();
    for lane in 0..picture.lanes.len() {
        let is_active =
            |row: usize| picture.rows.get(row).is_some_and(|it| it.active.get(lane) == Some(&true));
        let mut from = None;
        for row in 0..=picture.rows.len() {
            match (is_active(row), from) {
                (true, None) => from = Some(row),
                (false, Some(since)) => {
                    bands.push(Band { lane, from: since, to: row.min(end), what: Being::Active });
                    from = None;
                }
                _ => {}
            }
        }
    }
    bands
}

/// For each step what it has changed.
fn raw(path: &Path, events: &[Event]) -> Vec<String> {
    let changes = |step: usize| {
        let world = path.worlds.get(step)?;
        let before = step.checked_sub(1).map(|before| &path.worlds[before]);
        Some(Block::of(world, before).changes())
    };
    let document = |step: usize| json!({ "step": step, "changes": changes(step).unwrap_or_default() });
    (0..events.len()).map(|step| document(step).to_string()).collect()
}

impl From<picture::Lane> for Lane {
    fn from(lane: picture::Lane) -> Self {
        let kind = match lane.kind {
            picture::Kind::Store => "store",
            picture::Kind::Coordinator => "coordinator",
            picture::Kind::Host => "host",
        };
        Self { name: lane.name, kind }
    }
}

impl From<picture::Mark> for Mark {
    fn from(mark: picture::Mark) -> Self {
        match mark {
            picture::Mark::Dot => Self::Dot,
            picture::Mark::Timer => Self::Timer,
            picture::Mark::Fault => Self::Fault,
            picture::Mark::Crash => Self::Crash,
        }
    }
}
