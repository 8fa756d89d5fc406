//! Reads what a task starts from: one read for each snapshot's index, then one for each contiguous
//! run of what the task owns, and nothing else. Everything read is verified before the engine sees
//! it, wherever it was found: [`Source`] may have it from a local copy.
//!
//! Bounds, for each task that restores: [`SNAPSHOTS_AT_ONCE`] snapshots are read at a time, and of each
//! [`PIECES_AT_ONCE`] [pieces](RestoreReads::pieces); no more than these is held besides the state
//! that is restored. What was read of key groups that are written entry by entry is held until the last piece of their
//! snapshot has come, and dropped key group by key group while they are filled: a task's state is in memory once, read or
//! filled. A backend on disk gets the key groups of one snapshot after the other, a few
//! at a time, so that no more than these are in memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use futures::{StreamExt, stream};

use super::{
    DriverError,
    backends::Backends,
    engine::{RestoreMetrics, RestoredTask},
    runtime::TRIES_MAX,
    source::{Place, Source},
};
use crate::{
    ErrorKind,
    backend::BackendError,
    checkpoint::{Certificate, CheckpointId, ObjectName, StateHandle, TaskId},
    key_group::{KeyGroup, KeyGroupRange, MaxParallelism},
    protocol::{Deployment, FailureCause, OperatorRead, Restore},
    snapshot::{self, OperatorState, RestoreReads, Restored, Verified, Wanted},
};

/// Enough to hide the latency of a remote store behind the decoding of what has arrived.
const SNAPSHOTS_AT_ONCE: usize = 4;
/// Pieces of some 8 MiB of one snapshot; a local disk gains nothing from more.
const PIECES_AT_ONCE: usize = 4;

/// Who restores what.
#[derive(Clone, Copy, Debug)]
pub struct RestoringTask<'a> {
    /// The task.
    pub task: TaskId,
    /// The key groups it owns of how many; `None` for a vertex without keyed state.
    pub owned: Option<(MaxParallelism, KeyGroupRange)>,
    /// What it reads.
    pub plan: &'a Restore,
}

impl<'a> From<&'a Deployment> for RestoringTask<'a> {
    fn from(deployment: &'a Deployment) -> Self {
        Self {
            task: deployment.task,
            owned: deployment.max_parallelism.zip(deployment.key_groups),
            plan: &deployment.restore,
        }
    }
}

/// What a task starts from, and the certificate of its keyed state as it was read.
pub(super) async fn restore(
    source: &Source,
    backends: &Backends,
    whose: &RestoringTask<'_>,
) -> Result<(RestoredTask, Certificate), DriverError> {
    let plan = whose.plan;
    let mut backend = None;
    if let Some((max_parallelism, key_groups)) = whose.owned {
        let to_open = backends.clone();
        let open = move || to_open.open(max_parallelism, key_groups);
        let opened = if backends.open_slowly() { source.requests().compute(open).await? } else { open() };
        backend = Some(opened.map_err(|source| misfit(whose.task, source))?);
    }
    let mut metrics = RestoreMetrics::default();
    let mut runs: Vec<Option<OperatorState>> = vec![None; plan.operator_state.len()];
    let steps = by_snapshot(plan).flat_map(|part| {
        let key_groups = backends.key_groups_at_once(&part.handle);
        part.in_steps(key_groups)
    });
    let mut fetches = stream::iter(steps)
        .map(|part| fetch_again(source, whose.task, part))
        .buffered(backends.snapshots_at_once(SNAPSHOTS_AT_ONCE));
    while let Some(fetched) = fetches.next().await {
        let Fetched { restored, runs_at, read } = fetched?;
        metrics.bytes_read += read.bytes_read;
        metrics.bytes_local += read.bytes_local;
        metrics.bytes_owned += read.bytes_owned;
        metrics.requests += read.requests;
        metrics.copies_used += read.copies_used;
        for (at, run) in runs_at.into_iter().zip(restored.operator_state) {
            runs[at] = Some(run);
        }
        if let Some(sections) = restored.key_groups
            && let Some(mut filling) = backend.take()
        {
            let added = move || filling.restore_and_drop(sections).map(|()| filling);
            let filled = source.requests().compute(added).await?;
            backend = Some(filled.map_err(|source| misfit(whose.task, source))?);
        }
    }
    let certificate = match &backend {
        Some(backend) if plan.checkpoint != CheckpointId::NONE => {
            backend.finish_restore().map_err(|source| misfit(whose.task, source))?
        }
        Some(_) | None => Certificate::default(),
    };
    let operator_state = joined(&plan.operator_state, runs);
    Ok((RestoredTask { backend, operator_state, metrics }, certificate))
}

