//! One complete check of a story.

use std::{fmt, time::Duration};

use stateright::{Checker, Expectation, Model};

use crate::{
    interned::Interned,
    model::JobModel,
    search::{self, Counterexample},
    stories,
    story::Story,
};

/// How large a check is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Bound {
    /// Seconds: what `cargo test` runs.
    #[default]
    Quick,
    /// A minute on two cores: what runs before a change lands.
    Ci,
    /// Half an hour, and up to 20 GB of memory.
    Deep,
}

impl Bound {
    /// Every bound, the smallest first.
    pub const ALL: [Self; 3] = [Self::Quick, Self::Ci, Self::Deep];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Ci => "ci",
            Self::Deep => "deep",
        }
    }

    /// How far a check of one model goes at most. What is shorter than that is explored completely.
    pub fn limits(self) -> Limits {
        match self {
            Self::Quick | Self::Ci => Limits::default(),
            Self::Deep => Limits { minutes: Some(30.0), gigabytes: Some(20.0) },
        }
    }

    /// Its stories.
    pub fn stories(self) -> &'static [Story] {
        match self {
            Self::Quick => stories::QUICK,
            Self::Ci => stories::CI,
            Self::Deep => stories::DEEP,
        }
    }
}

/// How far a check goes at most; none means to the end. They are numbers here: who owns a clock and knows
/// how much memory is in use ends the search.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// Minutes.
    pub minutes: Option<f64>,
    /// Memory of the whole process, in units of 10^9 bytes.
    pub gigabytes: Option<f64>,
}

/// What a check has found.
#[derive(Clone, Debug)]
pub struct Report {
    /// The story.
    pub name: &'static str,
    /// Different states.
    pub unique: usize,
    /// Steps that were taken, those to known states included.
    pub generated: usize,
    /// Steps on the longest path that the breadth-first search took.
    pub depth: usize,
    /// Whether every reachable state was seen.
    pub complete: bool,
    /// The invariants that were broken, each by name.
    pub violated: Vec<&'static str>,
    /// A shortest path to the first of them.
    pub counterexample: Option<Counterexample>,
    /// The interesting cases, and whether each was reached.
    pub cases: Vec<(&'static str, bool)>,
    /// How long it took.
    pub took: Duration,
}

impl Report {
    /// The cases that were reached.
    pub fn reached(&self) -> impl Iterator<Item = &'static str> {
        self.cases.iter().filter(|(_, reached)| *reached).map(|(name, _)| *name)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let complete = if self.complete { "complete" } else { "cut short" };
        writeln!(
            f,
            "{}: {} unique states, {} generated, depth {}, {complete}, {:.1} s",
            self.name,
            self.unique,
            self.generated,
            self.depth,
            self.took.as_secs_f64()
        )?;
        for (name, reached) in &self.cases {
            writeln!(f, "  {} {name}", if *reached { "reached:    " } else { "not reached:" })?;
        }
        match &self.counterexample {
            Some(counterexample) => write!(f, "{counterexample}"),
            None => write!(f, "  no invariant is broken"),
        }
    }
}

/// There is no story of that name in that bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownStory(pub String, pub Bound);

impl fmt::Display for UnknownStory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.1.stories().iter().map(|story| story.name).collect();
        write!(
            f,
            "there is no model `{}` in the bound {}: choose one of {}",
            self.0,
            self.1.name(),
            names.join(", ")
        )
    }
}

impl std::error::Error for UnknownStory {}

/// Explores the story `name` completely, [reduced](JobModel::reduced), on one thread: no limit of time,
/// depth or states is set.
///
/// # Errors
///
/// [`UnknownStory`] lists the names there are.
pub fn check(name: &str, bound: Bound) -> Result<Report, UnknownStory> {
    let story = bound.stories().iter().find(|story| story.name == name);
    let story = story.ok_or_else(|| UnknownStory(name.to_owned(), bound))?;
    Ok(check_model(JobModel::reduced(story)))
}

/// Explores a model completely, on one thread.
pub fn check_model(model: JobModel) -> Report {
    #[expect(clippy::disallowed_methods, reason = "how long a check took is for people")]
    let began = std::time::Instant::now();
    let checker = Interned::new(model).checker().threads(1).spawn_bfs().join();
    let discovered: Vec<&'static str> = checker.discoveries().into_keys().collect();
    let names = |expectation: Expectation| {
        let properties = model.properties().into_iter();
        properties.filter(move |property| property.expectation == expectation).map(|property| property.name)
    };
    let violated: Vec<_> = names(Expectation::Always).filter(|name| discovered.contains(name)).collect();
    let counterexample =
        if violated.is_empty() { None } else { search::shortest(&model, usize::MAX).counterexample };
    Report {
        name: model.story().name,
        unique: checker.unique_state_count(),
        generated: checker.state_count(),
        depth: checker.max_depth(),
        complete: checker.is_done(),
        violated,
        counterexample,
        cases: names(Expectation::Sometimes).map(|name| (name, discovered.contains(&name))).collect(),
        took: began.elapsed(),
    }
}
