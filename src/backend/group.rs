//! The entries of one key group, shared with frozen states until they are written to.

use std::{collections::BTreeMap, sync::Arc};

type Table = BTreeMap<Box<[u8]>, Box<[u8]>>;

/// All states of one key group.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    // By state; shorter where the last states have no entries.
    tables: Vec<Table>,
}

impl Group {
    pub(super) fn is_empty(&self) -> bool {
        self.tables.iter().all(BTreeMap::is_empty)
    }

    pub(super) fn get(&self, state: usize, key: &[u8]) -> Option<&[u8]> {
        self.tables.get(state)?.get(key).map(|value| &**value)
    }

    /// The entries of `state`, ascending by key.
    pub(super) fn entries(&self, state: usize) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        // A state without a table iterates like one with an empty table.
        static EMPTY: Table = BTreeMap::new();
        self.tables.get(state).unwrap_or(&EMPTY).iter().map(|(key, value)| (&**key, &**value))
    }

    /// Copies the group first if a frozen state shares it.
    pub(super) fn put(group: &mut Arc<Self>, state: usize, key: &[u8], value: &[u8]) {
        let table = Arc::make_mut(group).table_mut(state);
        match table.get_mut(key) {
            Some(before) if before.len() == value.len() => before.copy_from_slice(value),
            Some(before) => *before = value.into(),
            None => {
                table.insert(key.into(), value.into());
            }
        }
    }

    /// Whether there was a value. Does not copy the group for a key it does not have.
    pub(super) fn remove(group: &mut Arc<Self>, state: usize, key: &[u8]) -> bool {
        group.get(state, key).is_some() && Arc::make_mut(group).table_mut(state).remove(key).is_some()
    }

    /// Fills the empty table of `state`; `entries` ascend by key.
    pub(super) fn fill<'a>(&mut self, state: usize, entries: impl Iterator<Item = (&'a [u8], &'a [u8])>) {
        *self.table_mut(state) = entries.map(|(key, value)| (key.into(), value.into())).collect();
    }

    fn table_mut(&mut self, state: usize) -> &mut Table {
        if self.tables.len() <= state {
            self.tables.resize_with(state + 1, Table::new);
        }
        &mut self.tables[state]
    }
}
