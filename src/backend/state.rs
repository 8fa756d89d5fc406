//! What a user says about a state, and what he gets for it.

use std::{any::TypeId, fmt, marker::PhantomData, sync::Arc};

use crate::snapshot::{StateKind, StateMeta};

/// Describes a keyed state: its name, its kind, the types of its keys and values. The name is
/// what ties it to the state in a snapshot.
pub struct StateDescriptor<K, V> {
    pub(super) meta: StateMeta,
    types: PhantomData<fn(K) -> V>,
}

impl<K, V> StateDescriptor<K, V> {
    /// One value per key.
    pub fn value(name: &str) -> Self {
        Self { meta: StateMeta { name: name.into(), kind: StateKind::Value }, types: PhantomData }
    }
}

impl<K, V> fmt::Debug for StateDescriptor<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StateDescriptor").field(&self.meta).finish()
    }
}

/// One value per key, in the backend it was registered with.
pub struct ValueState<K, V> {
    id: usize,
    // The very string of the backend: no other backend's handle has it.
    name: Arc<str>,
    types: PhantomData<fn(K) -> V>,
}

impl<K, V> ValueState<K, V> {
    pub(super) fn new(id: usize, name: Arc<str>) -> Self {
        Self { id, name, types: PhantomData }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn id(&self) -> usize {
        self.id
    }

    pub(super) const fn name_arc(&self) -> &Arc<str> {
        &self.name
    }
}

impl<K, V> Clone for ValueState<K, V> {
    fn clone(&self) -> Self {
        Self::new(self.id, Arc::clone(&self.name))
    }
}

impl<K, V> fmt::Debug for ValueState<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ValueState").field(&self.name).finish()
    }
}

/// A type to compare with, and its name for people.
#[derive(Clone, Copy, Debug)]
pub(super) struct RustType {
    id: TypeId,
    pub(super) name: &'static str,
}

impl RustType {
    pub(super) fn of<T: 'static>() -> Self {
        Self { id: TypeId::of::<T>(), name: std::any::type_name::<T>() }
    }
}

impl PartialEq for RustType {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}
