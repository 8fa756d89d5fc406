//! The fixed part at the beginning: what this object is, and how long.

use std::fmt;

use super::{Part, SnapshotError, checksum, cursor::Cursor};
use crate::{
    checkpoint::{Attempt, CheckpointId, LeaderEpoch, ObjectName, TaskId, VertexId},
    codec::CodecTag,
    key_group::{KeyGroup, KeyGroupRange, MaxParallelism, Subtask},
};

/// The first eight bytes of every snapshot. Not ASCII, and with both kinds of line end, so that a
/// transfer that takes it for text is seen at once. Source: PNG, section 5.2.
pub const MAGIC: [u8; 8] = *b"\x89KGS\r\n\x1a\n";

/// The format version this build writes, and the newest it reads.
pub const FORMAT_VERSION: u16 = 2;

/// Length of the header in bytes, its checksum included, in the format version this build writes.
pub const HEADER_BYTES: u64 = 70;

/// Length of the header of a format version that this build reads.
const fn header_bytes(version: u16) -> Option<u64> {
    match version {
        1 => Some(68),
        2 => Some(HEADER_BYTES),
        _ => None,
    }
}

/// Who took a snapshot, and for which checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotIdentity {
    /// The attempt that took it.
    pub attempt: Attempt,
    /// The task that took it.
    pub task: TaskId,
    /// The checkpoint it was taken for.
    pub checkpoint: CheckpointId,
}

impl SnapshotIdentity {
    /// The identity in the name of a state object; `None` for the names of other objects.
    pub const fn of(object: &ObjectName) -> Option<Self> {
        match *object {
            ObjectName::State { attempt, task, checkpoint } => Some(Self { attempt, task, checkpoint }),
            ObjectName::Output { .. } | ObjectName::OutputList { .. } => None,
        }
    }

    /// The name of the object.
    pub const fn object(&self) -> ObjectName {
        ObjectName::State { attempt: self.attempt, task: self.task, checkpoint: self.checkpoint }
    }
}

impl fmt::Display for SnapshotIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {} of attempt {} at checkpoint {}", self.task, self.attempt, self.checkpoint)
    }
}

/// What the header says about keyed state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyedHeader {
    /// The max parallelism under which keys were put into key groups.
    pub max_parallelism: MaxParallelism,
    /// The key groups in the object.
    pub key_groups: KeyGroupRange,
}

/// The header of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SnapshotHeader {
    /// The format version of the object.
    pub version: u16,
    /// Which codec wrote keys, values and items.
    pub codec: CodecTag,
    /// Who took it, and for which checkpoint.
    pub identity: SnapshotIdentity,
    /// The key groups in it; `None` for a vertex without keyed state.
    pub keyed: Option<KeyedHeader>,
    /// How many keyed states the index names.
    pub keyed_states: u16,
    /// How many operator states the index names.
    pub operator_states: u16,
    /// How many other objects it leans on; none in version 1.
    pub bases: u16,
    /// Length of header and index in bytes.
    pub index_bytes: u64,
    /// Length of the whole object in bytes.
    pub object_bytes: u64,
}

impl SnapshotHeader {
    /// Its own length in bytes.
    pub(super) fn bytes(&self) -> u64 {
        header_bytes(self.version).unwrap_or(HEADER_BYTES)
    }

