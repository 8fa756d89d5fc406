//! What a checkpoint is: identities, handles, certificates, the job, and the manifest that makes a
//! checkpoint exist.
//!
//! Everything here is data without behaviour over time; `protocol` decides, `store` persists.

mod certificate;
mod check;
mod envelope;
mod handle;
pub(crate) mod hex;
mod id;
mod indented;
mod job;
mod manifest;
mod manifest_codec;
pub(crate) mod path;
mod text;

pub use certificate::Certificate;
pub use check::ContentError;
pub use envelope::FormatError;
pub use handle::{
    BASES_MAX, ObjectName, OperatorStateInfo, OutputHandle, RedistributionMode, StateHandle, TaskSnapshot,
};
pub use id::{Attempt, CheckpointId, LeaderEpoch, ManifestVersion, TaskId, VertexId};
pub use job::{JobSpec, JobSpecError, Scaling, VertexSpec};
pub use manifest::{CheckpointRecord, JobStatus, Manifest, OutputList};
pub use manifest_codec::{MANIFEST_FORMAT_VERSION, OUTPUT_LIST_FORMAT_VERSION};
pub use path::ForeignName;
