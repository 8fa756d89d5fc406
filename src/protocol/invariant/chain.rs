//! Invariants of the chain of manifests: who decides, and in which order.

use super::{Fact, History, JobView};

pub(super) fn nobody_believes_a_lost_step(view: &JobView<'_>) -> Result<(), String> {
    for coordinator in &view.coordinators {
        let Some(manifest) = coordinator.manifest() else { continue };
        if view.history.chain.get(&manifest.version) != Some(manifest) {
            return Err(format!(
                "coordinator {} works from version {} of epoch {}, which is not in the chain",
                coordinator.id(),
                manifest.version,
                manifest.epoch
            ));
        }
    }
    Ok(())
}

pub(super) fn versions_are_dense_and_written_by_their_leader(
    history: &History,
    fact: &Fact,
) -> Result<(), String> {
    let Fact::ManifestCreated(manifest) = fact else { return Ok(()) };
    let Some(newest) = history.newest() else {
        return match manifest.version.0 {
            1 => Ok(()),
            version => Err(format!("the chain begins with version {version}")),
        };
    };
    if manifest.version <= newest.version {
        // Litter below the newest version; whoever believes it is caught by another invariant.
        return Ok(());
    }
    let same_leader = manifest.epoch == newest.epoch && manifest.nonce == newest.nonce;
    let next_leader = manifest.epoch.0 == newest.epoch.0 + 1;
    if manifest.version != newest.version.next() || !(same_leader || next_leader) {
        return Err(format!(
            "version {} of epoch {} (nonce {}) follows version {} of epoch {} (nonce {})",
            manifest.version, manifest.epoch, manifest.nonce, newest.version, newest.epoch, newest.nonce
        ));
    }
    if next_leader && manifest.checkpoints != newest.checkpoints {
        return Err(format!("the claim of epoch {} changes the checkpoints", manifest.epoch));
    }
    Ok(())
}

pub(super) fn the_job_never_changes(history: &History, fact: &Fact) -> Result<(), String> {
    match (fact, history.newest()) {
        (Fact::ManifestCreated(manifest), Some(newest)) if manifest.job != newest.job => {
            Err(format!("version {} has another job than version {}", manifest.version, newest.version))
        }
        _ => Ok(()),
    }
}

pub(super) fn committed_was_acknowledged_by_exactly_its_tasks(
    history: &History,
    fact: &Fact,
) -> Result<(), String> {
    let Fact::ManifestCreated(manifest) = fact else { return Ok(()) };
    let Some(record) = history.committed_by(manifest) else { return Ok(()) };
    let planned = history
        .deployed
        .get(&record.attempt)
        .and_then(|tasks| tasks.values().next())
        .map(|deployment| deployment.layout.tasks.keys().copied().collect::<Vec<_>>())
        .unwrap_or_default();
    let found: Vec<_> = record.tasks.iter().map(|snapshot| snapshot.task).collect();
    if found != planned {
        return Err(format!(
            "checkpoint {} of attempt {} holds tasks {found:?}, planned were {planned:?}",
            record.id, record.attempt
        ));
    }
    for snapshot in &record.tasks {
        let acknowledged = history.acknowledged.get(&(record.attempt, record.id, snapshot.task));
        if acknowledged.map(|found| &**found) != Some(snapshot) {
            return Err(format!(
                "checkpoint {} of attempt {}: task {} did not acknowledge what is committed for it",
                record.id, record.attempt, snapshot.task
            ));
        }
    }
    Ok(())
}

pub(super) fn checkpoint_ids_only_rise(history: &History, fact: &Fact) -> Result<(), String> {
    let (Fact::ManifestCreated(manifest), Some(newest)) = (fact, history.newest()) else { return Ok(()) };
    if !history.extends(manifest) {
        return Ok(());
    }
    let (before, after) = (newest.newest_checkpoint_id(), manifest.newest_checkpoint_id());
    let ascending = manifest.checkpoints.is_sorted_by(|a, b| a.id < b.id);
    if after < before || !ascending || manifest.next_checkpoint <= after {
        return Err(format!(
            "version {} has newest checkpoint {after} (next {}), version {} has {before}",
            manifest.version, manifest.next_checkpoint, newest.version
        ));
    }
    Ok(())
}

pub(super) fn nothing_older_commits_after_a_restore_decision(
    history: &History,
    fact: &Fact,
) -> Result<(), String> {
    let Fact::ManifestCreated(manifest) = fact else { return Ok(()) };
    let Some(record) = history.committed_by(manifest) else { return Ok(()) };
    let newest = history.deployed.keys().rev().find(|attempt| attempt.epoch <= manifest.epoch);
    if newest != Some(&record.attempt) {
        return Err(format!(
            "version {} commits checkpoint {} of attempt {}, the newest deployed attempt is {}",
            manifest.version,
            record.id,
            record.attempt,
            newest.copied().unwrap_or_default()
        ));
    }
    Ok(())
}

pub(super) fn recovery_starts_from_the_newest(history: &History, fact: &Fact) -> Result<(), String> {
    let Fact::Deployed(deployment) = fact else { return Ok(()) };
    let first = !history.deployed.contains_key(&deployment.attempt);
    // A repeated deploy was decided when it was first sent.
    if !first {
        return Ok(());
    }
    let newest = history
        .newest_of(deployment.attempt.epoch)
        .map(|manifest| manifest.newest_checkpoint_id())
        .unwrap_or_default();
    if deployment.restore.checkpoint != newest {
        return Err(format!(
            "attempt {} starts from checkpoint {}, the newest committed one is {newest}",
            deployment.attempt, deployment.restore.checkpoint
        ));
    }
    Ok(())
}
