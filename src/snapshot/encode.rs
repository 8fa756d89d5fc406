//! State to the bytes of a snapshot object.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;

use super::{
    Base, Compression, EntryDigest, FORMAT_VERSION, GroupEntry, ItemEntry, KeyedHeader, OperatorEntry,
    OperatorState, Reference, SectionWriter, SnapshotError, SnapshotHeader, SnapshotIdentity, SnapshotIndex,
    StateMeta, checksum, parts::Parts, section_writer::length, tables::index_bytes,
};
use crate::{
    checkpoint::{BASES_MAX, Certificate, ObjectName, OperatorStateInfo, StateHandle},
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

    /// Where the contents of `key_group` lie already, if they need not be written again; all states in
    /// it are among [`states`](KeyedSource::states). They are written all the same if the snapshot cannot
    /// lean on that.
    fn reference(&self, _key_group: KeyGroup) -> Option<&Reference> {
        None
    }

    /// What to do to sections before they are stored.
    fn compression(&self) -> Compression {
        Compression::None
    }

    /// Writes the entries of `key_group`, state by state in the order of
    /// [`states`](KeyedSource::states), all in one layout.
    ///
    /// # Errors
    ///
    /// Those of [`SectionWriter::state`].
    fn write_section(
        &self,
        key_group: KeyGroup,
        section: &mut SectionWriter<'_>,
    ) -> Result<(), SnapshotError>;

    /// Keeps the bytes of sections that were written until the object is stored, and gives them back: as memory
    /// does, unless there is a better place.
    ///
    /// # Errors
    ///
    /// What the place says, in words.
    fn keep(&self, sections: Vec<u8>) -> Result<Bytes, String> {
        Ok(sections.into())
    }

    /// It was encoded, and `index` says where everything lies: in the object, once that is stored, and in
    /// what that leans on.
    fn encoded(&self, _index: &SnapshotIndex) {}
}

/// A snapshot object, ready to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedSnapshot {
    /// The object, in pieces: what is in memory already is shared, not copied. None is empty.
    pub parts: Vec<Bytes>,
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
    /// The objects it leans on, ascending.
    pub bases: Vec<ObjectName>,
}

impl EncodedSnapshot {
    /// Length of the object in bytes.
    pub fn object_bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.len() as u64).sum()
    }

    /// The object in one piece; copies it unless it is one.
    pub fn bytes(&self) -> Bytes {
        if let [whole] = &*self.parts { whole.clone() } else { self.parts.concat().into() }
    }

    /// The handle that describes the object.
    pub fn handle(&self) -> StateHandle {
        StateHandle {
            object: self.identity.object(),
            bytes: self.object_bytes(),
            index_bytes: self.index_bytes,
            key_groups: self.key_groups,
            certificate: self.certificate,
            operator_state: self.operator_state.clone(),
            bases: self.bases.clone(),
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
    let bases = keyed.map_or_else(Vec::new, |keyed| bases(identity, keyed));
    let max = BASES_MAX as u64;
    if bases.len() > BASES_MAX {
        let what = "the number of objects that a snapshot leans on";
        return Err(SnapshotError::TooLarge { what, found: bases.len() as u64, max });
    }
    let groups = keyed.map_or(0, |keyed| keyed.key_groups().len());
    let operator_names = operator_state.iter().map(|state| (&*state.name, state.items.len()));
    let front_bytes = index_bytes(states, bases.len(), groups, operator_names);

    // The index goes in front and is known last: offsets are taken from bytes that are final
    // (FLINK-34063).
    let mut out = Parts::new(front_bytes);
    let groups = keyed.map_or(Ok(Vec::new()), |keyed| encode_sections(identity, keyed, &bases, &mut out))?;
    let operator_states =
        operator_state.iter().map(|state| encode_items(state, &mut out)).collect::<Result<Vec<_>, _>>()?;
    let index = SnapshotIndex {
        header: SnapshotHeader {
            version: FORMAT_VERSION,
            codec: CODEC,
            identity,
            keyed: keyed.map(|keyed| KeyedHeader {
                max_parallelism: keyed.max_parallelism(),
                key_groups: keyed.key_groups(),
            }),
            keyed_states: states.len() as u16,
            operator_states: operator_states.len() as u16,
            bases: bases.len() as u16,
            index_bytes: front_bytes as u64,
            object_bytes: out.position() as u64,
        },
        states: states.into(),
        bases,
        groups,
        operator_states,
    };
    let mut front = Vec::with_capacity(front_bytes);
    index.encode(&mut front);
    assert_eq!(front.len(), front_bytes, "offsets begin where the index ends");

    if let Some(keyed) = keyed {
        keyed.encoded(&index);
    }
    Ok(EncodedSnapshot {
        parts: out.finish(front),
        identity,
        index_bytes: front_bytes as u64,
        key_groups: index.key_groups(),
        certificate: index.certificate(),
        operator_state: operator_state.iter().map(|state| state.info()).collect(),
        bases: index.bases.iter().map(|base| base.object()).collect(),
    })
}

/// What the snapshot of `identity` leans on for `key_group`.
fn reference(identity: SnapshotIdentity, keyed: &dyn KeyedSource, key_group: KeyGroup) -> Option<&Reference> {
    keyed.reference(key_group).filter(|home| home.is_for(identity))
}

/// What it leans on at all, ascending.
fn bases(identity: SnapshotIdentity, keyed: &dyn KeyedSource) -> Vec<Arc<Base>> {
    let references = keyed.key_groups().iter().filter_map(|key_group| reference(identity, keyed, key_group));
    let bases: BTreeSet<&Arc<Base>> = references.map(|home| &home.base).collect();
    bases.into_iter().cloned().collect()
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

fn encode_sections(
    identity: SnapshotIdentity,
    keyed: &dyn KeyedSource,
    bases: &[Arc<Base>],
    out: &mut Parts,
) -> Result<Vec<GroupEntry>, SnapshotError> {
    let states = keyed.states();
    let mut digests: Vec<_> = states.iter().map(|state| EntryDigest::new(&state.name)).collect();
    let mut groups = Vec::with_capacity(keyed.key_groups().len());
    for key_group in keyed.key_groups().iter() {
        if let Some(home) = reference(identity, keyed, key_group) {
            let base = bases.binary_search(&home.base).expect("the bases were taken from the references");
            groups.push(GroupEntry { key_group, base: Some(base as u8), ..home.entry });
            continue;
        }
        let mut section = SectionWriter::new(key_group, states, &mut digests, out);
        keyed.write_section(key_group, &mut section)?;
        groups.push(section.finish(keyed.compression()));
        let kept = out.keep(|sections| keyed.keep(sections));
        kept.map_err(|reason| SnapshotError::Unreadable { key_group, reason })?;
    }
    Ok(groups)
}

fn encode_items(state: &OperatorState, out: &mut Parts) -> Result<OperatorEntry, SnapshotError> {
    let mut items = Vec::with_capacity(state.items.len());
    for item in &state.items {
        let bytes = length("the length of an operator-state item in bytes", item)?;
        items.push(ItemEntry { offset: out.position() as u64, bytes, checksum: checksum(item) });
        out.share(item);
    }
    Ok(OperatorEntry { name: state.name.clone(), mode: state.mode, items })
}
