//! Who speaks: addresses of processes, and lives of processes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The address of a coordinator. It survives restarts of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CoordinatorId(pub u16);

/// The address of a host: a process with slots for subtasks (Flink's task manager). It survives
/// restarts of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HostId(pub u16);

/// One life of a host's process. A restarted process has a higher one: a boot time or a durable
/// counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Incarnation(pub u64);

macro_rules! display_number {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

display_number!(CoordinatorId, HostId, Incarnation);
