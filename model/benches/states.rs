//! How many states a second: the model `rescale` of the bound `ci` through its own search and through
//! stateright's, and two-phase commit through stateright's in the same session, so that the ratio means
//! something.
//!
//! Each row is a process of its own, so that no row uses tables or memory that another has filled.

use std::{
    collections::BTreeSet,
    env,
    fmt::Debug,
    fs,
    hash::Hash,
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use keygroups_model::{Bound, interned::Interned, model::JobModel, story::Story, survey::survey_interned};
use stateright::{Checker, Model, Property};

type Search = fn(usize) -> Row;

const ROWS: &[(&str, Search)] = &[
    ("rescale, level by level", by_level),
    ("rescale unreduced, level by level, 3 million states", unreduced),
    ("rescale, stateright depth first", depth_first),
    ("rescale, stateright depth first, known values", depth_first_again),
    ("checkpoint, stateright depth first, known values", larger_depth_first_again),
    ("two-phase commit, 8 managers, stateright depth first", two_phase_commit),
];

/// An odd number has a median.
const RUNS: usize = 3;

struct Row {
    unique: usize,
    took: Duration,
    /// What the search itself holds, if that can be told from what the model holds.
    bytes: Option<u64>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().collect();
    if let [_, row, threads] = &*arguments
        && let (Ok(row), Ok(threads)) = (row.parse::<usize>(), threads.parse())
    {
        let Row { unique, took, bytes } = ROWS[row].1(threads);
        println!("{unique} {} {}", took.as_nanos(), bytes.unwrap_or(0));
        return ExitCode::SUCCESS;
    }
    println!(
        "{:54} {:>7} {:>11} {:>8} {:>10} {:>11}",
        "", "threads", "unique", "s", "states/s", "bytes/state"
    );
    for (index, (name, _)) in ROWS.iter().enumerate() {
        for threads in [1, 2] {
            let mut runs: Vec<(f64, usize, u64)> = (0..RUNS).map(|_| run(index, threads)).collect();
            runs.sort_by(|one, other| one.0.total_cmp(&other.0));
            let (seconds, unique, bytes) = runs[RUNS / 2];
            let memory = if bytes == 0 { "-".to_owned() } else { (bytes / unique as u64).to_string() };
            println!(
                "{name:54} {threads:>7} {unique:>11} {seconds:>8.2} {:>10.0} {memory:>11}",
                unique as f64 / seconds
            );
        }
    }
    ExitCode::SUCCESS
}

fn run(row: usize, threads: usize) -> (f64, usize, u64) {
    let itself = env::current_exe().expect("a benchmark knows its own file");
    let output = Command::new(itself)
        .args([row.to_string(), threads.to_string()])
        .output()
        .expect("a benchmark can run itself");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let figures: Vec<u64> = text.split_whitespace().filter_map(|figure| figure.parse().ok()).collect();
    let &[unique, nanoseconds, bytes] = &*figures else { panic!("row {row} says {text:?}") };
    (nanoseconds as f64 / 1e9, unique as usize, bytes)
}

fn story(name: &str) -> &'static Story {
    let mut stories = Bound::Ci.stories().iter();
    stories.find(|story| story.name == name).expect("the bound has a model of that name")
}

fn rescale() -> Interned {
    Interned::new(JobModel::reduced(story("rescale")))
}

// To its end it would take as long as all other rows together.
fn unreduced(threads: usize) -> Row {
    let model = Interned::new(JobModel::new(story("rescale")));
    let began = now();
    let survey = survey_interned(&model, threads, 3_000_000, |_| true);
    assert!(survey.violated.is_none());
    Row { unique: survey.progress.unique, took: began.elapsed(), bytes: None }
}

fn by_level(threads: usize) -> Row {
    let model = rescale();
    let began = now();
    let survey = survey_interned(&model, threads, usize::MAX, |_| true);
    assert!(survey.complete && survey.violated.is_none());
    Row { unique: survey.progress.unique, took: began.elapsed(), bytes: None }
}

fn depth_first(threads: usize) -> Row {
    search(rescale(), threads)
}

