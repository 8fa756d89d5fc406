//! What flows through data channels, and what the cluster's own job puts out.

use crate::encoding;
use crate::job::Position;
use bytes::Bytes;
use keygroups::protocol::Barrier;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::sync::Arc;

/// A record on its way to the task that owns its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sent<R> {
    pub(crate) position: Position,
    pub(crate) record: R,
}

/// A message in a data channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Data<R> {
    Records(Vec<Sent<R>>),
    Barrier(Barrier),
    /// The source has read all its input. It still answers triggers.
    End,
}

/// What the cluster's own job puts out for every row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputRecord {
    /// The row's partition.
    pub partition: u16,
    /// The row's offset there.
    pub offset: u64,
    /// Its key.
    #[serde(deserialize_with = "encoding::shared_text")]
    pub key: Arc<str>,
    /// How many rows of that key were counted, with this one.
    pub nth: u64,
}

/// The name of the sources' operator state; its items are `(partition, offset)`.
pub(crate) const OFFSETS: &str = "offsets";

/// Encodes plain data.
pub(crate) fn encode<T: Serialize>(value: &T) -> Bytes {
    encoding::message(value, &[])
}

/// Decodes what [`encode`] made.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, postcard::Error> {
    postcard::from_bytes(bytes)
}
