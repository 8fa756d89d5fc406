//! Objects in parts. The store keeps the parts where nobody sees them until the upload is completed; of a
//! client that dies before that, they stay for ever.

use super::attributes;
use super::client::SimObjectStore;
use super::interface::{failure, not_supported, put_result};
use super::message::{Answer, AttributeList, Operation};
use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt;
use object_store::path::Path;
use object_store::{Attributes, MultipartUpload, PutPayload, PutResult, Result, UploadPart};

/// An upload that was begun.
#[derive(Debug)]
pub(super) struct Upload {
    client: SimObjectStore,
    path: String,
    attributes: AttributeList,
    upload: u64,
    parts: u32,
}

impl Upload {
    pub(super) async fn begin(
        client: &SimObjectStore,
        location: &Path,
        attributes: &Attributes,
    ) -> Result<Self> {
        let path = location.to_string();
        let attributes = attributes::to_list(attributes)
            .map_err(|unknown| not_supported(&format!("attribute {unknown:?}")))?;
        match client.request(Operation::BeginParts { path: path.clone() }, &[]).await?.0 {
            Answer::Upload(upload) => Ok(Self { client: client.clone(), path, attributes, upload, parts: 0 }),
            other => Err(failure(&path, other)),
        }
    }
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (client, path) = (self.client.clone(), self.path.clone());
        let put = Operation::PutPart { path: path.clone(), upload: self.upload, part: self.parts };
        self.parts += 1;
        async move {
            match client.request(put, &Bytes::from(data)).await?.0 {
                Answer::Done { .. } => Ok(()),
                other => Err(failure(&path, other)),
            }
        }
        .boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let (path, attributes) = (self.path.clone(), self.attributes.clone());
        let complete = Operation::CompleteParts { path, upload: self.upload, attributes };
        match self.client.request(complete, &[]).await?.0 {
            Answer::Done { etag } => Ok(put_result(etag)),
            other => Err(failure(&self.path, other)),
        }
    }

    async fn abort(&mut self) -> Result<()> {
        let abort = Operation::AbortParts { path: self.path.clone(), upload: self.upload };
        match self.client.request(abort, &[]).await?.0 {
            Answer::Done { .. } => Ok(()),
            other => Err(failure(&self.path, other)),
        }
    }
}
