//! What a power failure could leave, judged by the system calls of a real run.
//!
//! The run is traced. Replaying the trace gives, at every moment, the worst disk: what was not synced is
//! lost, and what was not synced and helps nobody is there. Three things must hold at every moment:
//!
//! - a manifest that can be seen names only objects that are on disk for certain;
//! - an object that is deleted is named by no manifest that could be the newest after a power failure;
//! - a checkpoint that was told to be committed stays committed.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fmt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use keygroups::checkpoint::{Manifest, ManifestVersion};

use crate::process::Order;

const CALLS: &str = "trace=write,writev,pwrite64,fsync,fdatasync,linkat,unlink,unlinkat,mkdir";

/// What the trace has shown.
#[derive(Default)]
pub struct Summary {
    manifests: usize,
    deleted: usize,
    syncs: usize,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} manifests and {} deleted objects judged at every moment, {} syncs",
            self.manifests, self.deleted, self.syncs
        )
    }
}

/// Runs a job to its end and judges it; `None` if this system cannot trace. Without syncs the judge must
/// find what could be lost, or it would find nothing ever.
pub fn trace_and_judge() -> Result<Option<Summary>, Box<dyn Error>> {
    let Some(synced) = judged("")? else { return Ok(None) };
    match judged("?sync=off")? {
        Some(Err(_)) => synced.map(Some).map_err(Into::into),
        Some(Ok(summary)) => Err(format!("nothing is found without syncs: {summary}").into()),
        None => Err("this system traces only once".into()),
    }
}

fn judged(query: &str) -> Result<Option<Result<Summary, String>>, Box<dyn Error>> {
    let guard = tempfile::tempdir()?;
    let (directory, log) = (guard.path().join("checkpoints"), guard.path().join("trace"));
    let mut disk = Disk { root: directory.clone(), ..Disk::default() };
    // As if a process had died right after it had made them: nobody has synced their names.
    let kinds = ["manifest", "state", "output", "outputs"].map(|kind| directory.join(kind));
    for made in [directory.clone()].into_iter().chain(kinds) {
        std::fs::create_dir_all(&made)?;
        disk.names.insert(made, Name { made: 0, is_durable: false });
    }
    let order = Order {
        directory: format!("file://{}{query}", directory.to_str().ok_or("a plain name")?),
        life: 1,
        parallelism: 2,
        records: 20_000,
        manifests_retained: 1_000_000,
    };
    let traced = Command::new("strace")
        .args(["--follow-forks", "--decode-fds=path", "--string-limit=300", "-e", CALLS, "--output"])
        .arg(&log)
        .arg(std::env::current_exe()?)
        .args(["--process", &serde_json::to_string(&order)?])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !traced.is_ok_and(|status| status.success()) {
        return Ok(None);
    }
    for entry in std::fs::read_dir(directory.join("manifest"))? {
        let path = entry?.path();
        let version = ManifestVersion(file_name(&path).parse()?);
        disk.manifests.insert(version, Manifest::decode(version, &std::fs::read(&path)?)?);
    }
    Ok(Some(disk.replay(&std::fs::read_to_string(&log)?)))
}

fn succeeded(text: &str) -> bool {
    text.rsplit_once(" = ").is_some_and(|(_, result)| !result.starts_with('-'))
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A system call that changes what is on disk, or tells the world.
#[derive(Clone, Debug)]
enum Call {
    Write(PathBuf),
    Sync(PathBuf),
    Link(PathBuf, PathBuf),
    Unlink(PathBuf),
    Mkdir(PathBuf),
    /// The process has said that the checkpoint of this manifest is committed.
    Told(ManifestVersion),
}

impl Call {
    fn parse(text: &str) -> Option<Self> {
        let (name, arguments) = text.split_once('(')?;
        let mut quoted = arguments.split('"').skip(1).step_by(2).map(PathBuf::from);
        // `4</a/file>`, which `--decode-fds=path` makes of a descriptor.
        let file = || {
            let (_, path) = arguments.split(',').next()?.split_once('<')?;
            Some(PathBuf::from(path.split_once('>')?.0))
        };
        match name {
            "write" if arguments.contains("\\\"committed\\\"") => {
                let (_, version) = arguments.split_once("\\\"version\\\":")?;
                let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
                Some(Self::Told(ManifestVersion(digits.parse().ok()?)))
            }
            "write" | "writev" | "pwrite64" => file().map(Self::Write),
            "fsync" | "fdatasync" => file().map(Self::Sync),
            "linkat" => Some(Self::Link(quoted.next()?, quoted.next()?)),
            "unlink" | "unlinkat" => quoted.next().map(Self::Unlink),
            "mkdir" => quoted.next().map(Self::Mkdir),
            _ => None,
        }
    }
}

/// A name in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Name {
    /// When the call that made it had ended.
    made: usize,
    is_durable: bool,
}