fn depth_first_again(threads: usize) -> Row {
    known(rescale(), threads)
}

// How full stateright's tables are depends on the number of states.
fn larger_depth_first_again(threads: usize) -> Row {
    known(Interned::new(JobModel::reduced(story("checkpoint"))), threads)
}

fn known(model: Interned, threads: usize) -> Row {
    let survey = survey_interned(&model, 1, usize::MAX, |_| true);
    assert!(survey.complete);
    search(model, threads)
}

fn two_phase_commit(threads: usize) -> Row {
    let row = search(TwoPhaseCommit { managers: 8 }, threads);
    assert_eq!(row.unique, 1_745_408, "as in TLC and SPIN");
    row
}

fn search<M>(model: M, threads: usize) -> Row
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync + 'static,
    M::Action: Clone + Debug + PartialEq + Send + Sync + 'static,
{
    let before = resident();
    let began = now();
    let checker = model.checker().threads(threads).spawn_dfs().join();
    let took = began.elapsed();
    assert!(checker.is_done());
    let bytes = before.zip(resident()).map(|(before, after)| after.saturating_sub(before));
    Row { unique: checker.unique_state_count(), took, bytes }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}

// Where the system says so.
fn resident() -> Option<u64> {
    let pages = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = pages.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

/// Two-phase commit, as in stateright's examples and in Lamport's and Gray's TLA+ of 2004.
#[derive(Clone)]
struct TwoPhaseCommit {
    managers: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Manager {
    Working,
    Prepared,
    Committed,
    Aborted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Coordinator {
    Init,
    Committed,
    Aborted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Message {
    Prepared { manager: usize },
    Commit,
    Abort,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    managers: Vec<Manager>,
    coordinator: Coordinator,
    prepared: Vec<bool>,
    messages: BTreeSet<Message>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Action {
    Hear(usize),
    Commit,
    Abort,
    Prepare(usize),
    ChooseToAbort(usize),
    HearCommit(usize),
    HearAbort(usize),
}

impl Model for TwoPhaseCommit {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            managers: vec![Manager::Working; self.managers],
            coordinator: Coordinator::Init,
            prepared: vec![false; self.managers],
            messages: BTreeSet::new(),
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let undecided = state.coordinator == Coordinator::Init;
        if undecided && state.prepared.iter().all(|prepared| *prepared) {
            actions.push(Action::Commit);
        }
        if undecided {
            actions.push(Action::Abort);
        }
        for manager in 0..self.managers {
            if undecided && state.messages.contains(&Message::Prepared { manager }) {
                actions.push(Action::Hear(manager));
            }
            if state.managers[manager] == Manager::Working {
                actions.extend([Action::Prepare(manager), Action::ChooseToAbort(manager)]);
            }
            if state.messages.contains(&Message::Commit) {
                actions.push(Action::HearCommit(manager));
            }
            if state.messages.contains(&Message::Abort) {
                actions.push(Action::HearAbort(manager));
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Hear(manager) => state.prepared[manager] = true,
            Action::Commit => {
                state.coordinator = Coordinator::Committed;
                state.messages.insert(Message::Commit);
            }
            Action::Abort => {
                state.coordinator = Coordinator::Aborted;
                state.messages.insert(Message::Abort);
            }
            Action::Prepare(manager) => {
                state.managers[manager] = Manager::Prepared;
                state.messages.insert(Message::Prepared { manager });
            }
            Action::ChooseToAbort(manager) => state.managers[manager] = Manager::Aborted,
            Action::HearCommit(manager) => state.managers[manager] = Manager::Committed,
            Action::HearAbort(manager) => state.managers[manager] = Manager::Aborted,
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::<Self>::sometimes("abort agreement", |_, state| {
                state.managers.iter().all(|manager| *manager == Manager::Aborted)
            }),
            Property::<Self>::sometimes("commit agreement", |_, state| {
                state.managers.iter().all(|manager| *manager == Manager::Committed)
            }),
            Property::<Self>::always("consistent", |_, state| {
                !state.managers.contains(&Manager::Aborted) || !state.managers.contains(&Manager::Committed)
            }),
        ]
    }
}
