//! How to see a failure again: a command that can be copied, and a file.

use crate::case::Case;
use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The environment variable that makes [`check`](super::Simulation::check) run one seed and tell its story.
pub const SEED_VARIABLE: &str = "KEYGROUPS_SEED";
/// The environment variable that makes [`check`](super::Simulation::check) run the case of a file, so that a
/// failure outlives changes of what seeds draw.
pub const CASE_VARIABLE: &str = "KEYGROUPS_CASE";

/// Whether the environment asks for one seed or case, which [`check`](super::Simulation::check) will run: for
/// programs that do something else otherwise.
#[must_use]
pub fn is_replay() -> bool {
    env::var_os(CASE_VARIABLE).or_else(|| env::var_os(SEED_VARIABLE)).is_some()
}

/// The one case that the environment asks for.
///
/// # Panics
///
/// If it asks for something that is not there: nobody wants to hear that everything holds then.
pub(super) fn asked_for(draw: impl FnOnce(u64) -> Case) -> Option<Case> {
    if let Some(path) = env::var_os(CASE_VARIABLE) {
        let case = Case::read_surroundings(Path::new(&path));
        return Some(case.unwrap_or_else(|error| panic!("{CASE_VARIABLE}: {error}")));
    }
    let seed = env::var(SEED_VARIABLE).ok()?;
    let seed = seed.parse().unwrap_or_else(|_| panic!("{SEED_VARIABLE}={seed}: a seed is a number from 0"));
    Some(draw(seed))
}

/// How to see a failure of the running program again, in words. Writes its file.
pub(super) fn how(case: &Case) -> String {
    let seed = case.seed;
    let Ok(program) = env::current_exe() else {
        return format!("again: run this with {SEED_VARIABLE}={seed} in the environment");
    };
    let thread = std::thread::current();
    let test = thread.name().filter(|name| *name != "main");
    let package = env::var("CARGO_PKG_NAME").ok();
    let command = command(&program, test, package.as_deref());
    let mut text = format!("again, with its story:\n  {SEED_VARIABLE}={seed} {command}");
    let name = test.map_or_else(|| stem(&program), ToOwned::to_owned).replace("::", "-");
    let path = directory(&program).join(format!("{name}-{seed}.json"));
    let written = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    match written
        .map_err(|error| error.to_string())
        .and_then(|()| case.write(&path).map_err(|error| error.to_string()))
    {
        Ok(()) => {
            let path = quoted(&path.display().to_string());
            text.push_str(&format!(
                "\nthe same from a file that later builds run too:\n  {CASE_VARIABLE}={path} {command}"
            ));
        }
        Err(error) => text.push_str(&format!("\n(its case could not be written: {error})")),
    }
    text
}

/// The command that runs `program` again, if cargo ran it; itself if not.
fn command(program: &Path, test: Option<&str>, package: Option<&str>) -> String {
    let place = program.parent().unwrap_or(Path::new(""));
    let kind = place.file_name().and_then(OsStr::to_str);
    let profile = place.parent().and_then(Path::file_name).and_then(OsStr::to_str);
    let profile = match profile {
        Some("debug") | None => String::new(),
        Some("release") => " --release".to_owned(),
        Some(other) => format!(" --profile {other}"),
    };
    let package = package.map(|package| format!(" -p {package}")).unwrap_or_default();
    let hashed = is_hashed(program);
    match (kind, test) {
        (Some("deps" | "examples"), Some(test)) if hashed => {
            format!("cargo test{package}{profile} {test} -- --exact")
        }
        (Some("deps" | "examples"), None) if hashed => format!("cargo test{package}{profile}"),
        (Some("examples"), _) => format!("cargo run{package}{profile} --example {}", stem(program)),
        _ => quoted(&program.display().to_string()),
    }
}

/// Below cargo's target directory; where temporary files are if cargo did not run this.
fn directory(program: &Path) -> PathBuf {
    let kind = program
        .parent()
        .filter(|place| place.file_name().is_some_and(|name| name == "deps" || name == "examples"));
    let target = kind.and_then(Path::parent).and_then(Path::parent).map(Path::to_owned);
    target.unwrap_or_else(env::temp_dir).join("keygroups-sim")
}

/// Cargo puts a hash behind the names of test programs.
fn is_hashed(program: &Path) -> bool {
    let stem = program.file_stem().and_then(OsStr::to_str).unwrap_or_default();
    let hash = stem.rsplit_once('-').map(|(_, hash)| hash);
    hash.is_some_and(|hash| hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn stem(program: &Path) -> String {
    program.file_stem().map_or_else(|| "simulation".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./,:=+@%".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_runs_the_same_test_or_example_again() {
        let again = |program: &str, test, package| command(Path::new(program), test, package);
        assert_eq!(
            again("/w/target/debug/deps/orders-0123456789abcdef", Some("alerts::hold"), Some("shop")),
            "cargo test -p shop alerts::hold -- --exact"
        );
        assert_eq!(
            again("/w/target/release/deps/shop-0123456789abcdef", None, Some("shop")),
            "cargo test -p shop --release"
        );
        assert_eq!(
            again("/w/target/debug/examples/own_operator", None, Some("shop")),
            "cargo run -p shop --example own_operator"
        );
        assert_eq!(again("/opt/my tool", None, None), "'/opt/my tool'");
    }

    #[test]
    fn case_lies_below_the_target_directory() {
        let program = Path::new("/w/target/debug/deps/orders-0123456789abcdef");
        assert_eq!(directory(program), Path::new("/w/target/keygroups-sim"));
        assert_eq!(directory(Path::new("/opt/tool")), env::temp_dir().join("keygroups-sim"));
    }
}
