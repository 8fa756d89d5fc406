//! State to the bytes of a snapshot object.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::{
    EntryDigest, GroupEntry, ItemEntry, KeyedHeader, OperatorEntry, OperatorState, SectionWriter,
    SnapshotError, SnapshotHeader, SnapshotIdentity, SnapshotIndex, StateMeta, checksum,
    section_writer::length, tables::index_bytes,
};
use crate::{
    checkpoint::{Certificate, OperatorStateInfo, StateHandle},
    codec::CODEC,
    key_group::{KeyGroup, KeyGroupRange, MaxParallelism},
};

/// Keyed state as a snapshot writes it: what a backend freezes.
pub trait KeyedSource {
    /// The max parallelism under which keys are put into key groups.
    fn max_parallelism(&self) -> MaxParallelism;

    /// The key groups it has.
    fn key_groups(&self) -> KeyGroupRange;

    /// Its states, strictly ascending by name; at most 65,535.
    fn states(&self) -> &[StateMeta];

    /// Writes the entries of `key_group`, state by state in the order of
    /// [`states`](KeyedSource::states), each strictly ascending by key.
    ///
    /// # Errors
    ///
    /// Those of [`SectionWriter::state`].
    fn write_section(
        &self,
        key_group: KeyGroup,
        section: &mut SectionWriter<'_>,
    ) -> Result<(), SnapshotError>;
}

/// A snapshot object, ready to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedSnapshot {
    /// The object.
    pub bytes: Bytes,
    /// Who took it.
    pub identity: SnapshotIdentity,
    /// Length of header and index in bytes.
    pub index_bytes: u64,
    /// The key groups in it; `None` for a vertex without keyed state.
    pub key_groups: Option<KeyGroupRange>,
    /// Entries and digest over all its key groups.
    pub certificate: Certificate,
    /// The operator states in it, ascending by name.
    pub operator_state: Vec<OperatorStateInfo>,
}

impl EncodedSnapshot {
    /// The handle that describes the object.
    pub fn handle(&self) -> StateHandle {
        StateHandle {
            object: self.identity.object(),
            bytes: self.bytes.len() as u64,
            index_bytes: self.index_bytes,
            key_groups: self.key_groups,
            certificate: self.certificate,
            operator_state: self.operator_state.clone(),
        }
    }
}

/// The snapshot object of `identity`: the keyed state, `None` for a vertex without, and the
/// operator states in any order. Equal state gives equal bytes.
///
/// # Errors
///
/// [`SnapshotError::DuplicateState`] if two operator states have one name, and
/// [`SnapshotError::TooLarge`] if a name is longer than 65,535 bytes, or a key, value or item
/// 4 GiB or longer, or there are more than 65,535 keyed or operator states.
///
/// # Panics
///
/// If `keyed` breaks the order that [`KeyedSource`] asks for: nobody could read the object.
pub fn encode(
    identity: SnapshotIdentity,
    keyed: Option<&dyn KeyedSource>,
    operator_state: &[OperatorState],
) -> Result<EncodedSnapshot, SnapshotError> {
    let states = keyed.map_or(&[][..], KeyedSource::states);
    assert!(states.is_sorted_by(|a, b| a.name < b.name), "a source's states ascend by name");
    let operator_state = sorted(operator_state)?;
    check_limits(states, &operator_state)?;
    let groups = keyed.map_or(0, |keyed| keyed.key_groups().len());
    let operator_names = operator_state.iter().map(|state| (&*state.name, state.items.len()));
    let front_bytes = index_bytes(states, groups, operator_names);

    // The index goes in front and is known last: offsets are taken from bytes that are final
    // (FLINK-34063).
    let mut out = vec![0; front_bytes];
    let groups = keyed.map_or(Ok(Vec::new()), |keyed| encode_sections(keyed, &mut out))?;
    let operator_states =
        operator_state.iter().map(|state| encode_items(state, &mut out)).collect::<Result<Vec<_>, _>>()?;
    let index = SnapshotIndex {
        header: SnapshotHeader {
            codec: CODEC,
            identity,
            keyed: keyed.map(|keyed| KeyedHeader {
                max_parallelism: keyed.max_parallelism(),
                key_groups: keyed.key_groups(),
            }),
            keyed_states: states.len() as u16,
            operator_states: operator_states.len() as u16,
            index_bytes: front_bytes as u64,
            object_bytes: out.len() as u64,
        },
        states: states.into(),
        groups,
        operator_states,
    };
    let mut front = Vec::with_capacity(front_bytes);
    index.encode(&mut front);
    out.get_mut(..front_bytes).expect("the front was reserved").copy_from_slice(&front);

    Ok(EncodedSnapshot {
        bytes: out.into(),
        identity,
        index_bytes: front_bytes as u64,
        key_groups: index.key_groups(),
        certificate: index.certificate(),
        operator_state: operator_state.iter().map(|state| state.info()).collect(),
    })
}

fn sorted(operator_state: &[OperatorState]) -> Result<Vec<&OperatorState>, SnapshotError> {
    let mut names = BTreeSet::new();
    if let Some(twice) = operator_state.iter().find(|state| !names.insert(&state.name)) {
        return Err(SnapshotError::DuplicateState { name: twice.name.clone() });
    }
    let mut sorted: Vec<_> = operator_state.iter().collect();
    sorted.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(sorted)
}

fn check_limits(states: &[StateMeta], operator_state: &[&OperatorState]) -> Result<(), SnapshotError> {
    let at_most = |what, found: usize, max: u64| {
        let found = found as u64;
        if found > max { Err(SnapshotError::TooLarge { what, found, max }) } else { Ok(()) }
    };
    at_most("the number of keyed states", states.len(), u64::from(u16::MAX))?;
    at_most("the number of operator states", operator_state.len(), u64::from(u16::MAX))?;
    let operator_names = operator_state.iter().map(|state| &*state.name);
    for name in states.iter().map(|state| &*state.name).chain(operator_names) {
        at_most("the length of a state's name in bytes", name.len(), u64::from(u16::MAX))?;
    }
    for state in operator_state {
        at_most("the number of items of an operator state", state.items.len(), u64::from(u32::MAX))?;
    }
    Ok(())
}

fn encode_sections(keyed: &dyn KeyedSource, out: &mut Vec<u8>) -> Result<Vec<GroupEntry>, SnapshotError> {
    let mut digests: Vec<_> = keyed.states().iter().map(|state| EntryDigest::new(&state.name)).collect();
    let mut groups = Vec::with_capacity(keyed.key_groups().len());
    for key_group in keyed.key_groups().iter() {
        let start = out.len();
        let mut section = SectionWriter::new(key_group, &mut digests, out);
        keyed.write_section(key_group, &mut section)?;
        let certificate = section.certificate();
        let section = out.get(start..).unwrap_or_default();
        groups.push(GroupEntry {
            key_group,
            offset: start as u64,
            bytes: section.len() as u64,
            certificate,
            checksum: checksum(section),
        });
    }
    Ok(groups)
}

fn encode_items(state: &OperatorState, out: &mut Vec<u8>) -> Result<OperatorEntry, SnapshotError> {
    let mut items = Vec::with_capacity(state.items.len());
    for item in &state.items {
        let bytes = length("the length of an operator-state item in bytes", item)?;
        items.push(ItemEntry { offset: out.len() as u64, bytes, checksum: checksum(item) });
        out.extend_from_slice(item);
    }
    Ok(OperatorEntry { name: state.name.clone(), mode: state.mode, items })
}