/// What is on disk, and what is certain to be.
#[derive(Default)]
struct Disk {
    root: PathBuf,
    manifests: BTreeMap<ManifestVersion, Manifest>,
    now: usize,
    names: BTreeMap<PathBuf, Name>,
    /// When a file was written last, and up to when what was written is durable.
    written: BTreeMap<PathBuf, usize>,
    durable: BTreeMap<PathBuf, usize>,
    /// Versions whose names have become visible.
    visible: BTreeSet<ManifestVersion>,
    summary: Summary,
}

impl Disk {
    /// Judges every moment of `trace`.
    fn replay(mut self, trace: &str) -> Result<Summary, String> {
        // Calls that threads have begun and not ended.
        let mut begun = BTreeMap::new();
        for line in trace.lines() {
            let (thread, text) = line.split_once(' ').ok_or("a line without a thread")?;
            let text = text.trim_start();
            if let Some(resumed) = text.strip_prefix("<... ") {
                // Calls that are no concern of the judge have not begun for it.
                if let Some((call, began)) = begun.remove(thread)
                    && succeeded(resumed)
                {
                    self.ended(call, began);
                }
            } else if let Some(call) = Call::parse(text) {
                let began = self.begins(&call)?;
                if text.ends_with("<unfinished ...>") {
                    begun.insert(thread, (call, began));
                } else if succeeded(text) {
                    self.ended(call, began);
                }
            }
        }
        let Summary { manifests, deleted, .. } = self.summary;
        if manifests < 4 || deleted < 4 {
            return Err(format!("too little has happened: {}", self.summary));
        }
        Ok(self.summary)
    }

    /// Judges what can be seen from now on. Gives the time.
    fn begins(&mut self, call: &Call) -> Result<usize, String> {
        self.now += 1;
        match call {
            Call::Write(file) => {
                self.written.insert(file.clone(), self.now);
            }
            // What it does may be on disk before it has ended.
            Call::Link(_, name) => {
                if let Some(version) = self.version(name) {
                    self.judge_manifest(version)?;
                    self.visible.insert(version);
                }
            }
            Call::Unlink(name) => self.judge_delete(name)?,
            Call::Told(version) => {
                let certain = self.newest_certain();
                if certain < Some(*version) {
                    return Err(format!(
                        "manifest {version} was told, and {certain:?} is the newest on disk"
                    ));
                }
            }
            Call::Sync(_) | Call::Mkdir(_) => {}
        }
        Ok(self.now)
    }

    /// What a call that began at `began` has done for certain.
    fn ended(&mut self, call: Call, began: usize) {
        self.now += 1;
        match call {
            Call::Link(from, to) => {
                if self.durable.get(&from) >= self.written.get(&from) {
                    self.durable.insert(to.clone(), self.now);
                }
                self.names.insert(to, Name { made: self.now, is_durable: false });
            }
            Call::Mkdir(directory) => {
                self.names.insert(directory, Name { made: self.now, is_durable: false });
            }
            Call::Sync(synced) => {
                self.summary.syncs += 1;
                // A directory keeps the names that were in it when the call began, a file its bytes.
                for (name, known) in &mut self.names {
                    known.is_durable |= name.parent() == Some(&synced) && known.made < began;
                }
                self.durable.insert(synced, began);
            }
            Call::Unlink(name) => {
                self.names.remove(&name);
            }
            Call::Write(_) | Call::Told(_) => {}
        }
    }

    fn version(&self, name: &Path) -> Option<ManifestVersion> {
        let is_manifest = name.parent() == Some(&self.root.join("manifest"));
        is_manifest.then(|| file_name(name).parse().ok().map(ManifestVersion)).flatten()
    }

    /// Whether `file` would be there, with all its bytes and under its name, after a power failure now.
    fn is_certain(&self, file: &Path) -> bool {
        let above = file.ancestors().take_while(|above| Some(*above) != self.root.parent());
        self.durable.contains_key(file)
            && above.into_iter().all(|name| self.names.get(name).is_some_and(|name| name.is_durable))
    }

    fn newest_certain(&self) -> Option<ManifestVersion> {
        let path = |version: &ManifestVersion| self.root.join("manifest").join(format!("{version:020}"));
        self.visible.iter().rev().copied().find(|version| self.is_certain(&path(version)))
    }

    fn judge_manifest(&mut self, version: ManifestVersion) -> Result<(), String> {
        self.summary.manifests += 1;
        let lost = self.manifests[&version]
            .objects()
            .find(|object| !self.is_certain(&self.root.join(object.to_string())));
        match lost {
            None => Ok(()),
            Some(object) => Err(format!("manifest {version} can be seen, and {object} is not on disk")),
        }
    }

    fn judge_delete(&mut self, name: &Path) -> Result<(), String> {
        let Ok(object) = name.strip_prefix(&self.root) else { return Ok(()) };
        let object = object.to_string_lossy();
        self.summary.deleted += usize::from(!object.contains('#'));
        let certain = self.newest_certain().unwrap_or_default();
        let naming = self
            .visible
            .range(certain..)
            .find(|version| self.manifests[version].objects().any(|named| named.to_string() == object));
        match naming {
            None => Ok(()),
            Some(version) => {
                Err(format!("{object} is deleted, and manifest {version} names it; {certain} is on disk"))
            }
        }
    }
}
