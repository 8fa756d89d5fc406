//! What coordinators, hosts and their drivers say to each other.

mod address;
mod machine;
mod said;

pub use address::{CoordinatorId, HostId, Incarnation};
pub use machine::{
    CoordinatorInput, CoordinatorOutput, CoordinatorTimer, CreateOutcome, HostInput, HostOutput, PutOutcome,
    ReadOutcome, SweepRequest, Swept,
};
pub use said::{Barrier, Deployment, FailureCause, Layout, ToCoordinator, ToHost};
