//! Starts processes and kills them, each at a moment of its own.

use std::{
    error::Error,
    fmt,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use keygroups::{
    checkpoint::{CheckpointId, JobStatus},
    key_group::KeyGroup,
    protocol::Event,
};

use crate::{
    judge::{Judge, Left},
    process::{Mark, Order},
    words::{MAX_PARALLELISM, mix},
};

/// A healthy process comes to its moment in a fraction of that, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// As many files as one process writes at once: the last that was killed may not be swept yet.
const FILES_AT_ONCE: usize = 10;

/// When a process is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// So long after it was started: takes leadership, restores, rescales.
    Started,
    /// So long after its `n`-th checkpoint has begun: objects are being written.
    Triggered(u64),
    /// So long after all tasks have acknowledged: the list of outputs and the manifest are being written.
    Acknowledged(u64),
    /// So long after a commit: garbage is being deleted, manifests pruned.
    Committed(u64),
}

impl Moment {
    fn draw(dice: &mut impl FnMut(u64) -> u64) -> (Self, Duration) {
        let nth = 1 + dice(4);
        let (moment, within_us) = match dice(8) {
            0..3 => (Self::Started, 150_000),
            3..6 => (Self::Triggered(nth), 20_000),
            6 => (Self::Acknowledged(nth), 8_000),
            _ => (Self::Committed(nth), 8_000),
        };
        (moment, Duration::from_micros(dice(within_us)))
    }

    /// Whether `mark` is what it waits for, after it has seen all marks before.
    fn is_now(&mut self, mark: &Mark) -> bool {
        let left = match (self, mark) {
            (Self::Triggered(left), Mark::Event(Event::Triggered { .. }))
            | (Self::Acknowledged(left), Mark::Event(Event::AllAcknowledged { .. }))
            | (Self::Committed(left), Mark::Event(Event::Committed { .. })) => left,
            _ => return false,
        };
        *left -= 1;
        *left == 0
    }
}

/// What all kills have met.
#[derive(Default)]
pub struct Summary {
    kills: u64,
    checkpoints: u64,
    /// Kills that left a new staging file.
    while_writing: u64,
    /// Kills that left a snapshot that no manifest named.
    before_commit: u64,
    /// Processes that had restored a checkpoint.
    restored: u64,
    records: u64,
    /// Staging files that are still there at the end.
    left: usize,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} kills: {} in the middle of writing a file, {} with snapshots that no manifest named; \
             {} checkpoints were committed, {} processes went on from one, and {} records are counted once; \
             {} half-written files are left",
            self.kills,
            self.while_writing,
            self.before_commit,
            self.checkpoints,
            self.restored,
            self.records,
            self.left
        )
    }
}

/// Kills the job `kills` times and looks at what is left each time; then lets it come to its end.
pub fn kill_and_look(kills: u64, seed: u64) -> Result<Summary, Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let mut judge = Judge::default();
    let mut summary = Summary { kills, ..Summary::default() };
    let mut before = Left::default();
    let mut throws = 0;
    let mut dice = move |below: u64| {
        throws += 1;
        mix(seed << 32 | throws) % below
    };
    for life in 1..=kills {
        let (moment, delay) = Moment::draw(&mut dice);
        let parallelism = [2, 2, 3, 4][dice(4) as usize];
        let order = order(directory.path(), life, parallelism, u64::MAX);
        let context =
            format!("kill {life}: {moment:?} + {} µs at parallelism {parallelism}", delay.as_micros());
        let at = |error: Box<dyn Error>| format!("{context}: {error}");
        let heard = Process::start(&order).and_then(|process| process.kill_at(moment, delay)).map_err(at)?;
        summary.restored += u64::from(heard.check(&judge).map_err(at)?);
        let (left, _) = judge.look(directory.path(), heard.committed).map_err(at)?;
        summary.while_writing += u64::from(left.staged > before.staged);
        summary.before_commit += u64::from(left.unnamed > 0);
        before = left;
    }
    // A little more to do for everybody, and then the end.
    let records =
        4_000 + (0..MAX_PARALLELISM).map(|group| judge.committed(KeyGroup(group))).max().unwrap_or(0);
    let heard = Process::start(&order(directory.path(), kills + 1, 3, records))?.await_end()?;
    heard.check(&judge)?;
    let (left, status) = judge.look(directory.path(), heard.committed)?;
    summary.left = left.staged;
    if summary.left > FILES_AT_ONCE {
        return Err(format!("what killed processes were writing is not swept: {summary}").into());
    }
    if status != JobStatus::Finished {
        return Err("the job is not finished".into());
    }
    for group in (0..MAX_PARALLELISM).map(KeyGroup) {
        if judge.committed(group) != records {
            return Err(
                format!("key group {group} has {} of {records} records", judge.committed(group)).into()
            );
        }
    }
    summary.checkpoints = judge.checkpoint.0;
    summary.records = records * u64::from(MAX_PARALLELISM);
    if kills >= 40 && (summary.while_writing == 0 || summary.before_commit == 0) {
        return Err(format!("no kill has hit a checkpoint that was being written: {summary}").into());
    }
    Ok(summary)
}

