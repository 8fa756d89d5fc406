//! A whole object at once: is every byte right, and what is in it?

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{KeyGroupSections, OperatorState, Part, Section, SnapshotError, SnapshotIndex};

/// Everything in a snapshot, verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Header and index.
    pub index: SnapshotIndex,
    /// All sections; `None` for a vertex without keyed state.
    pub key_groups: Option<KeyGroupSections>,
    /// All operator states with all items, ascending by name.
    pub operator_state: Vec<OperatorState>,
}

/// What is in a snapshot, and everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Header and index.
    pub index: SnapshotIndex,
    /// Entries per keyed state over the readable sections, in the order of the state table.
    pub entries: Vec<u64>,
    /// One problem for each damaged section and item, in file order; empty if all is right.
    pub problems: Vec<SnapshotError>,
}

/// Everything in the object `bytes`, if every length, checksum and certificate in it is right.
///
/// # Errors
///
/// The first [`SnapshotError`] in file order.
pub fn verify(bytes: &Bytes) -> Result<Contents, SnapshotError> {
    let index = SnapshotIndex::decode(bytes)?;
    check_object_length(&index, bytes)?;
    let key_groups = match index.key_groups() {
        Some(all) => Some(index.decode_sections(all, &slice(bytes, index.run_bytes(all)?))?),
        None => None,
    };
    let operator_state = index
        .operator_states()
        .iter()
        .map(|state| item_run(&index, &state.name, 0, state.items.len() as u32, bytes))
        .collect::<Result<_, _>>()?;
    Ok(Contents { index, key_groups, operator_state })
}

/// What is in the object `bytes`, as far as it can be read.
///
/// # Errors
///
/// [`SnapshotError`] if its header and index cannot be read; all else is among the
/// [`problems`](Inspection::problems).
pub fn inspect(bytes: &Bytes) -> Result<Inspection, SnapshotError> {
    let index = SnapshotIndex::decode(bytes)?;
    let mut problems: Vec<_> = check_object_length(&index, bytes).err().into_iter().collect();
    let mut entries = BTreeMap::new();
    let mut digests = index.digests();
    for group in index.groups() {
        let section = slice(bytes, group.offset..group.offset + group.bytes);
        match Section::decode(group, &mut digests, &section) {
            Ok(section) => {
                for frame in section.frames() {
                    *entries.entry(frame.state()).or_insert(0) += frame.entry_count();
                }
            }
            Err(problem) => problems.push(problem),
        }
    }
    for state in index.operator_states() {
        let items = 0..state.items.len() as u32;
        problems.extend(items.filter_map(|item| item_run(&index, &state.name, item, item + 1, bytes).err()));
    }
    let entries = (0..index.states().len()).map(|state| entries.get(&state).copied().unwrap_or(0)).collect();
    Ok(Inspection { index, entries, problems })
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
