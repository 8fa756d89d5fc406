//! What a snapshot leans on: older objects that hold the key groups which did not change since.

use std::sync::Arc;

use super::{GroupEntry, SectionLayout, SnapshotError, SnapshotIdentity, cursor::Cursor};
use crate::{
    checkpoint::{Attempt, BASES_MAX, CheckpointId, LeaderEpoch, ObjectName, TaskId, VertexId},
    key_group::Subtask,
};

/// Length of one entry of the base table in bytes.
pub(super) const BASE_BYTES: usize = 42;

/// A snapshot object in which other snapshots' key groups lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Base {
    /// Who took it, for which checkpoint.
    pub identity: SnapshotIdentity,
    /// Length of the object in bytes: no section lies beyond.
    pub bytes: u64,
    /// Length of all sections in it, whoever still needs them. What of it nobody needs is dead.
    pub section_bytes: u64,
    /// How many key groups it was taken of. After a rescale a task needs at most those it owns.
    pub key_groups: u16,
}

impl Base {
    /// The name of the object.
    pub const fn object(&self) -> ObjectName {
        self.identity.object()
    }

    fn is_older_than(&self, than: SnapshotIdentity) -> bool {
        let SnapshotIdentity { attempt, task, checkpoint } = self.identity;
        task.vertex == than.task.vertex && attempt <= than.attempt && checkpoint < than.checkpoint
    }
}

/// Where the contents of one key group lie durably.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    /// In this object.
    pub base: Arc<Base>,
    /// There. What it says of the contents is what whoever reads them verifies: the index of the base is
    /// not read.
    pub entry: GroupEntry,
}

impl Reference {
    /// Whether another snapshot can lean on it: sections of format version 1 cannot be read without
    /// the index of their own object, and an empty key group needs nobody.
    pub fn can_be_leant_on(&self) -> bool {
        self.entry.layout != SectionLayout::Numbered && self.entry.bytes > 0
    }

    /// Whether the snapshot of `identity` can lean on it: a task of the same vertex wrote it, for an older
    /// checkpoint, in no newer attempt.
    pub(super) fn is_for(&self, identity: SnapshotIdentity) -> bool {
        self.can_be_leant_on() && self.base.is_older_than(identity)
    }
}

pub(super) fn encode_bases(bases: &[Arc<Base>], out: &mut Vec<u8>) {
    for base in bases {
        let SnapshotIdentity { attempt, task, checkpoint } = base.identity;
        out.extend_from_slice(&task.vertex.0.to_le_bytes());
        out.extend_from_slice(&task.subtask.0.to_le_bytes());
        out.extend_from_slice(&attempt.epoch.0.to_le_bytes());
        out.extend_from_slice(&attempt.run.to_le_bytes());
        out.extend_from_slice(&checkpoint.0.to_le_bytes());
        out.extend_from_slice(&base.bytes.to_le_bytes());
        out.extend_from_slice(&base.section_bytes.to_le_bytes());
        out.extend_from_slice(&base.key_groups.to_le_bytes());
    }
}

/// The bases of the snapshot of `of`.
pub(super) fn decode_bases(
    fields: &mut Cursor<'_>,
    count: u16,
    of: SnapshotIdentity,
) -> Result<Vec<Arc<Base>>, SnapshotError> {
    fields.check(usize::from(count) <= BASES_MAX, "it leans on too many objects")?;
    let mut bases: Vec<Arc<Base>> = Vec::new();
    for _ in 0..count {
        let task = TaskId { vertex: VertexId(fields.u16()?), subtask: Subtask(fields.u16()?) };
        let attempt = Attempt { epoch: LeaderEpoch(fields.u64()?), run: fields.u32()? };
        let identity = SnapshotIdentity { attempt, task, checkpoint: CheckpointId(fields.u64()?) };
        let (bytes, section_bytes) = (fields.u64()?, fields.u64()?);
        let base = Base { identity, bytes, section_bytes, key_groups: fields.u16()? };
        let ascends = bases.last().is_none_or(|before| before.identity < identity);
        fields.check(ascends, "the objects it leans on do not ascend")?;
        fields.check(base.is_older_than(of), "it leans on an object of another vertex or not older")?;
        fields.check(section_bytes <= bytes, "the sections of an object it leans on are longer than that")?;
        bases.push(Arc::new(base));
    }
    Ok(bases)
}

/// Where the next section must begin: sections lie in the order of their key groups, in this object
/// without a gap, in a base at or after the end of the one before.
pub(super) struct Positions<'a> {
    bases: &'a [Arc<Base>],
    own: u64,
    in_bases: Vec<u64>,
}

impl<'a> Positions<'a> {
    pub(super) fn new(index_bytes: u64, bases: &'a [Arc<Base>]) -> Self {
        Self { bases, own: index_bytes, in_bases: vec![0; bases.len()] }
    }

    /// The section of `entry` is the next.
    pub(super) fn advance(&mut self, fields: &Cursor<'_>, entry: &GroupEntry) -> Result<(), SnapshotError> {
        let overflow = || fields.malformed("a section ends beyond 2^64");
        let end = entry.offset.checked_add(entry.bytes).ok_or_else(overflow)?;
        let Some(at) = entry.base.map(usize::from) else {
            let begins = entry.offset == self.own;
            fields.check(begins, "a section does not begin where the one before ends")?;
            self.own = end;
            return Ok(());
        };
        let (Some(base), Some(position)) = (self.bases.get(at), self.in_bases.get_mut(at)) else {
            return Err(fields.malformed("a section in an object that the index does not name"));
        };
        fields.check(entry.bytes > 0, "an empty key group needs no other object")?;
        fields.check(entry.offset >= *position, "sections overlap in an object it leans on")?;
        fields.check(end <= base.bytes, "a section ends beyond the object it lies in")?;
        *position = end;
        Ok(())
    }

    /// Where the operator state begins, once all sections have their places.
    pub(super) fn finish(self, fields: &Cursor<'_>) -> Result<u64, SnapshotError> {
        let needed = self.in_bases.iter().all(|position| *position > 0);
        fields.check(needed, "it leans on an object in which nothing lies")?;
        Ok(self.own)
    }
}