pub fn order(directory: &Path, life: u64, parallelism: u16, records: u64) -> Order {
    let directory = directory.to_str().expect("temporary directories have plain names").to_owned();
    Order { directory, life, parallelism, records, manifests_retained: 4 }
}

/// What a process has told.
pub struct Heard {
    /// The newest checkpoint of which it said that it is committed.
    pub committed: CheckpointId,
    /// What its first attempt has restored.
    restored: Vec<(KeyGroup, u64)>,
    /// Everything, for whoever wants to know what happened.
    marks: Vec<Mark>,
}

impl Heard {
    /// What was restored must be what `judge` has seen committed before. Gives whether anything was.
    pub fn check(&self, judge: &Judge) -> Result<bool, Box<dyn Error>> {
        if let Some(wrong) = self.marks.iter().find(|mark| matches!(mark, Mark::Wrong(_))) {
            return Err(format!("{wrong:?}").into());
        }
        for (group, records) in &self.restored {
            let committed = judge.committed(*group);
            if committed != *records {
                let told = format!("key group {group} went on from {records} records, not from {committed}");
                return Err(told.into());
            }
        }
        Ok(self.restored.iter().any(|(_, records)| *records > 0))
    }
}

/// A process that runs, and what it tells.
pub struct Process {
    child: Child,
    marks: mpsc::Receiver<Mark>,
    heard: Vec<Mark>,
}

impl Process {
    pub fn start(order: &Order) -> Result<Self, Box<dyn Error>> {
        let program: PathBuf = std::env::current_exe()?;
        let mut child = Command::new(program)
            .args(["--process", &serde_json::to_string(order)?])
            .stdout(Stdio::piped())
            .spawn()?;
        let output = BufReader::new(child.stdout.take().ok_or("its output is a pipe")?);
        let (sender, marks) = mpsc::channel();
        // Ends with the process. A line that the kill has cut off is no mark.
        #[expect(clippy::disallowed_methods, reason = "reads a pipe while the killer waits for its moment")]
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Ok(mark) = serde_json::from_str(&line)
                    && sender.send(mark).is_err()
                {
                    break;
                }
            }
        });
        Ok(Self { child, marks, heard: Vec::new() })
    }

    /// The next mark that `is_it`, however many others there are.
    pub fn wait_for(&mut self, what: &str, is_it: impl FnMut(&Mark) -> bool) -> Result<Mark, Box<dyn Error>> {
        let mut is_it = is_it;
        #[expect(clippy::disallowed_methods, reason = "a process that hangs does so in real time")]
        let began = std::time::Instant::now();
        loop {
            match self.marks.recv_timeout(PATIENCE.saturating_sub(began.elapsed())) {
                Ok(mark) => {
                    self.heard.push(mark.clone());
                    if is_it(&mark) {
                        return Ok(mark);
                    }
                }
                Err(error) => {
                    self.child.kill()?;
                    return Err(format!("waiting for {what}: {error}, heard {:?}", self.heard.last()).into());
                }
            }
        }
    }

    fn kill_at(mut self, mut moment: Moment, delay: Duration) -> Result<Heard, Box<dyn Error>> {
        if !matches!(moment, Moment::Started) {
            self.wait_for("the moment to kill", |mark| moment.is_now(mark))?;
        }
        #[expect(clippy::disallowed_methods, reason = "the moment of a kill is a moment of real time")]
        std::thread::sleep(delay);
        self.kill()
    }

    /// SIGKILL: nothing in the process runs after it.
    pub fn kill(mut self) -> Result<Heard, Box<dyn Error>> {
        self.child.kill()?;
        let status = self.child.wait()?;
        if status.code().is_some() {
            return Err(format!("it ended by itself with {status}").into());
        }
        self.heard.extend(self.marks);
        Ok(heard(self.heard))
    }

    fn await_end(mut self) -> Result<Heard, Box<dyn Error>> {
        self.wait_for("the end", |mark| matches!(mark, Mark::Event(Event::Finished { .. })))?;
        let status = self.child.wait()?;
        self.heard.extend(self.marks);
        if status.success() { Ok(heard(self.heard)) } else { Err(format!("it ended with {status}").into()) }
    }
}

fn heard(marks: Vec<Mark>) -> Heard {
    let committed = marks.iter().filter_map(|mark| match mark {
        Mark::Event(Event::Committed { checkpoint, .. }) => Some(*checkpoint),
        _ => None,
    });
    let committed = committed.max().unwrap_or(CheckpointId::NONE);
    // A later attempt of the same process, at another parallelism, goes on from what this process has committed.
    let mut deployments = 0;
    let mut restored = Vec::new();
    for mark in &marks {
        match mark {
            Mark::Event(Event::Deployed { .. }) => deployments += 1,
            Mark::Restored(group, records) if deployments <= 1 => restored.push((*group, *records)),
            _ => {}
        }
    }
    Heard { committed, restored, marks }
}
