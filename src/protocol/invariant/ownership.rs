//! Invariants of who owns which state.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fact, History, JobView};
use crate::{
    checkpoint::{CheckpointRecord, ObjectName, OperatorStateInfo, RedistributionMode, TaskId, VertexId},
    key_group::{KeyGroup, KeyGroupRange, assign},
    protocol::{message::Deployment, restore::OperatorRead},
};

pub(super) fn each_key_group_has_one_owner(view: &JobView<'_>) -> Result<(), String> {
    let Some(manifest) = view.history.newest() else { return Ok(()) };
    let mut owners = BTreeSet::new();
    for host in &view.hosts {
        for (id, task) in host.tasks().filter(|(_, task)| task.is_active()) {
            let deployment = task.deployment();
            if !owners.insert((deployment.attempt, *id)) {
                return Err(format!("task {id} of attempt {} runs on two hosts", deployment.attempt));
            }
            let (Some(range), Some(max)) = (
                deployment.key_groups,
                manifest.job.vertex(id.vertex).and_then(|vertex| vertex.max_parallelism),
            ) else {
                continue;
            };
            let parallelism = manifest.job.parallelism_of(id.vertex, deployment.layout.parallelism);
            let routed = |group: KeyGroup| assign::owner(group, max, parallelism) == id.subtask;
            let neighbour_below = range.first().0.checked_sub(1).is_some_and(|group| routed(KeyGroup(group)));
            let neighbour_above = range.last().0 + 1 < max.get() && routed(KeyGroup(range.last().0 + 1));
            if !range.iter().all(routed) || neighbour_below || neighbour_above {
                return Err(format!(
                    "task {id} of attempt {} owns key groups {range}, records are routed differently",
                    deployment.attempt
                ));
            }
        }
    }
    Ok(())
}

pub(super) fn an_attempt_starts_when_all_have_restored(history: &History, fact: &Fact) -> Result<(), String> {
    let Fact::Started(attempt) = fact else { return Ok(()) };
    let Some(deployment) = history.deployed.get(attempt).and_then(|tasks| tasks.values().next()) else {
        return Err(format!("attempt {attempt} is started and was never deployed"));
    };
    match deployment.layout.tasks.keys().find(|task| !history.restored.contains(&(*attempt, **task))) {
        Some(task) => Err(format!("attempt {attempt} is started and task {task} has not restored")),
        None => Ok(()),
    }
}

pub(super) fn restore_reads_exactly_what_is_owned(history: &History, fact: &Fact) -> Result<(), String> {
    let Fact::Deployed(deployment) = fact else { return Ok(()) };
    let Some(record) = restored_record(history, deployment) else { return Ok(()) };
    let task = deployment.task;
    let mut read = BTreeSet::new();
    for part in &deployment.restore.state {
        let owner = record.tasks.iter().find(|old| old.state.object == part.handle.object);
        let owned = owner.filter(|old| old.task.vertex == task.vertex).and_then(|old| old.state.key_groups);
        if !owned.is_some_and(|owned| owned.contains_range(part.key_groups)) {
            return Err(format!(
                "task {task} of attempt {} reads key groups {} from {}, which does not hold them in checkpoint {}",
                deployment.attempt, part.key_groups, part.handle.object, record.id
            ));
        }
        for group in part.key_groups.iter() {
            if !read.insert(group) {
                return Err(format!(
                    "task {task} of attempt {} reads key group {group} twice",
                    deployment.attempt
                ));
            }
        }
    }
    let owned: BTreeSet<KeyGroup> = deployment.key_groups.into_iter().flat_map(KeyGroupRange::iter).collect();
    if read != owned {
        return Err(format!(
            "task {task} of attempt {} owns {} key groups and reads {}",
            deployment.attempt,
            owned.len(),
            read.len()
        ));
    }
    Ok(())
}

pub(super) fn operator_state_is_redistributed_by_its_mode(
    history: &History,
    fact: &Fact,
) -> Result<(), String> {
    let Fact::Deployed(deployment) = fact else { return Ok(()) };
    let Some(record) = restored_record(history, deployment) else { return Ok(()) };
    let mut tasks = history.deployed.get(&deployment.attempt).cloned().unwrap_or_default();
    tasks.insert(deployment.task, std::sync::Arc::clone(deployment));
    if tasks.len() < deployment.layout.tasks.len() {
        // Judged when the last task of the attempt is deployed.
        return Ok(());
    }
    let vertices: BTreeSet<VertexId> = tasks.keys().map(|task| task.vertex).collect();
    for vertex in vertices {
        let old = items(record, vertex);
        let reads: BTreeMap<TaskId, &[OperatorRead]> = tasks
            .iter()
            .filter(|(task, _)| task.vertex == vertex)
            .map(|(task, deployment)| (*task, deployment.restore.operator_state.as_slice()))
            .collect();
        for (name, (mode, all)) in old {
            let given: Vec<Vec<Item>> = reads.values().map(|reads| items_read(reads, &name)).collect();
            let fair = match mode {
                RedistributionMode::SplitDistribute => sorted(given.concat()) == all,
                RedistributionMode::Union => given.iter().all(|given| sorted(given.clone()) == all),
                RedistributionMode::Broadcast => given.iter().all(|given| is_one_copy(given, &all)),
            };
            if !fair {
                return Err(format!(
                    "attempt {}: operator state {name:?} of vertex {vertex} ({mode:?}) is not redistributed by its mode",
                    deployment.attempt
                ));
            }
        }
    }
    Ok(())
}

type Item = (ObjectName, u32);

fn restored_record<'h>(history: &'h History, deployment: &Deployment) -> Option<&'h CheckpointRecord> {
    let manifest = history.newest_of(deployment.attempt.epoch)?;
    manifest.newest_checkpoint().filter(|record| record.id == deployment.restore.checkpoint)
}

// Every item of every operator state of a vertex, ascending.
fn items(record: &CheckpointRecord, vertex: VertexId) -> BTreeMap<String, (RedistributionMode, Vec<Item>)> {
    let mut states = BTreeMap::new();
    for snapshot in record.tasks.iter().filter(|snapshot| snapshot.task.vertex == vertex) {
        for OperatorStateInfo { name, mode, items } in &snapshot.state.operator_state {
            let (_, all) = states.entry(name.clone()).or_insert_with(|| (*mode, Vec::new()));
            all.extend((0..*items).map(|item| (snapshot.state.object, item)));
        }
    }
    states
}

fn items_read(reads: &[OperatorRead], name: &str) -> Vec<Item> {
    reads
        .iter()
        .filter(|read| read.name == name)
        .flat_map(|read| {
            (read.first_item..read.first_item + read.items).map(|item| (read.handle.object, item))
        })
        .collect()
}

fn sorted(mut items: Vec<Item>) -> Vec<Item> {
    items.sort_unstable();
    items
}

fn is_one_copy(given: &[Item], all: &[Item]) -> bool {
    let Some((source, _)) = given.first() else { return all.is_empty() };
    let copy: Vec<Item> = all.iter().filter(|(object, _)| object == source).copied().collect();
    sorted(given.to_vec()) == copy
}
