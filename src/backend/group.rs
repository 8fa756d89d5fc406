//! The entries of one key group: one table for each state.

use std::iter;

use crate::{
    snapshot::{SectionWriter, SnapshotError},
    table::{FrozenTable, Memory, PutError, Table},
};

/// All states of one key group.
#[derive(Debug, Default)]
pub(super) struct Group {
    // Where one looks first, and most jobs have no other: it lies in the group itself.
    first: Table,
    // The tables of the other states; shorter where the last ones have no entries.
    others: Vec<Table>,
}

impl Group {
    fn tables(&self) -> impl Iterator<Item = &Table> {
        iter::once(&self.first).chain(&self.others)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tables().all(Table::is_empty)
    }

    /// The table of `state`, if it was ever written to.
    #[inline(always)]
    pub(super) fn table(&self, state: usize) -> Option<&Table> {
        match state.checked_sub(1) {
            None => Some(&self.first),
            Some(other) => self.others.get(other),
        }
    }

    /// The table of `state`, to write to.
    #[inline(always)]
    pub(super) fn table_mut(&mut self, state: usize) -> &mut Table {
        match state.checked_sub(1) {
            None => &mut self.first,
            Some(other) => self.other_mut(other),
        }
    }

    fn other_mut(&mut self, other: usize) -> &mut Table {
        if self.others.len() <= other {
            self.others.resize_with(other + 1, Table::new);
        }
        &mut self.others[other]
    }

    /// The entries of `state`, in an order that depends on the keys alone.
    pub(super) fn entries(&self, state: usize) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.table(state).into_iter().flat_map(Table::iter)
    }

    /// Fills the empty table of `state`.
    pub(super) fn fill<'a>(
        &mut self,
        state: usize,
        mut entries: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Result<(), PutError> {
        let table = self.table_mut(state);
        entries.try_for_each(|(key, value)| table.put(key, value))
    }

    /// Makes `table` the table of `state`, which is empty.
    pub(super) fn adopt(&mut self, state: usize, table: &FrozenTable) {
        *self.table_mut(state) = table.thaw();
    }

    pub(super) fn freeze(&mut self) -> FrozenGroup {
        let others = self.others.iter_mut().map(Table::freeze).collect();
        FrozenGroup { first: self.first.freeze(), others }
    }

    pub(super) fn memory(&self) -> Memory {
        self.tables().map(Table::memory).sum()
    }
}

/// A key group of a moment.
#[derive(Clone, Debug)]
pub(super) struct FrozenGroup {
    // As in a group.
    first: FrozenTable,
    others: Vec<FrozenTable>,
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
        let tables = ids.iter().enumerate().filter_map(|(state, &id)| Some((state, self.table(id)?)));
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

    /// The table of `state`, if it was ever written to.
    fn table(&self, state: usize) -> Option<&FrozenTable> {
        match state.checked_sub(1) {
            None => Some(&self.first),
            Some(other) => self.others.get(other),
        }
    }

    /// What its tables take in a snapshot as they are, without what is dead.
    fn live_bytes(&self) -> usize {
        iter::once(&self.first).chain(&self.others).map(FrozenTable::live_bytes).sum()
    }
}
