//! The entries of one key group: one table for each state that has any.

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
    others: Others<Table>,
}

/// The tables of the states but the first: of those that were written to. A table for each number up to the greatest would
/// be memory for states times key groups, which a few bytes of a snapshot can ask for.
#[derive(Clone, Debug)]
struct Others<T>(
    // Ascending by the number of the state.
    Vec<(u16, T)>,
);

impl<T> Default for Others<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Others<T> {
    fn tables(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, table)| table)
    }

    /// Where the table of `state` lies, or would.
    #[inline(always)]
    fn place(&self, state: usize) -> Result<usize, usize> {
        // There, if all before it were written to, as the few states of most jobs are.
        match self.0.get(state - 1) {
            Some((number, _)) if usize::from(*number) == state => Ok(state - 1),
            _ => self.0.binary_search_by_key(&state, |(number, _)| usize::from(*number)),
        }
    }

    #[inline(always)]
    fn get(&self, state: usize) -> Option<&T> {
        self.place(state).ok().map(|at| &self.0[at].1)
    }

    #[inline(always)]
    fn get_mut(&mut self, state: usize) -> Option<&mut T> {
        self.place(state).ok().map(|at| &mut self.0[at].1)
    }
}

impl Others<Table> {
    #[inline(always)]
    fn get_or_new(&mut self, state: usize) -> &mut Table {
        let at = self.place(state).unwrap_or_else(|at| self.make(state, at));
        &mut self.0[at].1
    }

    #[cold]
    fn make(&mut self, state: usize, at: usize) -> usize {
        let number = u16::try_from(state).expect("a backend has at most 65,535 states");
        self.0.insert(at, (number, Table::new()));
        at
    }
}

impl Group {
    fn tables(&self) -> impl Iterator<Item = &Table> {
        iter::once(&self.first).chain(self.others.tables())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tables().all(Table::is_empty)
    }

    /// The table of `state`, if it was ever written to.
    #[inline(always)]
    pub(super) fn table(&self, state: usize) -> Option<&Table> {
        if state == 0 { Some(&self.first) } else { self.others.get(state) }
    }

    /// The table of `state`, to change what is in it, if it was ever written to.
    #[inline(always)]
    pub(super) fn written_mut(&mut self, state: usize) -> Option<&mut Table> {
        if state == 0 { Some(&mut self.first) } else { self.others.get_mut(state) }
    }

    /// The table of `state`, to write to.
    #[inline(always)]
    pub(super) fn table_mut(&mut self, state: usize) -> &mut Table {
        if state == 0 { &mut self.first } else { self.others.get_or_new(state) }
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
        let others = self.others.0.iter_mut().map(|(number, table)| (*number, table.freeze())).collect();
        FrozenGroup { first: self.first.freeze(), others: Others(others) }
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
    others: Others<FrozenTable>,
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
        if state == 0 { Some(&self.first) } else { self.others.get(state) }
    }

    /// What its tables take in a snapshot as they are, without what is dead.
    fn live_bytes(&self) -> usize {
        iter::once(&self.first).chain(self.others.tables()).map(FrozenTable::live_bytes).sum()
    }
}
