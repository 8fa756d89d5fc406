//! The entries of one key group: one table for each state.

use crate::{
    snapshot::{SectionWriter, SnapshotError},
    table::{Entry, FrozenTable, Memory, PutError, Table, Xxh3},
};

/// All states of one key group.
#[derive(Debug, Default)]
pub(super) struct Group {
    // By state; shorter where the last states have no entries.
    tables: Vec<Table>,
}

impl Group {
    pub(super) fn is_empty(&self) -> bool {
        self.tables.iter().all(Table::is_empty)
    }

    #[inline]
    pub(super) fn get(&self, state: usize, key: &[u8]) -> Option<&[u8]> {
        self.tables.get(state)?.get(key)
    }

    /// The entries of `state`, in an order that depends on the keys alone.
    pub(super) fn entries(&self, state: usize) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.tables.get(state).into_iter().flat_map(Table::iter)
    }

    /// The place of `key` in `state`.
    #[inline]
    pub(super) fn entry<'t, 'k>(&'t mut self, state: usize, key: &'k [u8]) -> Entry<'t, 'k, Xxh3> {
        if self.tables.len() <= state {
            self.tables.resize_with(state + 1, Table::new);
        }
        self.tables[state].entry(key)
    }

    /// Whether there was a value.
    pub(super) fn remove(&mut self, state: usize, key: &[u8]) -> bool {
        self.tables.get_mut(state).is_some_and(|table| table.remove(key))
    }

    /// Fills the empty table of `state`.
    pub(super) fn fill<'a>(
        &mut self,
        state: usize,
        mut entries: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Result<(), PutError> {
        entries.try_for_each(|(key, value)| self.entry(state, key).put(value))
    }

    /// Makes `table` the table of `state`, which is empty.
    pub(super) fn adopt(&mut self, state: usize, table: &FrozenTable) {
        if self.tables.len() <= state {
            self.tables.resize_with(state + 1, Table::new);
        }
        self.tables[state] = table.thaw();
    }

    pub(super) fn freeze(&mut self) -> FrozenGroup {
        FrozenGroup { tables: self.tables.iter_mut().map(Table::freeze).collect() }
    }

    pub(super) fn memory(&self) -> Memory {
        self.tables.iter().map(Table::memory).sum()
    }
}

/// A key group of a moment.
#[derive(Clone, Debug)]
pub(super) struct FrozenGroup {
    // As in the group.
    tables: Vec<FrozenTable>,
}

impl FrozenGroup {
    /// Writes the states `ids`, as tables if those have `tables_from_bytes`.
    pub(super) fn write_section(
        &self,
        ids: &[usize],
        tables_from_bytes: usize,
        section: &mut SectionWriter<'_>,
    ) -> Result<(), SnapshotError> {
        let as_tables = self.live_bytes() >= tables_from_bytes;
        let tables = ids.iter().enumerate().filter_map(|(state, &id)| Some((state, self.tables.get(id)?)));
        for (state, table) in tables {
            if as_tables {
                section.table(state, table);
            } else {
                let mut entries: Vec<_> = table.iter().collect();
                entries.sort_unstable();
                section.state(state, entries.into_iter())?;
            }
        }
        Ok(())
    }

    /// What its tables take in a snapshot as they are, without what is dead.
    fn live_bytes(&self) -> usize {
        self.tables.iter().map(FrozenTable::live_bytes).sum()
    }
}