/// What the leader hears of a restore that failed.
pub(super) fn failure_cause(error: &DriverError) -> FailureCause {
    match error {
        DriverError::Backend { source, .. } if source.kind() == ErrorKind::Retry => {
            FailureCause::RestoreUnavailable
        }
        // The state is sound; this host has no place for it.
        #[cfg(feature = "disk")]
        DriverError::Backend { source: BackendError::ForeignDirectory { .. }, .. } => {
            FailureCause::RestoreUnavailable
        }
        DriverError::Snapshot { .. } | DriverError::Backend { .. } => FailureCause::RestoreCorrupt,
        DriverError::Restore { source, .. } => failure_cause(source),
        DriverError::Store(_) | DriverError::TimedOut { .. } | DriverError::ComputeDropped => {
            if error.kind() == ErrorKind::Corrupt {
                FailureCause::RestoreCorrupt
            } else {
                FailureCause::RestoreUnavailable
            }
        }
    }
}

fn misfit(task: TaskId, source: BackendError) -> DriverError {
    DriverError::Backend { task, source }
}

/// What one task wants of one snapshot.
#[derive(Clone)]
struct Part {
    handle: Arc<StateHandle>,
    wanted: Wanted,
    /// The positions of its runs of items in the plan.
    runs_at: Vec<usize>,
}

impl Part {
    /// The same in parts of at most so many key groups each, at least one.
    fn in_steps(self, key_groups: usize) -> Vec<Self> {
        let Self { handle, mut wanted, mut runs_at } = self;
        let wanted_groups: usize = wanted.key_groups.iter().map(|run| run.len()).sum();
        if wanted_groups <= key_groups {
            return vec![Self { handle, wanted, runs_at }];
        }
        let runs = std::mem::take(&mut wanted.key_groups);
        let steps =
            runs.into_iter().flat_map(|run| (0..run.len()).step_by(key_groups).map(move |at| (run, at)));
        let step = |(run, at): (KeyGroupRange, usize)| {
            let first = KeyGroup(run.first().0 + at as u16);
            let last = run.last().min(KeyGroup(first.0.saturating_add((key_groups - 1) as u16)));
            let key_groups = KeyGroupRange::new(first, last).expect("a step begins within its run");
            // All runs of items come with the first.
            let (handle, runs_at) = (Arc::clone(&handle), std::mem::take(&mut runs_at));
            let operator_items = std::mem::take(&mut wanted.operator_items);
            Self { handle, wanted: Wanted { key_groups: vec![key_groups], operator_items }, runs_at }
        };
        steps.map(step).collect()
    }
}

struct Fetched {
    restored: Restored,
    runs_at: Vec<usize>,
    read: RestoreMetrics,
}

/// The plan by snapshot, so that each index is read once.
fn by_snapshot(plan: &Restore) -> impl Iterator<Item = Part> {
    fn part<'a>(parts: &'a mut BTreeMap<ObjectName, Part>, handle: &Arc<StateHandle>) -> &'a mut Part {
        parts.entry(handle.object).or_insert_with(|| Part {
            handle: Arc::clone(handle),
            wanted: Wanted::default(),
            runs_at: Vec::new(),
        })
    }
    let mut parts = BTreeMap::new();
    for read in &plan.state {
        part(&mut parts, &read.handle).wanted.key_groups.push(read.key_groups);
    }
    for (at, read) in plan.operator_state.iter().enumerate() {
        let part = part(&mut parts, &read.handle);
        let items = read.first_item..read.first_item.saturating_add(read.items);
        part.wanted.operator_items.push((read.name.clone(), items));
        part.runs_at.push(at);
    }
    parts.into_values()
}

