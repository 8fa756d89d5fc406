//! A whole object at once: is every byte right, and what is in it?

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::{
    EntryDigest, GroupEntry, KeyGroupSections, OperatorState, Part, Section, SnapshotError, SnapshotIndex,
};
use crate::checkpoint::ObjectName;

/// Everything in a snapshot, verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Header and index.
    pub index: SnapshotIndex,
    /// All sections that were there to read; `None` for a vertex without keyed state.
    pub key_groups: Option<KeyGroupSections>,
    /// All operator states with all items, ascending by name.
    pub operator_state: Vec<OperatorState>,
}

/// What is in a snapshot, and everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Header and index.
    pub index: SnapshotIndex,
    /// Entries per keyed state over the sections that were looked at and are sound, in the order of the state
    /// table.
    pub entries: Vec<u64>,
    /// One problem for each damaged section, by key group, and item; empty if all is right.
    pub problems: Vec<SnapshotError>,
}

/// Everything in the object `bytes`, if every length, checksum and certificate in it is right. Key
/// groups that lie in objects it leans on are not in it: [`verify_with`] brings them.
///
/// # Errors
///
/// The first [`SnapshotError`] in file order.
pub fn verify(bytes: &Bytes) -> Result<Contents, SnapshotError> {
    let index = SnapshotIndex::decode(bytes)?;
    check_object_length(&index, bytes)?;
    let mut digests = index.digests();
    let own = index.groups().iter().filter(|entry| entry.base.is_none());
    let sections = own
        .map(|entry| section(&index, entry, &mut digests, bytes))
        .collect::<Result<Vec<_>, SnapshotError>>()?;
    contents(index, sections, bytes)
}

/// Everything in the snapshot `bytes`, from it and from the `bases` it leans on, if every length,
/// checksum and certificate is right. Other objects may be among the bases.
///
/// # Errors
///
/// The first [`SnapshotError`] by key group, then by item; [`SnapshotError::MissingBase`] for a base
/// that is not there.
pub fn verify_with(bytes: &Bytes, bases: &BTreeMap<ObjectName, Bytes>) -> Result<Contents, SnapshotError> {
    let index = SnapshotIndex::decode(bytes)?;
    check_object_length(&index, bytes)?;
    let own = index.header().identity.object();
    let mut digests = index.digests();
    let mut sections = Vec::with_capacity(index.groups().len());
    for entry in index.groups() {
        let object = index.object_of(entry);
        let lies_in = if object == own { Some(bytes) } else { bases.get(&object) };
        let lies_in = lies_in.ok_or_else(|| missing_base(&index, object))?;
        let section = section(&index, entry, &mut digests, lies_in);
        sections.push(section.map_err(|error| error.in_object(object, own))?);
    }
    contents(index, sections, bytes)
}

/// The key groups of a snapshot that lie in `object`.
fn leaning(index: &SnapshotIndex, object: ObjectName) -> impl Iterator<Item = &GroupEntry> {
    index.groups().iter().filter(move |entry| index.object_of(entry) == object)
}

fn section(
    index: &SnapshotIndex,
    entry: &GroupEntry,
    digests: &mut [EntryDigest],
    object: &Bytes,
) -> Result<Section, SnapshotError> {
    Section::decode(entry, index.states(), digests, &slice(object, entry.offset..entry.end()))
}

fn contents(index: SnapshotIndex, sections: Vec<Section>, bytes: &Bytes) -> Result<Contents, SnapshotError> {
    let key_groups = index.key_groups().map(|all| index.with_sections(all, sections)).transpose()?;
    let operator_state = index
        .operator_states()
        .iter()
        .map(|state| item_run(&index, &state.name, 0, state.items.len() as u32, bytes))
        .collect::<Result<_, _>>()?;
    Ok(Contents { index, key_groups, operator_state })
}

/// What is in the object `bytes`, as far as it can be read. Of key groups that lie in objects it leans
/// on, the [`index`](Inspection::index) says where that is and what they must add up to.
///
/// # Errors
///
/// [`SnapshotError`] if its header and index cannot be read; all else is among the
/// [`problems`](Inspection::problems).
pub fn inspect(bytes: &Bytes) -> Result<Inspection, SnapshotError> {
    inspect_in(bytes, |_| Ok(None))
}

/// As [`inspect`], with the key groups that lie in `bases`. A base that is not there is a problem of all key
/// groups that lie in it, among those of the first. Other objects may be among the bases.
///
/// # Errors
///
/// As [`inspect`].
pub fn inspect_with(bytes: &Bytes, bases: &BTreeMap<ObjectName, Bytes>) -> Result<Inspection, SnapshotError> {
    inspect_in(bytes, |base| bases.get(&base).map(Some).ok_or(base))
}

/// `base` gives the bytes of another object, nothing if those are not wanted, or its name if they are missing.
fn inspect_in<'a>(
    bytes: &'a Bytes,
    base: impl Fn(ObjectName) -> Result<Option<&'a Bytes>, ObjectName>,
) -> Result<Inspection, SnapshotError> {
    let index = SnapshotIndex::decode(bytes)?;
    let own = index.header().identity.object();
    let mut problems: Vec<_> = check_object_length(&index, bytes).err().into_iter().collect();
    let (mut entries, mut missing) = (BTreeMap::new(), BTreeSet::new());
    let mut digests = index.digests();
    for group in index.groups() {
        let object = index.object_of(group);
        let lies_in = match if object == own { Ok(Some(bytes)) } else { base(object) } {
            Ok(None) => continue,
            Ok(Some(bytes)) => bytes,
            Err(object) => {
                if missing.insert(object) {
                    problems.push(missing_base(&index, object));
                }
                continue;
            }
        };
        match section(&index, group, &mut digests, lies_in) {
            Ok(section) => {
                for frame in section.frames() {
                    *entries.entry(frame.state()).or_insert(0) += frame.entry_count();
                }
            }
            Err(problem) => problems.push(problem.in_object(object, own)),
        }
    }
    for state in index.operator_states() {
        let items = 0..state.items.len() as u32;
        problems.extend(items.filter_map(|item| item_run(&index, &state.name, item, item + 1, bytes).err()));
    }
    let entries = (0..index.states().len()).map(|state| entries.get(&state).copied().unwrap_or(0)).collect();
    Ok(Inspection { index, entries, problems })
}

fn missing_base(index: &SnapshotIndex, object: ObjectName) -> SnapshotError {
    let key_groups = leaning(index, object).map(|entry| entry.key_group).collect();
    SnapshotError::MissingBase { object, key_groups }
}

fn check_object_length(index: &SnapshotIndex, bytes: &Bytes) -> Result<(), SnapshotError> {
    let (expected, found) = (index.header().object_bytes, bytes.len() as u64);
    if expected != found {
        return Err(SnapshotError::Length { part: Part::Object, expected, found });
    }
    Ok(())
}

fn item_run(
    index: &SnapshotIndex,
    name: &str,
    first: u32,
    end: u32,
    object: &Bytes,
) -> Result<OperatorState, SnapshotError> {
    index.decode_items(name, first..end, &slice(object, index.items_bytes(name, first..end)?))
}

/// As much of `range` as there is; a range too long is found by the length.
fn slice(object: &Bytes, range: std::ops::Range<u64>) -> Bytes {
    let clamp = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(object.len());
    object.slice(clamp(range.start)..clamp(range.end))
}
