//! What a run may come to in which the last good copy of something was destroyed: it holds, because nobody
//! needed that any more, or the loss is reported. Never a wrong result, and never a job that hangs without
//! saying why.

use super::Summary;
use crate::run::Violation;
use crate::storage::{Damaged, Need};
use std::collections::BTreeSet;

/// What may follow from a loss: that something needed cannot be read. Everything else is a wrong result.
const FOLLOWS: [&str; 3] = ["job_finishes_once_faults_stop", "output_is_readable", "garbage_is_collected"];

/// The verdict on a run that came to `outcome` after objects were `destroyed`. `reports` are the errors of
/// drivers that say that something is damaged or missing; `summary` is what the run was like.
pub(super) fn judge(
    outcome: Result<Summary, Violation>,
    destroyed: &[Damaged],
    reports: &BTreeSet<String>,
    summary: impl FnOnce() -> Summary,
) -> Result<Summary, Violation> {
    let Err(violation) = outcome else { return outcome };
    if destroyed.is_empty() || !FOLLOWS.contains(&violation.rule()) {
        return Err(violation);
    }
    let told = violation.to_string();
    let reported = destroyed.iter().find_map(|damaged| {
        let report = reports.iter().chain([&told]).find(|report| names(report, damaged))?;
        Some(format!("{}: {report}", what(damaged)))
    });
    match reported {
        Some(lost) => Ok(Summary { lost: Some(lost), ..summary() }),
        None => {
            let destroyed: Vec<_> = destroyed.iter().map(what).collect();
            let detail = format!("{} was destroyed, and no error names it: {told}", destroyed.join(", "));
            Err(Violation::broken("losses_are_reported", detail))
        }
    }
}

/// Whether an error says that this object is lost, and, of keyed state, which key groups.
fn names(report: &str, damaged: &Damaged) -> bool {
    let keyed = matches!(damaged.need, Need::State { key_groups: Some(_) });
    report.contains(name(damaged)) && (!keyed || report.contains("key group"))
}

/// The object's name: its path below the job.
fn name(damaged: &Damaged) -> &str {
    damaged.path.split_once('/').map_or(&*damaged.path, |(_, name)| name)
}

fn what(damaged: &Damaged) -> String {
    match &damaged.need {
        Need::State { key_groups: Some(groups) } => format!("{} with key groups {groups}", name(damaged)),
        _ => name(damaged).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::DamageKind;
    use keygroups::key_group::{KeyGroup, KeyGroupRange};

    fn damaged() -> [Damaged; 1] {
        let range = KeyGroupRange::new(KeyGroup(3), KeyGroup(9)).unwrap();
        let need = Need::State { key_groups: Some(range) };
        [Damaged { path: "job/state/a/b/1".to_owned(), how: DamageKind::BitRot, need }]
    }

    fn verdict(rule: &str, detail: &str, report: &str) -> Result<Option<String>, String> {
        let reports = BTreeSet::from([report.to_owned()]);
        let outcome = Err(Violation::broken(rule, detail));
        let judged = judge(outcome, &damaged(), &reports, Summary::default);
        judged.map(|summary| summary.lost).map_err(|violation| violation.rule().to_owned())
    }

    #[test]
    fn loss_is_reported_only_by_an_error_with_object_and_key_group() {
        let hangs = "job_finishes_once_faults_stop";
        let good = "task 1 cannot restore key groups 3–9 from state/a/b/1: missing";
        let lost = verdict(hangs, "", good).unwrap().unwrap();
        assert_eq!(lost, format!("state/a/b/1 with key groups 3–9: {good}"));
        let silent = Err("losses_are_reported".to_owned());
        assert_eq!(verdict(hangs, "", "state/a/b/1: missing"), silent);
        assert_eq!(verdict(hangs, "", "key groups 3–9 of state/a/b/2 are lost"), silent);
        assert_eq!(verdict("output_is_exactly_once", "", good), Err("output_is_exactly_once".to_owned()));
    }

    #[test]
    fn nothing_destroyed_changes_no_verdict() {
        let outcome = Err(Violation::broken("garbage_is_collected", ""));
        let judged = judge(outcome, &[], &BTreeSet::new(), Summary::default);
        assert_eq!(judged.unwrap_err().rule(), "garbage_is_collected");
    }
}
