//! What is simulated: the options that `sim` and `replay` share, and how they are said again.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use keygroups::key_group::{MaxParallelism, Parallelism};
use keygroups_model::zoo::Mutant;
use keygroups_sim::case::Case;
use keygroups_sim::cluster::Scenario;
use keygroups_sim::fault::Profile;
use keygroups_sim::input::{DEFAULT_KEY, InputError, Table};

use crate::model::find_mutant;

/// Key groups of the main job.
const MAX_PARALLELISM: u32 = 128;
/// Parallelisms of the main job.
const RESCALE: &str = "2,4,3";
/// Rows that a run of the swarm reads at the most. It reads a quarter of them at the least.
const SWARM_ROWS: usize = 400;

/// Equal options and equal seeds give equal runs.
#[derive(Args, Clone)]
pub(crate) struct Job {
    /// CSV with a header and the columns distance and dep_delay, plain or compressed with gzip, xz
    /// or zstd [default: the flights of New York in January 2013]
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,

    /// The column to key by
    #[arg(long, value_name = "COLUMN", default_value = DEFAULT_KEY)]
    key: String,

    /// Read only the first N rows [default: all; with --seeds or --swarm: a quarter of 400 to 400]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    rows: Option<usize>,

    /// Number of key groups, 1 to 32768 [default: 128; with --seeds or --swarm: drawn from the seed]
    #[arg(long, value_name = "M", allow_negative_numbers = true)]
    max_parallelism: Option<u32>,

    /// The first parallelism, and those the job is rescaled to while it runs [default: 2,4,3; with
    /// --seeds or --swarm: drawn from the seed]
    #[arg(long, value_name = "P,Q,…", allow_hyphen_values = true)]
    rescale: Option<String>,

    /// The virtual time in which the input comes in and faults strike [default: 30; with --seeds or --swarm:
    /// drawn from the seed]
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: Option<u32>,

    /// How much goes wrong: none, default (a bad day) or chaos (everything, often)
    #[arg(long, value_name = "PROFILE", default_value_t)]
    faults: Profile,

    /// Plant this bug first; keygroups zoo --list shows them all
    #[arg(long, value_name = "NAME")]
    mutant: Option<String>,
}

/// What is to be run: a seed, or what a file says.
#[derive(Clone, Debug)]
pub(crate) enum SeedOrFile {
    Seed(u64),
    File(PathBuf),
}

impl FromStr for SeedOrFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(seed) => Ok(Self::Seed(seed)),
            // Whoever writes a number means no file, unless there is one.
            Err(_) if text.parse::<f64>().is_ok() && !Path::new(text).exists() => {
                let last = u64::MAX;
                Err(format!(
                    "neither a seed, which is a whole number from 0 to {last}, nor the name of a file"
                ))
            }
            Err(_) => Ok(Self::File(PathBuf::from(text))),
        }
    }
}

/// A run, as the arguments of the commands that are about one.
#[derive(Clone, Debug)]
pub(crate) struct Subject(String);

impl Subject {
    pub(crate) fn file(file: &Path) -> Self {
        Self(quoted(&file.display().to_string()))
    }

    /// Shows every event again.
    pub(crate) fn replay(&self) -> String {
        format!("keygroups replay {}", self.0)
    }

    /// Draws it.
    pub(crate) fn report(&self) -> String {
        format!("keygroups report {}", self.0)
    }

    /// Makes it small, if it breaks something.
    pub(crate) fn shrink(&self) -> String {
        format!("keygroups shrink {}", self.0)
    }
}

/// The options, checked, with their input read.
pub(crate) struct Plan {
    job: Job,
    swarm: bool,
    table: Arc<Table>,
    max_parallelism: Option<MaxParallelism>,
    parallelisms: Option<Vec<Parallelism>>,
    mutant: Option<&'static Mutant>,
}

impl Job {
    /// Whether nothing was asked for that is not so anyway.
    pub(crate) fn is_default(&self) -> bool {
        let Self { input, key, rows, max_parallelism, rescale, seconds, faults, mutant } = self;
        input.is_none()
            && key == DEFAULT_KEY
            && rows.is_none()
            && max_parallelism.is_none()
            && rescale.is_none()
            && seconds.is_none()
            && *faults == Profile::default()
            && mutant.is_none()
    }

    /// Reads the input and checks everything that no seed can change.
    pub(crate) fn prepare(self, swarm: bool) -> anyhow::Result<Plan> {
        let max_parallelism = self.max_parallelism.map(MaxParallelism::new).transpose()?;
        let parallelisms = self.rescale.as_deref().map(parallelisms).transpose().context("--rescale")?;
        let mutant = self.mutant.as_deref().map(find_mutant).transpose()?;
        if self.rows == Some(0) {
            bail!("--rows 0: a job needs at least one row");
        }
        let table = match &self.input {
            Some(path) => read(path, &self.key)?,
            None => Table::january(&self.key).context("the flights of January")?,
        };
        let table = match self.rows {
            Some(rows) if !swarm => table.first(rows),
            _ => table,
        };
        let plan = Plan { job: self, swarm, table: Arc::new(table), max_parallelism, parallelisms, mutant };
        plan.scenario(0)?;
        Ok(plan)
    }
}

