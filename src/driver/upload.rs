//! Makes a frozen task durable: its snapshot and its output, both write-once.

use std::{sync::Arc, time::Duration};

use futures::{channel::oneshot, future};
use object_store::PutPayload;

use super::{DriverError, engine::FrozenTask, runtime::Requests};
use crate::{
    checkpoint::{ObjectName, OutputHandle, TaskSnapshot},
    snapshot::{self, KeyedSource, SnapshotIdentity},
    store::{CheckpointStore, Put},
};

/// Encodes and writes what `identity` has frozen. `copy` gets the snapshot's bytes as soon as they are
/// known: what becomes of them there is no matter of the checkpoint.
pub(super) async fn upload(
    store: CheckpointStore,
    requests: Requests,
    identity: SnapshotIdentity,
    frozen: FrozenTask,
    copy: Option<oneshot::Sender<PutPayload>>,
) -> Result<Arc<TaskSnapshot>, DriverError> {
    let FrozenTask { keyed, operator_state, output } = frozen;
    let encode = move || {
        let keyed = keyed.as_ref().map(|keyed| keyed as &dyn KeyedSource);
        snapshot::encode(identity, keyed, &operator_state)
    };
    let object = identity.object();
    let encoded = requests.compute(encode).await?;
    let encoded = encoded.map_err(|source| DriverError::Snapshot { object, source })?;
    // Nobody waits for it any more if a newer copy of the task is under way.
    let payload: PutPayload = encoded.parts.iter().cloned().collect();
    let _ = copy.map(|copy| copy.send(payload.clone()));

    let SnapshotIdentity { attempt, task, checkpoint } = identity;
    let output_name = ObjectName::Output { attempt, task, checkpoint };
    let put_output = async {
        match &output {
            Some(output) => put(&store, &requests, output_name, output.bytes.clone().into()).await,
            None => Ok(()),
        }
    };
    future::try_join(put(&store, &requests, object, payload), put_output).await?;

    let output = output.map(|output| OutputHandle::of(output_name, &output.bytes, output.records));
    Ok(Arc::new(TaskSnapshot { task, state: encoded.handle(), output }))
}

async fn put(
    store: &CheckpointStore,
    requests: &Requests,
    name: ObjectName,
    payload: PutPayload,
) -> Result<(), DriverError> {
    // For each step, so that the length of an object does not decide whether it is written: one that goes up in parts is
    // given up when for so long none of its parts is through.
    let limit: Duration = requests.timings.transfer_timeout;
    requests
        .repeated(|| async {
            let mut upload = store.upload(name, payload.clone());
            loop {
                match requests.within(limit, "put an object", upload.step()).await? {
                    None => {}
                    Some(Put::Written) => return Ok(()),
                    Some(Put::Unknown { reason } | Put::Failed { reason }) => return Err(reason.into()),
                }
            }
        })
        .await
}
