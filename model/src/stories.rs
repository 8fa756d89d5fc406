//! The stories by name, with the bound `quick`: small enough to be explored completely in seconds.

use crate::story::{Budget, Story};

const NOTHING: Budget = Budget {
    checkpoints: 0,
    expiries: 0,
    sweeps: 0,
    rescales: 0,
    host_crashes: 0,
    coordinator_crashes: 0,
    leader_suspicions: 0,
    host_suspicions: 0,
    store_faults: 0,
    upload_failures: 0,
    task_failures: 0,
    heartbeats: 0,
};

/// Checkpoints under crashes of a host.
pub const CHECKPOINT: Story = Story {
    name: "checkpoint",
    about: "One coordinator, one source, one counting task: checkpoints are triggered, expire, commit, and a crash restores them.",
    log: &[&[0, 1]],
    ends: false,
    max_parallelism: 2,
    elastic_source: false,
    parallelism: 1,
    rescales: &[],
    coordinators: 1,
    hosts: &[2],
    manifests_retained: 16,
    checkpoint_failures_max: 3,
    budget: Budget { checkpoints: 2, expiries: 1, host_crashes: 1, ..NOTHING },
};

/// Every story of the bound `quick`.
pub const QUICK: &[Story] = &[CHECKPOINT];