/// The operator states of a task: their runs joined in the order of the plan.
fn joined(plan: &[OperatorRead], runs: Vec<Option<OperatorState>>) -> Vec<OperatorState> {
    let mut states = BTreeMap::new();
    for (read, run) in plan.iter().zip(runs) {
        let state = states.entry(&read.name).or_insert_with(|| OperatorState {
            name: read.name.clone(),
            mode: read.mode,
            items: Vec::new(),
        });
        state.items.extend(run.into_iter().flat_map(|run| run.items));
    }
    states.into_values().collect()
}

/// Fetches, and again what turns out to be damaged: bytes can be damaged on their way, or by a store that
/// has better copies. What is damaged every time is lost, and the error says what that is.
async fn fetch_again(source: &Source, task: TaskId, part: Part) -> Result<Fetched, DriverError> {
    let mut tries = 1;
    loop {
        match fetch(source, part.clone()).await {
            Err(error) if error.kind() == ErrorKind::Corrupt && tries < TRIES_MAX => {
                tries += 1;
                let requests = source.requests();
                requests.runtime.sleep(requests.timings.store_retry).await;
            }
            fetched => {
                return fetched.map_err(|source| {
                    let Part { handle, wanted, .. } = part;
                    DriverError::Restore { task, object: handle.object, wanted, source: Box::new(source) }
                });
            }
        }
    }
}

async fn fetch(source: &Source, part: Part) -> Result<Fetched, DriverError> {
    let Part { handle, wanted, runs_at } = part;
    let object = handle.object;
    let index = source.index(object, snapshot::index_read(&handle)).await?;
    let reads = RestoreReads::new(&handle, wanted, &index)
        .map_err(|source| DriverError::Snapshot { object, source })?;

    let reads = Arc::new(reads);
    let mut fetches = stream::iter(reads.pieces())
        .map(|piece| fetch_piece(source, Arc::clone(&reads), piece))
        .buffered(PIECES_AT_ONCE);
    let mut read =
        RestoreMetrics { bytes_read: handle.index_bytes, requests: 1, ..RestoreMetrics::default() };
    let (mut verified, mut copies) = (Vec::new(), BTreeSet::new());
    while let Some(fetched) = fetches.next().await {
        let FetchedPiece { object, verified: piece, place, bytes, ranges } = fetched?;
        verified.push(piece);
        read.bytes_owned += bytes;
        match place {
            Place::Copy => {
                copies.insert(object);
                read.bytes_local += bytes;
            }
            Place::Store => {
                read.bytes_read += bytes;
                read.requests += ranges;
            }
        }
    }
    drop(fetches);
    read.copies_used = copies.len() as u64;
    let restored = reads.assemble(verified).map_err(|source| DriverError::Snapshot { object, source })?;
    Ok(Fetched { restored, runs_at, read })
}

struct FetchedPiece {
    object: ObjectName,
    verified: Verified,
    place: Place,
    bytes: u64,
    ranges: u64,
}

/// One piece of what is wanted of a snapshot, from the object that holds it.
async fn fetch_piece(
    source: &Source,
    reads: Arc<RestoreReads>,
    piece: Range<usize>,
) -> Result<FetchedPiece, DriverError> {
    let of_piece = &reads.reads()[piece.clone()];
    let object = of_piece[0].object;
    let ranges: Vec<_> = of_piece.iter().map(|read| read.range.clone()).collect();
    let bytes = ranges.iter().map(|range| range.end - range.start).sum();
    let verify = {
        let reads = Arc::clone(&reads);
        move |buffers| reads.verify(piece, buffers)
    };
    let (verified, place) = source.read(object, &ranges, verify).await?;
    Ok(FetchedPiece { object, verified, place, bytes, ranges: ranges.len() as u64 })
}
