//! The stories by name and bound.
//!
//! A model is the same story in every bound; what differs is how much there is of everything. Here
//! are those of the bound `quick`, small enough to be explored completely in seconds. Models that
//! only exist there look closely at one thing.

mod larger;

pub use larger::{CI, DEEP};

use keygroups::checkpoint::RedistributionMode;

use crate::story::{Budget, Story};

/// Nothing goes wrong, and nothing happens that nobody asked for.
const CALM: Budget = Budget {
    checkpoints: 0,
    expiries: 0,
    sweeps: 0,
    rescales: 0,
    host_crashes: 0,
    coordinator_crashes: 0,
    campaigns: 1,
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
    log: &[&[0]],
    ends: false,
    max_parallelism: 1,
    sources: Some(1),
    offsets: RedistributionMode::SplitDistribute,
    counting: true,
    parallelism: 1,
    rescales: &[],
    coordinators: 1,
    hosts: &[2],
    manifests_retained: 16,
    checkpoint_failures_max: 3,
    incremental: false,
    budget: Budget { checkpoints: 2, expiries: 1, host_crashes: 1, ..CALM },
};

/// Takeover, zombies, ambiguous answers of the store.
pub const LEADERSHIP: Story = Story {
    name: "leadership",
    about: "Two coordinators, the second suspects the first: whoever creates the next manifest decides, also when an answer of the store is lost.",
    log: &[&[0]],
    ends: false,
    max_parallelism: 1,
    sources: Some(1),
    offsets: RedistributionMode::SplitDistribute,
    counting: true,
    parallelism: 1,
    rescales: &[],
    coordinators: 2,
    hosts: &[2],
    manifests_retained: 1,
    checkpoint_failures_max: 3,
    incremental: false,
    budget: Budget { campaigns: 2, checkpoints: 1, store_faults: 1, ..CALM },
};

/// From one subtask to two.
pub const SCALE_OUT: Story = Story {
    name: "scale-out",
    about: "One coordinator, two hosts, from one counting task to two: the attempt stops with a checkpoint, and a key group moves.",
    log: &[&[0, 1]],
    ends: true,
    max_parallelism: 2,
    sources: Some(1),
    offsets: RedistributionMode::SplitDistribute,
    counting: true,
    parallelism: 1,
    rescales: &[2],
    coordinators: 1,
    hosts: &[2, 1],
    manifests_retained: 16,
    checkpoint_failures_max: 3,
    incremental: false,
    budget: Budget { rescales: 1, ..CALM },
};

/// A host that is heard of late.
pub const LATE_HOST: Story = Story {
    name: "late-host",
    about: "The job wants two counting tasks and may have to begin with one, until the second host is heard of.",
    log: &[&[0]],
    ends: false,
    parallelism: 2,
    rescales: &[],
    budget: CALM,
    ..SCALE_OUT
};

/// From two subtasks to one.
pub const SCALE_IN: Story = Story {
    name: "scale-in",
    about: "One coordinator, one host, from two counting tasks to one, which merges their snapshots.",
    parallelism: 2,
    rescales: &[1],
    hosts: &[3],
    budget: Budget { rescales: 1, checkpoints: 1, ..CALM },
    ..SCALE_OUT
};

/// Barriers across channels.
pub const ALIGNMENT: Story = Story {
    name: "alignment",
    about: "Two sources, one counting task: a channel whose barrier has come waits for the other, also when the checkpoint is given up meanwhile.",
    log: &[&[0], &[0]],
    ends: false,
    max_parallelism: 1,
    sources: Some(2),
    offsets: RedistributionMode::SplitDistribute,
    counting: true,
    parallelism: 1,
    rescales: &[],
    coordinators: 1,
    hosts: &[3],
    manifests_retained: 16,
    checkpoint_failures_max: 3,
    incremental: false,
    budget: Budget { checkpoints: 2, expiries: 1, ..CALM },
};

/// A task cannot take part, and says so.
pub const DECLINED: Story = Story {
    name: "declined",
    about: "A snapshot cannot be uploaded: the checkpoint is given up, and the next one takes its place.",
    budget: Budget { checkpoints: 2, expiries: 1, upload_failures: 1, ..CALM },
    ..CHECKPOINT
};

/// What an upload leaves behind that fails half way.
pub const HALF_WRITTEN: Story = Story {
    name: "half-written",
    about: "A snapshot cannot be uploaded whole, and nobody is told of what was written: the leader finds it when it looks for garbage.",
    budget: Budget { checkpoints: 1, sweeps: 1, upload_failures: 1, host_crashes: 1, ..CALM },
    ..CHECKPOINT
};

/// A task of the attempt before goes on for a while.
pub const STRAGGLERS: Story = Story {
    name: "stragglers",
    about: "The source and the counting task run on different hosts; the counting task fails, and the source hears of it late.",
    hosts: &[1, 1],
    budget: Budget { checkpoints: 1, task_failures: 1, ..CALM },
    ..CHECKPOINT
};

/// Paused leaders and pruned manifests.
pub const ZOMBIES: Story = Story {
    name: "zombies",
    about: "Two coordinators overtake each other twice, the job is a source alone, and only the newest manifest is kept.",
    log: &[&[]],
    counting: false,
    hosts: &[1],
    budget: Budget { campaigns: 3, checkpoints: 1, store_faults: 1, ..CALM },
    ..LEADERSHIP
};