impl Plan {
    /// The jobs that `--seeds` draws where nothing else is said.
    pub(crate) fn swarm(faults: Profile) -> anyhow::Result<Self> {
        let key = DEFAULT_KEY.to_owned();
        let job = Job {
            input: None,
            key,
            rows: None,
            max_parallelism: None,
            rescale: None,
            seconds: None,
            faults,
            mutant: None,
        };
        job.prepare(true)
    }

    /// What a seed runs.
    pub(crate) fn scenario(&self, seed: u64) -> anyhow::Result<Scenario> {
        if self.swarm {
            let scenario =
                self.paced(Scenario::swarm(seed, &self.table, self.rows_at_most(), self.job.faults));
            return Ok(scenario.with_parallelisms(self.max_parallelism, self.parallelisms.clone())?);
        }
        let max_parallelism = match self.max_parallelism {
            Some(given) => given,
            None => MaxParallelism::new(MAX_PARALLELISM)?,
        };
        let parallelisms = match &self.parallelisms {
            Some(given) => given.clone(),
            None => parallelisms(RESCALE)?,
        };
        let scenario = Scenario::new(self.table.clone(), max_parallelism, parallelisms, self.job.faults)?;
        Ok(self.paced(scenario))
    }

    fn paced(&self, scenario: Scenario) -> Scenario {
        match self.job.seconds {
            Some(seconds) => scenario.over_seconds(seconds),
            None => scenario,
        }
    }

    /// The same jobs with this bug in them.
    pub(crate) fn with_mutant(&self, mutant: &'static Mutant) -> Self {
        let job = Job { mutant: Some(mutant.name.to_owned()), ..self.job.clone() };
        Self {
            job,
            mutant: Some(mutant),
            parallelisms: self.parallelisms.clone(),
            table: self.table.clone(),
            ..*self
        }
    }

    /// What a seed runs, written out.
    pub(crate) fn case(&self, seed: u64) -> anyhow::Result<Case> {
        let case = Case::draw(seed, &self.scenario(seed)?);
        Ok(match self.mutant {
            Some(mutant) => case.with_mutant(mutant),
            None => case,
        })
    }

    /// The most rows that a run reads.
    pub(crate) fn rows_at_most(&self) -> usize {
        let wanted = if self.swarm { self.job.rows.unwrap_or(SWARM_ROWS) } else { usize::MAX };
        wanted.min(self.table.rows.len())
    }

    /// The bug that is planted.
    pub(crate) fn mutant(&self) -> Option<&'static Mutant> {
        self.mutant
    }

    /// How much goes wrong.
    pub(crate) fn faults(&self) -> Profile {
        self.job.faults
    }

    /// What the rows are keyed by.
    pub(crate) fn key(&self) -> &str {
        &self.job.key
    }

    /// What names a seed's run to `replay`, `report` and `shrink`.
    pub(crate) fn subject(&self, seed: u64) -> Subject {
        let swarm = if self.swarm { " --swarm" } else { "" };
        Subject(format!("{seed}{swarm}{}", self.options()))
    }

    /// The one command that shows every event of a seed again.
    pub(crate) fn replay(&self, seed: u64) -> String {
        self.subject(seed).replay()
    }

    /// The options that decide what a seed runs, as a shell takes them, each after a space.
    pub(crate) fn options(&self) -> String {
        let Job { input, key, rows, max_parallelism, rescale, seconds, faults, mutant } = &self.job;
        let mut options = String::new();
        let mut add = |option: &str, value: String| {
            options.push(' ');
            options.push_str(option);
            options.push(' ');
            options.push_str(&quoted(&value));
        };
        if let Some(input) = input {
            add("--input", input.display().to_string());
        }
        if key != DEFAULT_KEY {
            add("--key", key.clone());
        }
        if let Some(rows) = rows {
            add("--rows", rows.to_string());
        }
        if let Some(max_parallelism) = max_parallelism {
            add("--max-parallelism", max_parallelism.to_string());
        }
        if let Some(rescale) = rescale {
            add("--rescale", rescale.clone());
        }
        if let Some(seconds) = seconds {
            add("--seconds", seconds.to_string());
        }
        if *faults != Profile::default() {
            add("--faults", faults.to_string());
        }
        if let Some(mutant) = mutant {
            add("--mutant", mutant.clone());
        }
        options
    }
}

fn read(path: &Path, key: &str) -> anyhow::Result<Table> {
    match Table::read(path, key) {
        // Names the file and its own source.
        Err(error @ InputError::Unreadable { .. }) => bail!("{error}"),
        table => table.with_context(|| path.display().to_string()),
    }
}

/// `2,4,3`.
fn parallelisms(text: &str) -> anyhow::Result<Vec<Parallelism>> {
    let parse = |number: &str| {
        let Ok(parallelism) = number.trim().parse() else {
            bail!(
                "{number:?} in {text:?} is no parallelism; write the first and those to rescale to, such as 2,4,3"
            );
        };
        Ok(Parallelism::new(parallelism)?)
    };
    text.split(',').map(parse).collect()
}

/// As a shell takes it for one word.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./,:=+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
