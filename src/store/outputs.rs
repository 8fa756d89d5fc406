//! The chain of committed outputs: each link names the one before.

use bytes::Bytes;

use super::{CheckpointStore, Put, StoreError};
use crate::checkpoint::{Attempt, ObjectName, OutputHandle, OutputList};

/// A walk along the chain of committed outputs, from the newest link to the oldest.
#[derive(Debug)]
pub struct OutputWalk<'a> {
    store: &'a CheckpointStore,
    floor: Attempt,
    next: Option<ObjectName>,
}

impl OutputWalk<'_> {
    /// The next older link; `None` at the end of the chain or below the floor. It always ends:
    /// a link that does not lead to an older one is damaged.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`] and [`StoreError::Damaged`] name the link; otherwise what the store
    /// said. A repeat reads the same link again.
    pub async fn next(&mut self) -> Result<Option<(ObjectName, OutputList)>, StoreError> {
        let Some(name) = self.next_link() else { return Ok(None) };
        let list = self.store.read_output_list(name).await?;
        self.next = list.previous;
        Ok(Some((name, list)))
    }

    /// The name of the link that [`next`](Self::next) would read.
    pub fn next_link(&self) -> Option<ObjectName> {
        self.next.filter(|name| name.attempt() >= self.floor)
    }
}

impl CheckpointStore {
    /// Writes `list` under `name`, once and for ever, like [`put_object`](Self::put_object).
    pub async fn put_output_list(&self, name: ObjectName, list: &OutputList) -> Put {
        let path = self.layout.object(&name);
        match list.encode(name) {
            Ok(object) => self.put_once(&path, object.into()).await,
            Err(source) => Put::Failed { reason: StoreError::Content { path: path.to_string(), source } },
        }
    }

    /// One link.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`] and [`StoreError::Damaged`], otherwise what the store said.
    pub async fn read_output_list(&self, name: ObjectName) -> Result<OutputList, StoreError> {
        let object = self.get(name).await?;
        OutputList::decode(name, &object)
            .map_err(|source| StoreError::damaged(&self.layout.object(&name), source))
    }

    /// The links from `head` down to the oldest whose attempt is not below `floor`.
    /// [`Attempt::default`] is below every attempt.
    pub fn walk_outputs(&self, head: Option<ObjectName>, floor: Attempt) -> OutputWalk<'_> {
        OutputWalk { store: self, floor, next: head }
    }

    /// A committed output, exactly as it was written.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`], [`StoreError::ShortRead`] and [`StoreError::DamagedOutput`] name the
    /// object; otherwise what the store said.
    pub async fn read_output(&self, handle: &OutputHandle) -> Result<Bytes, StoreError> {
        let bytes = self.get(handle.object).await?;
        if handle.describes(&bytes) {
            return Ok(bytes);
        }
        let path = self.layout.object(&handle.object).to_string();
        Err(StoreError::DamagedOutput { path, expected: handle.bytes, found: bytes.len() as u64 })
    }

    /// All committed outputs up to `head`: oldest checkpoint first, ascending by task within one.
    ///
    /// # Errors
    ///
    /// As [`OutputWalk::next`].
    pub async fn committed_outputs(&self, head: Option<ObjectName>) -> Result<Vec<OutputHandle>, StoreError> {
        let mut walk = self.walk_outputs(head, Attempt::default());
        let mut lists = Vec::new();
        while let Some((_, list)) = walk.next().await? {
            lists.push(list.outputs);
        }
        Ok(lists.into_iter().rev().flatten().collect())
    }
}