    /// In the format version this build writes.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        let (max_parallelism, first, last) = self.keyed.map_or((0, 0, 0), |keyed| {
            (keyed.max_parallelism.get(), keyed.key_groups.first().0, keyed.key_groups.last().0)
        });
        let SnapshotIdentity { attempt, task, checkpoint } = self.identity;
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        out.extend_from_slice(&self.codec.id.to_le_bytes());
        out.extend_from_slice(&self.codec.version.to_le_bytes());
        out.extend_from_slice(&max_parallelism.to_le_bytes());
        out.extend_from_slice(&first.to_le_bytes());
        out.extend_from_slice(&last.to_le_bytes());
        out.extend_from_slice(&task.vertex.0.to_le_bytes());
        out.extend_from_slice(&task.subtask.0.to_le_bytes());
        out.extend_from_slice(&attempt.epoch.0.to_le_bytes());
        out.extend_from_slice(&attempt.run.to_le_bytes());
        out.extend_from_slice(&self.keyed_states.to_le_bytes());
        out.extend_from_slice(&self.operator_states.to_le_bytes());
        out.extend_from_slice(&checkpoint.0.to_le_bytes());
        out.extend_from_slice(&self.index_bytes.to_le_bytes());
        out.extend_from_slice(&self.object_bytes.to_le_bytes());
        out.extend_from_slice(&self.bases.to_le_bytes());
        let sum = out.get(start..).map_or(0, checksum);
        out.extend_from_slice(&sum.to_le_bytes());
    }

    /// The header at the beginning of `bytes`. Magic and version come before the checksum: a later
    /// format may have another header.
    ///
    /// # Errors
    ///
    /// [`SnapshotError`]: too short, no snapshot, unknown version, damaged, or impossible.
    pub fn decode(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let too_short =
            |expected: u64| SnapshotError::Length { part: Part::Header, expected, found: bytes.len() as u64 };
        let magic = *bytes.first_chunk::<8>().ok_or_else(|| too_short(HEADER_BYTES))?;
        if magic != MAGIC {
            return Err(SnapshotError::NotASnapshot { found: magic });
        }
        let mut start = Cursor::new(Part::Header, 0, bytes);
        start.take(MAGIC.len())?;
        let version = start.u16().map_err(|_| too_short(HEADER_BYTES))?;
        let length = header_bytes(version)
            .ok_or(SnapshotError::UnknownFormatVersion { found: version, supported: FORMAT_VERSION })?;
        let header = bytes.get(..length as usize).ok_or_else(|| too_short(length))?;
        let (covered, stored) = header.split_last_chunk::<4>().ok_or_else(|| too_short(length))?;
        let (expected, found) = (u32::from_le_bytes(*stored), checksum(covered));
        if expected != found {
            return Err(SnapshotError::HeaderChecksum { expected, found });
        }
        let mut fields = Cursor::new(Part::Header, 0, covered);
        fields.take(MAGIC.len() + size_of::<u16>())?;
        Self::decode_fields(version, &mut fields)
    }

    fn decode_fields(version: u16, fields: &mut Cursor<'_>) -> Result<Self, SnapshotError> {
        let codec = CodecTag { id: fields.u16()?, version: fields.u16()? };
        let keyed = decode_keyed(fields)?;
        let task = TaskId { vertex: VertexId(fields.u16()?), subtask: Subtask(fields.u16()?) };
        let attempt = Attempt { epoch: LeaderEpoch(fields.u64()?), run: fields.u32()? };
        let keyed_states = fields.u16()?;
        fields.check(keyed.is_some() || keyed_states == 0, "keyed states without key groups")?;
        let operator_states = fields.u16()?;
        let checkpoint = CheckpointId(fields.u64()?);
        let index_bytes = fields.u64()?;
        let shortest = header_bytes(version).unwrap_or(HEADER_BYTES) + 4;
        fields.check(index_bytes >= shortest, "the index ends before its checksum")?;
        let object_bytes = fields.u64()?;
        fields.check(object_bytes >= index_bytes, "the object ends inside the index")?;
        let bases = if version == 1 { 0 } else { fields.u16()? };
        fields.check(keyed.is_some() || bases == 0, "it leans on other objects without key groups")?;
        let identity = SnapshotIdentity { attempt, task, checkpoint };
        Ok(Self {
            version,
            codec,
            identity,
            keyed,
            keyed_states,
            operator_states,
            bases,
            index_bytes,
            object_bytes,
        })
    }
}

fn decode_keyed(fields: &mut Cursor<'_>) -> Result<Option<KeyedHeader>, SnapshotError> {
    let (max_parallelism, first, last) = (fields.u16()?, fields.u16()?, fields.u16()?);
    if max_parallelism == 0 {
        fields.check(first == 0 && last == 0, "key groups without a max parallelism")?;
        return Ok(None);
    }
    let max_parallelism = MaxParallelism::new(u32::from(max_parallelism))
        .map_err(|_| fields.malformed("the max parallelism is above 32768"))?;
    fields.check(last < max_parallelism.get(), "the last key group is not below the max parallelism")?;
    let key_groups = KeyGroupRange::new(KeyGroup(first), KeyGroup(last))
        .map_err(|_| fields.malformed("the first key group is above the last"))?;
    Ok(Some(KeyedHeader { max_parallelism, key_groups }))
}
