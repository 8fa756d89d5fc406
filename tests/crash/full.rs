//! A job on a disk that becomes full and then read-only: it says so, loses nothing, and goes on by itself.
//!
//! The disk is a small one in memory, mounted in a name space of the test's own, so that nobody else sees
//! it; where a user may not do that, the test is skipped.

use std::{
    error::Error,
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use keygroups::{checkpoint::CheckpointId, driver::LocalCopies, protocol::Event};

use crate::{
    judge::Judge,
    kill::{Process, order},
    process::Mark,
};

/// Room for the state twice, which a checkpoint needs while the one before is retained, and little more.
const DISK: &str = "size=12m";

/// Runs this test in a name space of its own; `None` if there is none to be had.
pub fn run_apart() -> Result<Option<String>, Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let script = format!("mount -t tmpfs -o {DISK} none \"$2\" && exec \"$1\" --full-disk \"$2\"");
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script, "sh"])
        .arg(std::env::current_exe()?)
        .arg(directory.path())
        .stderr(Stdio::null())
        .output();
    let Ok(output) = output else { return Ok(None) };
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    match (output.status.success(), said.is_empty()) {
        (true, _) => Ok(Some(said)),
        (false, true) => Ok(None),
        (false, false) => Err(said.into()),
    }
}

/// What happens in that name space, where `disk` is nobody else's.
pub fn on_a_small_disk(disk: &Path) -> Result<String, Box<dyn Error>> {
    let checkpoints = disk.join("checkpoints");
    let order = |life| order(&checkpoints, life, 2, u64::MAX);
    let mut judge = Judge::default();

    // Full while it runs.
    let mut process = Process::start(&order(1))?;
    process.wait_for("two commits", is_commit)?;
    process.wait_for("two commits", is_commit)?;
    let copies = disk.join("copies");
    LocalCopies::in_directory(&copies)?;
    let ballast = disk.join("ballast");
    fill(&ballast)?;
    let trouble = process.wait_for("the disk to be full", is_trouble("No space left on device"))?;
    explains(
        trouble_of(&trouble)?,
        &["no space is left in", "free some or enlarge it", "stays usable"],
        &checkpoints,
    )?;
    // A task that cannot write gives the checkpoint up. Once its manifest is to be created it is given up no more:
    // where that is the first to find no room, it is tried again until there is some.
    if !is_of_a_manifest(&trouble) {
        process.wait_for("the checkpoint to be given up", is_abort)?;
    }
    let heard = process.kill()?;
    judge.look(&checkpoints, heard.committed)?;

    // Full when it starts, and free again while it waits.
    let mut process = Process::start(&order(2))?;
    process.wait_for("the disk to be full", is_trouble("No space left on device"))?;
    // Copies that nobody needs any more may make room for others.
    LocalCopies::in_directory(&copies)?;
    fs::remove_file(&ballast)?;
    let commit = process.wait_for("a commit", is_commit)?;
    let heard = process.kill()?;
    heard.check(&judge)?;
    let before = judge.checkpoint;
    judge.look(&checkpoints, heard.committed)?;
    if judge.checkpoint <= before {
        return Err(
            format!("{commit:?}, and {} is the newest checkpoint after {before}", judge.checkpoint).into()
        );
    }

    // Read-only when it starts, and to be written again while it waits.
    remount(disk, "remount,ro")?;
    judge.look(&checkpoints, CheckpointId::NONE)?;
    match LocalCopies::in_directory(&copies) {
        Ok(_) => return Err("a read-only disk takes copies".into()),
        Err(error) => {
            explains(&error.to_string(), &["Read-only file system", "mount that for writing"], &copies)?
        }
    }
    let mut process = Process::start(&order(3))?;
    let trouble = process.wait_for("a read-only disk", is_trouble("Read-only file system"))?;
    explains(
        trouble_of(&trouble)?,
        &["a read-only file system under", "mount it for writing", "stays usable"],
        &checkpoints,
    )?;
    remount(disk, "remount,rw")?;
    process.wait_for("a commit", is_commit)?;
    let heard = process.kill()?;
    heard.check(&judge)?;
    judge.look(&checkpoints, heard.committed)?;
    Ok(format!(
        "full while it ran, full and read-only when it began: went on to checkpoint {}",
        judge.checkpoint
    ))
}

fn is_commit(mark: &Mark) -> bool {
    matches!(mark, Mark::Event(Event::Committed { .. }))
}

fn is_abort(mark: &Mark) -> bool {
    matches!(mark, Mark::Event(Event::Aborted { .. }))
}

fn is_trouble(words: &str) -> impl Fn(&Mark) -> bool {
    move |mark| matches!(mark, Mark::Trouble(trouble) if trouble.contains(words))
}

fn is_of_a_manifest(mark: &Mark) -> bool {
    is_trouble("create manifest/")(mark)
}

fn trouble_of(mark: &Mark) -> Result<&str, Box<dyn Error>> {
    let Mark::Trouble(trouble) = mark else { return Err("no trouble".into()) };
    Ok(trouble)
}

/// Says what, where and what to do.
fn explains(trouble: &str, words: &[&str], directory: &Path) -> Result<(), Box<dyn Error>> {
    let place = directory.to_string_lossy();
    match words.iter().chain(&[&*place]).find(|word| !trouble.contains(**word)) {
        None => Ok(()),
        Some(word) => Err(format!("`{word}` is missing in: {trouble}").into()),
    }
}

/// Writes until there is no room for another byte.
fn fill(ballast: &Path) -> Result<(), Box<dyn Error>> {
    let mut file = fs::File::create(ballast)?;
    for size in [1 << 16, 1 << 12, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
    Ok(())
}

/// A file that is being written makes the disk busy for a moment.
fn remount(disk: &Path, options: &str) -> Result<(), Box<dyn Error>> {
    for _ in 0..50 {
        let mounted = Command::new("mount").args(["-o", options]).arg(disk).stderr(Stdio::null()).status()?;
        if mounted.success() {
            return Ok(());
        }
        #[expect(clippy::disallowed_methods, reason = "waits for the system, in real time")]
        std::thread::sleep(Duration::from_millis(20));
    }
    Err(format!("cannot {options}").into())
}
