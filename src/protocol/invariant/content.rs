//! Invariants of what objects, notices and state contain.

use std::collections::BTreeMap;

use super::{Fact, History};
use crate::{
    checkpoint::{Certificate, ObjectName},
    key_group::KeyGroup,
};

pub(super) fn named_objects_exist_as_first_written(history: &History, fact: &Fact) -> Result<(), String> {
    match fact {
        Fact::ObjectWritten { name, fingerprint } => match history.written.get(name) {
            Some(first) if first != fingerprint => Err(format!("{name} was overwritten with other bytes")),
            Some(_) | None => Ok(()),
        },
        Fact::ObjectDeleted(name) => {
            let named = history.newest().is_some_and(|newest| newest.objects().any(|object| object == name));
            if named || history.outputs.contains(name) {
                return Err(format!("{name} was deleted and is still named"));
            }
            Ok(())
        }
        Fact::ManifestCreated(manifest) if history.extends(manifest) => {
            match manifest.objects().find(|object| !history.existing.contains(object)) {
                Some(object) => {
                    Err(format!("version {} names {object}, which does not exist", manifest.version))
                }
                None => Ok(()),
            }
        }
        Fact::ManifestDeleted(version)
            if history.newest().is_some_and(|newest| newest.version == *version) =>
        {
            Err(format!("version {version} is the newest manifest and was deleted"))
        }
        Fact::ManifestCreated(_)
        | Fact::ManifestDeleted(_)
        | Fact::Deployed(_)
        | Fact::Started(_)
        | Fact::Restored { .. }
        | Fact::Frozen { .. }
        | Fact::Acknowledged { .. }
        | Fact::Notified { .. }
        | Fact::Contents { .. } => Ok(()),
    }
}

pub(super) fn snapshots_lean_only_on_what_is_named(history: &History, fact: &Fact) -> Result<(), String> {
    match fact {
        // What a zombie leans on may be garbage; but once it was committed.
        Fact::Acknowledged { attempt, checkpoint, snapshot } => {
            let once_named = |base: &ObjectName| history.committed().any(|record| record.has_state(base));
            match snapshot.state.bases.iter().find(|base| !once_named(base)) {
                Some(base) => Err(format!(
                    "task {} of attempt {attempt} leans on {base} in checkpoint {checkpoint}, and no committed checkpoint names that",
                    snapshot.task
                )),
                None => Ok(()),
            }
        }
        Fact::ManifestCreated(manifest) => {
            let Some(record) = history.committed_by(manifest) else { return Ok(()) };
            let before = history.newest().and_then(|newest| newest.newest_checkpoint());
            let named = |base: &ObjectName| before.is_some_and(|before| before.has_state(base));
            match record.tasks.iter().flat_map(|task| &task.state.bases).find(|base| !named(base)) {
                Some(base) => Err(format!(
                    "checkpoint {} leans on {base}, which the one before does not name",
                    record.id
                )),
                None => Ok(()),
            }
        }
        Fact::ManifestDeleted(_)
        | Fact::ObjectWritten { .. }
        | Fact::ObjectDeleted(_)
        | Fact::Deployed(_)
        | Fact::Started(_)
        | Fact::Restored { .. }
        | Fact::Frozen { .. }
        | Fact::Notified { .. }
        | Fact::Contents { .. } => Ok(()),
    }
}

pub(super) fn notices_are_true_in_order_and_once(history: &History, fact: &Fact) -> Result<(), String> {
    let Fact::Notified { host, incarnation, attempt, task, checkpoint } = fact else { return Ok(()) };
    let Some(record) = history.committed.get(&(*attempt, *checkpoint)) else {
        return Err(format!(
            "task {task} of attempt {attempt} believes that checkpoint {checkpoint} is committed, and it is not"
        ));
    };
    if !record.tasks.iter().any(|snapshot| snapshot.task == *task) {
        return Err(format!("task {task} of attempt {attempt} took no part in checkpoint {checkpoint}"));
    }
    match history.notified.get(&(*host, *incarnation, *attempt, *task)) {
        Some(before) if before >= checkpoint => Err(format!(
            "task {task} of attempt {attempt} is notified of checkpoint {checkpoint} after {before}"
        )),
        Some(_) | None => Ok(()),
    }
}

pub(super) fn restored_is_what_was_frozen(history: &History, fact: &Fact) -> Result<(), String> {
    let Fact::Restored { attempt, task, groups } = fact else { return Ok(()) };
    let Some(deployment) = history.deployed.get(attempt).and_then(|tasks| tasks.get(task)) else {
        return Err(format!("task {task} of attempt {attempt} has restored and was never deployed"));
    };
    let mut expected = BTreeMap::new();
    for read in &deployment.restore.state {
        let object = read.handle.object;
        let crate::checkpoint::ObjectName::State { attempt, task, checkpoint } = object else { continue };
        let frozen = history.frozen.get(&(attempt, checkpoint, task)).into_iter().flatten();
        expected.extend(frozen.filter(|(group, _)| read.key_groups.contains(**group)));
    }
    let (found, expected) = (not_empty(groups), not_empty(&expected));
    let differing = found
        .iter()
        .chain(&expected)
        .map(|(group, _)| group)
        .find(|group| found.get(*group) != expected.get(*group));
    match differing {
        Some(group) => Err(format!(
            "task {task} of attempt {attempt} restored {:?} in key group {group}, frozen was {:?}",
            found.get(group),
            expected.get(group)
        )),
        None => Ok(()),
    }
}

pub(super) fn state_is_the_fold_of_the_records_before_the_barrier(
    _: &History,
    fact: &Fact,
) -> Result<(), String> {
    let Fact::Contents { checkpoint, found, expected } = fact else { return Ok(()) };
    if found.state != expected.state {
        return Err(format!(
            "checkpoint {checkpoint} holds {:?}, a sequential run gives {:?}",
            found.state, expected.state
        ));
    }
    Ok(())
}

pub(super) fn output_is_exactly_once(_: &History, fact: &Fact) -> Result<(), String> {
    let Fact::Contents { checkpoint, found, expected } = fact else { return Ok(()) };
    if found.output != expected.output {
        return Err(format!(
            "up to checkpoint {checkpoint} the committed output is {:?}, a sequential run gives {:?}",
            found.output, expected.output
        ));
    }
    Ok(())
}

fn not_empty(groups: &BTreeMap<KeyGroup, Certificate>) -> BTreeMap<KeyGroup, Certificate> {
    groups
        .iter()
        .filter(|(_, certificate)| **certificate != Certificate::default())
        .map(|(g, c)| (*g, *c))
        .collect()
}
