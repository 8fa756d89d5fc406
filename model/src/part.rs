//! A component of a state: shared while it is equal, hashed once.

use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    ops::Deref,
    sync::Arc,
};

/// A value that most steps leave alone. Cloning it is counting a reference; its hash is kept, so
/// that hashing a world costs what has changed.
#[derive(Clone)]
pub struct Part<T> {
    value: Arc<T>,
    // `None` while it is being edited.
    hash: Option<u64>,
}

impl<T: Hash> Part<T> {
    /// A part with this value.
    pub fn new(value: T) -> Self {
        Self { hash: Some(hash_of(&value)), value: Arc::new(value) }
    }

    /// Equal for equal values, in every process.
    pub(crate) fn digest(&self) -> u64 {
        self.hash.unwrap_or_else(|| hash_of(&self.value))
    }

    /// Hashes it again if it was edited. A step ends with this.
    pub fn settle(&mut self) {
        if self.hash.is_none() {
            self.hash = Some(hash_of(&self.value));
        }
    }
}

impl<T: Clone> Part<T> {
    /// The value, to change it.
    pub fn edit(&mut self) -> &mut T {
        self.hash = None;
        Arc::make_mut(&mut self.value)
    }
}

/// A hash with fixed keys, equal in every process.
pub(crate) fn hash_of<T: Hash + ?Sized>(value: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl<T> Deref for Part<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Hash> Hash for Part<T> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.digest());
    }
}

impl<T: PartialEq> PartialEq for Part<T> {
    fn eq(&self, other: &Self) -> bool {
        let differ = self.hash.zip(other.hash).is_some_and(|(one, other)| one != other);
        Arc::ptr_eq(&self.value, &other.value) || (!differ && self.value == other.value)
    }
}

impl<T: Eq> Eq for Part<T> {}

impl<T: fmt::Debug> fmt::Debug for Part<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}
