//! A case: a run written out in a file, and what is expected of it.

use std::fmt::Write as _;
use std::path::Path;

use keygroups_sim::case::Case;
use keygroups_sim::cluster::Summary;
use keygroups_sim::run::Run;
use keygroups_sim::shrink::Size;

use crate::Verdict;
use crate::sim::style::one_line;
use crate::sim::{Subject, opening_of};

/// What is said before and after a run.
pub(crate) struct Frame {
    pub(crate) opening: String,
    pub(crate) subject: Subject,
}

/// What is said of the case in `file`.
pub(crate) fn story(file: &Path, case: &Case) -> Frame {
    let name = file.display().to_string();
    let about = case.about.lines().map(|line| format!("{}\n", one_line(line)));
    let mut opening: String = about.collect();
    if !opening.is_empty() {
        opening.push('\n');
    }
    let faults = Size::of(case).faults.to_string();
    opening += &opening_of(&one_line(&name), "of its own", &case.scenario, &faults);
    if let Some(misfortunes) = case.plan.misfortunes.as_ref().filter(|misfortunes| !misfortunes.is_empty()) {
        opening += "chance strikes only what is listed:\n";
        for words in misfortunes.describe(|node| case.scenario.name_of(node)) {
            let _ = writeln!(opening, "  {words}");
        }
        opening.push('\n');
    }
    Frame { opening, subject: Subject::file(file) }
}

/// The verdict; whoever expects another one is told.
pub(super) fn judged(file: &Path, case: &Case, run: &Run<Summary>) -> Verdict {
    if !case.is_met_by(run) {
        let expected = case.breaks.as_deref().map_or("to hold".to_owned(), |rule| format!("to break {rule}"));
        let broken = run.outcome.as_ref().err().map(|violation| format!("it breaks {}", violation.rule()));
        let found = broken.unwrap_or_else(|| "it holds".to_owned());
        eprintln!("{}: the case is expected {expected}, and {found}", one_line(&file.display().to_string()));
    }
    crate::sim::judged(run)
}
