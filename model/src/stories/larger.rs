//! The bounds `ci` and `deep`: the same stories with more of everything.

use super::{ALIGNMENT, CALM, CHECKPOINT, EVERYTHING, INCREMENTAL, LEADERSHIP, RESCALE, SCALE_OUT};
use crate::story::{Budget, Story};

// The smallest job that can be rescaled: with a counting task all of this together is too much.
const SOURCES: Story = Story { log: &[&[]], sources: None, counting: false, hosts: &[2], ..EVERYTHING };

/// Every story of the bound `ci`: together within a minute on two cores.
pub const CI: &[Story] = &[
    Story {
        log: &[&[0, 0], &[0]],
        budget: Budget { checkpoints: 2, expiries: 1, host_crashes: 1, ..CALM },
        ..ALIGNMENT
    },
    Story {
        budget: Budget {
            checkpoints: 2,
            expiries: 1,
            host_crashes: 1,
            upload_failures: 1,
            task_failures: 1,
            store_faults: 1,
            ..CALM
        },
        ..CHECKPOINT
    },
    Story {
        budget: Budget { checkpoints: 2, expiries: 1, host_crashes: 1, upload_failures: 1, ..CALM },
        ..INCREMENTAL
    },
    Story {
        name: "incremental-rescale",
        about: "From one counting task to two, whose snapshots lean on what the one left behind.",
        ends: false,
        incremental: true,
        budget: Budget { rescales: 1, checkpoints: 2, ..CALM },
        ..SCALE_OUT
    },
    Story { budget: Budget { campaigns: 3, checkpoints: 1, store_faults: 1, ..CALM }, ..LEADERSHIP },
    Story { budget: Budget { rescales: 2, host_crashes: 1, ..CALM }, ..RESCALE },
    Story {
        name: "slots-lost",
        about: "One coordinator, two hosts, from one counting task to two and back; meanwhile a host is believed to be gone with its slots, until it is heard of again.",
        budget: Budget { rescales: 2, host_suspicions: 1, ..CALM },
        ..RESCALE
    },
    Story { budget: Budget { rescales: 1, campaigns: 2, host_crashes: 1, ..CALM }, ..EVERYTHING },
    Story {
        name: "everything-garbage",
        about: "Two coordinators, and the sources, which are all of the job, go from one to two, while the store fails once and somebody looks for garbage.",
        budget: Budget { rescales: 1, campaigns: 2, store_faults: 1, sweeps: 1, ..CALM },
        ..SOURCES
    },
    Story {
        name: "everything-expiry",
        about: "Two coordinators, and the sources, which are all of the job, go from one to two, while the store fails once and a checkpoint expires.",
        budget: Budget { rescales: 1, campaigns: 2, store_faults: 1, expiries: 1, ..CALM },
        ..SOURCES
    },
];

/// Every story of the bound `deep`: as far as half an hour and 20 GB go.
pub const DEEP: &[Story] = &[
    Story {
        log: &[&[0], &[0], &[0]],
        sources: Some(3),
        hosts: &[4],
        budget: Budget { checkpoints: 2, expiries: 1, host_crashes: 1, ..CALM },
        ..ALIGNMENT
    },
    Story {
        budget: Budget { checkpoints: 3, expiries: 1, host_crashes: 2, upload_failures: 1, ..CALM },
        ..CHECKPOINT
    },
    Story {
        log: &[&[]],
        coordinators: 3,
        budget: Budget { campaigns: 3, checkpoints: 1, ..CALM },
        ..LEADERSHIP
    },
    Story {
        log: &[&[3]],
        max_parallelism: 4,
        parallelism: 2,
        rescales: &[3, 1],
        hosts: &[2, 2],
        budget: Budget { rescales: 2, host_crashes: 1, ..CALM },
        ..RESCALE
    },
    Story {
        log: &[&[3]],
        max_parallelism: 4,
        parallelism: 2,
        rescales: &[3, 1],
        hosts: &[4],
        budget: Budget { rescales: 2, campaigns: 2, host_crashes: 1, ..CALM },
        ..EVERYTHING
    },
    Story {
        name: "everything-faults",
        about: "Two coordinators, and the sources, which are all of the job, go from one to two, while the store fails once, a checkpoint expires and somebody looks for garbage.",
        budget: Budget { rescales: 1, campaigns: 2, store_faults: 1, sweeps: 1, expiries: 1, ..CALM },
        ..SOURCES
    },
];
