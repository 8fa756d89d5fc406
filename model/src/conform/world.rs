//! What the processes of a trace have in common, and what must happen next.

use std::{
    collections::{BTreeSet, VecDeque},
    fmt,
    sync::Arc,
};

use keygroups::{
    checkpoint::{Attempt, CheckpointId, JobSpec, ManifestVersion, ObjectName, TaskId, VertexId},
    key_group::Parallelism,
    protocol::{
        Barrier, Event,
        invariant::{Fact, History},
    },
};

use super::{damage::Damage, sent::Sent, store::Store, wanted::Wanted};
use crate::coverage::Tally;

/// Everything that is not inside a process.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) sent: Sent,
    pub(super) store: Store,
    pub(super) damage: Damage,
    pub(super) wanted: Wanted,
    /// What the user asked for.
    pub(super) asked: BTreeSet<Parallelism>,
    /// The barriers that tasks have put into their output channels.
    pub(super) barriers: BTreeSet<(Attempt, TaskId, Barrier)>,
    pub(super) history: History,
    pub(super) tally: Tally,
    pub(super) job: Option<JobSpec>,
    next: VecDeque<(Arc<str>, Follows)>,
}

/// What must follow before anything else happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Follows {
    Event(Event),
    Fact(Fact),
    /// The store carries out a create that this node has asked for.
    Created(Arc<str>, ManifestVersion),
    /// The store carries out a write that this node has asked for.
    Written(Arc<str>, ObjectName),
    /// The contents of a new checkpoint are compared with a sequential run.
    Compared(CheckpointId),
}

impl World {
    pub(super) fn follows(&mut self, node: &Arc<str>, follows: Follows) {
        if let Follows::Event(event) = &follows {
            self.tally.happened(event);
        }
        self.next.push_back((Arc::clone(node), follows));
    }

    /// What must happen next, if something must.
    pub(super) fn next(&self) -> Option<&(Arc<str>, Follows)> {
        self.next.front()
    }

    pub(super) fn take_next(&mut self) -> Option<(Arc<str>, Follows)> {
        self.next.pop_front()
    }

    /// The vertices that `vertex` reads.
    pub(super) fn inputs(&self, vertex: VertexId) -> &[VertexId] {
        let spec = self.job.as_ref().and_then(|job| job.vertex(vertex));
        spec.map_or(&[], |spec| spec.inputs.as_slice())
    }
}

impl Follows {
    pub(super) fn is(&self, fact: &Fact) -> bool {
        match (self, fact) {
            (Self::Fact(expected), fact) => expected == fact,
            (Self::Created(_, version), Fact::ManifestCreated(manifest)) => manifest.version == *version,
            (Self::Written(_, expected), Fact::ObjectWritten { name, .. }) => expected == name,
            (Self::Compared(expected), Fact::Contents { checkpoint, .. }) => expected == checkpoint,
            _ => false,
        }
    }
}

impl fmt::Display for Follows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(event) => event.fmt(f),
            Self::Fact(fact) => fact.fmt(f),
            Self::Created(by, version) => write!(f, "manifest {version} is created for {by}"),
            Self::Written(by, name) => write!(f, "{name} is written for {by}"),
            Self::Compared(checkpoint) => {
                write!(f, "checkpoint {checkpoint} is compared with a sequential run")
            }
        }
    }
}