/// Deletes that come late.
pub const GARBAGE: Story = Story {
    name: "garbage",
    about: "Two coordinators look for garbage while one takes over from the other: nothing that is named is ever deleted.",
    budget: Budget { campaigns: 2, checkpoints: 1, sweeps: 1, ..CALM },
    ..LEADERSHIP
};

/// A coordinator's process that dies and comes back.
pub const REBORN: Story = Story {
    name: "reborn",
    about: "One coordinator dies and comes back: it has to claim the next epoch, and what it had asked of the store may land meanwhile.",
    budget: Budget { campaigns: 3, coordinator_crashes: 2, checkpoints: 1, sweeps: 1, ..CALM },
    manifests_retained: 1,
    ..CHECKPOINT
};

/// A leader that dies and forgets that it led.
pub const FORGETFUL: Story = Story {
    name: "forgetful",
    about: "Two coordinators, the second overtakes the first, ends what it runs, dies and remembers nothing: the first must learn all the same that it does not lead any more.",
    manifests_retained: 16,
    budget: Budget { campaigns: 2, coordinator_crashes: 1, heartbeats: 1, checkpoints: 1, ..CALM },
    ..ZOMBIES
};

/// A host that is believed to be gone and goes on.
pub const SUSPECTED: Story = Story {
    name: "suspected",
    about: "Two hosts with room for the job each; the one that runs it is believed to be gone, and its tasks go on beside those of the next attempt.",
    hosts: &[2, 2],
    budget: Budget { host_suspicions: 1, checkpoints: 1, ..CALM },
    ..CHECKPOINT
};

/// Up and down again.
pub const RESCALE: Story = Story {
    name: "rescale",
    about: "One coordinator, two hosts, from one counting task to two and back to one; the second wish may come while the first is carried out.",
    log: &[&[0, 1]],
    ends: false,
    rescales: &[2, 1],
    budget: Budget { rescales: 2, ..CALM },
    ..SCALE_OUT
};

/// A rescale under a leader that is overtaken.
pub const EVERYTHING: Story = Story {
    name: "everything",
    about: "Two coordinators, and the job goes from one task to two: whoever leads carries the wish out, whoever led may believe that it still does.",
    log: &[&[1]],
    hosts: &[3],
    coordinators: 2,
    manifests_retained: 1,
    rescales: &[2],
    budget: Budget { rescales: 1, campaigns: 2, ..CALM },
    ..RESCALE
};

/// State that cannot be read for now.
pub const UNREADABLE: Story = Story {
    name: "unreadable",
    about: "A task fails, and the next attempt reads what the last checkpoint has left; the store may fail while it does.",
    budget: Budget { checkpoints: 1, task_failures: 1, store_faults: 1, ..CALM },
    ..CHECKPOINT
};

/// Operator state that every subtask restores whole.
pub const UNION: Story = Story {
    name: "union",
    about: "Sources and counting tasks go from one to two, and the offsets are union state: each source restores all of them and keeps its own.",
    log: &[&[0]],
    ends: false,
    sources: None,
    offsets: RedistributionMode::Union,
    hosts: &[4],
    budget: Budget { rescales: 1, checkpoints: 1, ..CALM },
    ..SCALE_OUT
};

/// Snapshots that lean on older ones.
pub const INCREMENTAL: Story = Story {
    name: "incremental",
    about: "One counting task of two key groups, of which one changes between two checkpoints: the second leans on the first, also when one in between was given up.",
    log: &[&[0, 1]],
    max_parallelism: 2,
    incremental: true,
    budget: Budget { checkpoints: 2, expiries: 1, ..CALM },
    ..CHECKPOINT
};

/// Three snapshots that lean on each other.
pub const CHAIN_OF_BASES: Story = Story {
    name: "chain-of-bases",
    about: "Three checkpoints in a row, of which each changes one of two key groups: the third could lean on both before it, may lean on one, and writes the rest again.",
    log: &[&[0, 1]],
    budget: Budget { checkpoints: 3, ..CALM },
    ..INCREMENTAL
};

/// All of it together and a lot of it: far too large to explore, walked through at random.
pub const WALK: Story = Story {
    name: "walk",
    about: "Two coordinators, three hosts, elastic sources and counting tasks, rescales up and down, every kind of fault.",
    log: &[&[0, 3], &[1, 2], &[2, 0]],
    ends: true,
    max_parallelism: 4,
    sources: None,
    offsets: RedistributionMode::SplitDistribute,
    counting: true,
    parallelism: 1,
    rescales: &[2, 3, 1],
    coordinators: 2,
    hosts: &[2, 2, 2],
    manifests_retained: 1,
    checkpoint_failures_max: 2,
    incremental: true,
    budget: Budget {
        checkpoints: 6,
        expiries: 2,
        sweeps: 3,
        rescales: 3,
        host_crashes: 2,
        coordinator_crashes: 2,
        campaigns: 4,
        host_suspicions: 2,
        store_faults: 4,
        upload_failures: 1,
        task_failures: 1,
        heartbeats: 6,
    },
};

/// Every story of the bound `quick`.
pub const QUICK: &[Story] = &[
    ALIGNMENT,
    CHECKPOINT,
    INCREMENTAL,
    CHAIN_OF_BASES,
    DECLINED,
    HALF_WRITTEN,
    UNREADABLE,
    STRAGGLERS,
    SUSPECTED,
    LEADERSHIP,
    ZOMBIES,
    GARBAGE,
    REBORN,
    FORGETFUL,
    LATE_HOST,
    SCALE_OUT,
    SCALE_IN,
    UNION,
    RESCALE,
    EVERYTHING,
];
