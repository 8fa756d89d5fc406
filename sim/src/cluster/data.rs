//! What flows through data channels, and what the job puts out.

use bytes::Bytes;
use keygroups::protocol::Barrier;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// One row on its way to the task that owns its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) partition: u16,
    pub(crate) offset: u64,
    pub(crate) key: String,
    pub(crate) distance: u64,
    pub(crate) dep_delay: Option<i64>,
}

/// A message in a data channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Data {
    Records(Vec<Record>),
    Barrier(Barrier),
    /// The source has read all its input. It still answers triggers.
    End,
}

/// What the job puts out for every row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputRecord {
    /// The row's partition.
    pub partition: u16,
    /// The row's offset there.
    pub offset: u64,
    /// Its key.
    pub key: String,
    /// How many rows of that key were counted, with this one.
    pub nth: u64,
}

/// The job's state per key: flights, distance in miles, largest known delay in minutes.
pub(crate) type Value = (u64, u64, Option<i64>);

/// The name of the keyed state.
pub(crate) const STATE: &str = "totals";
/// The name of the sources' operator state; its items are `(partition, offset)`.
pub(crate) const OFFSETS: &str = "offsets";

/// Encodes plain data.
pub(crate) fn encode<T: Serialize>(value: &T) -> Bytes {
    postcard::to_allocvec(value).expect("plain data").into()
}

/// Decodes what [`encode`] made.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, postcard::Error> {
    postcard::from_bytes(bytes)
}
