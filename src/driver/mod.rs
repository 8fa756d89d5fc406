//! Executes what the machines want done, on any async runtime, against a checkpoint store and an
//! engine's transport, so that production, simulation and tests do not each write it.
//!
//! It takes no decision of the protocol. A machine's outputs are executed in their order; each
//! store request is answered by one input, at the latest after its time-out; a timer that is set
//! again starts again. What the driver adds:
//!
//! - *A request that is asked again replaces the one in flight*, which is then never answered: an
//!   answer always belongs to the newest request of its kind. A listing that was asked for by an
//!   earlier leadership of the same process, say, cannot be taken for one of the present.
//! - *A task that is dropped takes its requests with it.* An upload that was given up may still
//!   land; its name holds the attempt, so it is litter that the next sweep finds.
//! - *Restores and uploads are repeated* a few times ([`TRIES_MAX`]) before the machine hears of a
//!   failure: reads have no effect, and a write-once name takes the same bytes twice. A snapshot that
//!   turns out to be damaged is read again, too: damage on the way is mended by that, and other damage is
//!   an error that names the object and the key groups in it.
//! - *State may be larger than memory*, if the engine wants it (feature `disk`, `StateOnDisk`): a restore then adds a few
//!   key groups at a time.
//! - *A host may keep local copies* of its tasks' snapshots ([`LocalCopies`]). A restore takes from them
//!   what the store's index says they hold; nothing else depends on them.
//!
//! Nothing here knows tokio, threads or the time: [`Runtime`] is what an engine brings. With the
//! same order of events every run is the same.

mod backends;
mod coordinator;
mod engine;
mod error;
mod host;
mod local;
mod machine;
mod pending;
mod restore;
mod runtime;
mod source;
mod sweep;
mod timings;
mod transfer;
mod upload;

#[cfg(feature = "disk")]
pub use backends::StateOnDisk;
pub use coordinator::{CoordinatorDriver, CoordinatorTransport};
pub use engine::{Engine, FrozenOutput, FrozenTask, RestoreMetrics, RestoredTask};
pub use error::DriverError;
pub use host::HostDriver;
pub use local::{CopyError, LocalCopies};
pub use machine::Machine;
pub use restore::RestoringTask;
pub use runtime::{Runtime, TRIES_MAX};
pub use timings::{Timings, TimingsError};
pub use transfer::Transfer;
