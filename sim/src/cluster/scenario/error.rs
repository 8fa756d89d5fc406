//! Why a scenario cannot be.

use keygroups::checkpoint::BASES_MAX;
use keygroups::driver::TimingsError;
use keygroups::key_group::BoundsError;

/// A scenario that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScenarioError {
    /// A parallelism that the job cannot have.
    #[error(transparent)]
    Bounds(#[from] BoundsError),
    /// No parallelism to start with.
    #[error("no parallelism is given: name the first and then those to rescale to, such as 2,4,3")]
    NoParallelism,
    /// A number that must not be 0.
    #[error("{name} is 0: at least one is needed")]
    Zero {
        /// Which.
        name: &'static str,
    },
    /// Nothing to read.
    #[error("the input has no row")]
    NoRow,
    /// More processes than a simulated cluster should have.
    #[error(
        "{coordinators} coordinators and {hosts} hosts are more than a simulated cluster runs well: at most {max} of each"
    )]
    TooManyProcesses {
        /// Coordinators.
        coordinators: u16,
        /// Hosts.
        hosts: u16,
        /// The bound for each.
        max: u16,
    },
    /// A variety whose times do not end in time.
    #[error("the job's variety ends after {ends_us} us: at most {max_us}")]
    TooLong {
        /// When it ends, in virtual microseconds.
        ends_us: u64,
        /// The bound.
        max_us: u64,
    },
    /// Sources that would wait for longer than the whole input takes.
    #[error(
        "batch_interval_us is {interval_us}: the input comes in within {horizon_us} us, batch after batch"
    )]
    TooSlow {
        /// Between two batches of a source, in virtual microseconds.
        interval_us: u64,
        /// When all input should have come in, in virtual microseconds.
        horizon_us: u64,
    },
    /// A restart after which the job could not run at the parallelisms that it is rescaled to.
    #[error("a restart leaves {found} slots on a host, of {before} before: they may not become fewer")]
    FewerSlots {
        /// After the restart.
        found: u16,
        /// In the scenario.
        before: u16,
    },
    /// More than a manifest may name.
    #[error("a snapshot leans on at most {BASES_MAX} older ones, not on {found}")]
    BasesMax {
        /// What was asked for.
        found: u8,
    },
    /// Times do not ascend.
    #[error("wishes and restarts must be in the order of their times")]
    Disorder,
    /// Timers that cannot work.
    #[error(transparent)]
    Timings(#[from] TimingsError),
    /// Nothing could ever run.
    #[error(
        "{hosts} hosts with {slots} slots each are too few: the smallest parallelism needs {needed} hosts"
    )]
    TooFewHosts {
        /// How many hosts there are.
        hosts: u16,
        /// How many slots each has.
        slots: u16,
        /// How many hosts are needed.
        needed: u16,
    },
    /// More tasks than a simulated cluster should have.
    #[error("parallelism {found} is more than a simulated cluster runs well: at most {max}")]
    TooParallel {
        /// What was asked for.
        found: u16,
        /// The bound.
        max: u16,
    },
}
