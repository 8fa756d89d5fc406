//! Requests and replies as they travel: an encoded head, then the object's bytes as they are.

use crate::encoding::message;
use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A head with a body behind it. The body is shared, not copied, by whoever takes it from the datagram.
pub(super) fn encode<T: Serialize>(head: &T, body: &[u8]) -> Bytes {
    message(head, body)
}

/// Undoes [`encode`]. Only nodes of this build talk to the store, and links corrupt nothing.
pub(super) fn decode<T: DeserializeOwned>(bytes: &Bytes) -> (T, Bytes) {
    let (head, body) = postcard::take_from_bytes(bytes).expect("client and store are of one build");
    (head, bytes.slice_ref(body))
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Request {
    /// Distinguishes the requests of one client.
    pub id: u64,
    pub operation: Operation,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Operation {
    /// The body is the object.
    Put {
        path: String,
        mode: Mode,
        attributes: AttributeList,
    },
    Get {
        path: String,
        range: Range,
        head: bool,
    },
    Delete {
        path: String,
    },
    /// Paths below `prefix` (a directory, or empty) that are greater than `after`.
    List {
        prefix: String,
        after: Option<String>,
    },
    Copy {
        from: String,
        to: String,
        mode: Mode,
    },
    /// Begins an object in parts.
    BeginParts {
        path: String,
    },
    /// The body is a part; nobody sees it before the upload is completed.
    PutPart {
        path: String,
        upload: u64,
        part: u32,
    },
    /// Makes the object of all its parts, in their order.
    CompleteParts {
        path: String,
        upload: u64,
        attributes: AttributeList,
    },
    AbortParts {
        path: String,
        upload: u64,
    },
}

impl Operation {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Put { .. } => "put",
            Self::Get { head: true, .. } => "head",
            Self::Get { .. } => "get",
            Self::Delete { .. } => "delete",
            Self::List { .. } => "list",
            Self::Copy { .. } => "copy",
            Self::BeginParts { .. } => "begin-parts",
            Self::PutPart { .. } => "put-part",
            Self::CompleteParts { .. } => "complete-parts",
            Self::AbortParts { .. } => "abort-parts",
        }
    }

    /// The path it is about; a listing's prefix.
    pub fn path(&self) -> &str {
        match self {
            Self::Put { path, .. }
            | Self::Get { path, .. }
            | Self::Delete { path }
            | Self::BeginParts { path }
            | Self::PutPart { path, .. }
            | Self::CompleteParts { path, .. }
            | Self::AbortParts { path, .. } => path,
            Self::List { prefix, .. } => prefix,
            Self::Copy { to, .. } => to,
        }
    }

    pub fn changes(&self) -> bool {
        match self {
            Self::Put { .. } | Self::Delete { .. } | Self::Copy { .. } | Self::CompleteParts { .. } => true,
            Self::Get { .. }
            | Self::List { .. }
            | Self::BeginParts { .. }
            | Self::PutPart { .. }
            | Self::AbortParts { .. } => false,
        }
    }

    /// Whether a full store refuses it.
    pub fn needs_room(&self) -> bool {
        match self {
            Self::Put { .. }
            | Self::Copy { .. }
            | Self::BeginParts { .. }
            | Self::PutPart { .. }
            | Self::CompleteParts { .. } => true,
            Self::Get { .. } | Self::Delete { .. } | Self::List { .. } | Self::AbortParts { .. } => false,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Mode {
    Overwrite,
    Create,
    Update { etag: u64 },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Range {
    Whole,
    Bounded(u64, u64),
    From(u64),
    Last(u64),
}

/// Name and value of each attribute, in order of name.
pub(super) type AttributeList = Vec<(String, String)>;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Reply {
    pub id: u64,
    pub answer: Answer,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    Done {
        etag: u64,
    },
    /// The body is the part of the object from `start`.
    Found {
        meta: Meta,
        start: u64,
        attributes: AttributeList,
    },
    Page {
        objects: Vec<Meta>,
        more: bool,
    },
    Exists,
    Missing,
    /// An update found another etag, or no object.
    Changed,
    BadRange(String),
    /// The upload that was begun.
    Upload(u64),
    /// 503.
    Refused,
    /// 503, for there are too many requests.
    SlowDown,
    /// 500: it says nothing about the effect.
    Failed,
    /// 507.
    Full,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Meta {
    pub path: String,
    pub size: u64,
    pub etag: u64,
    /// Virtual microseconds.
    pub modified_us: u64,
}
