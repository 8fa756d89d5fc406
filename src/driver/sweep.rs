//! What a sweep for garbage looks at: what is in the store, and what of it was committed as output.

use futures::{StreamExt, stream};

use super::{DriverError, runtime::Requests};
use crate::{
    checkpoint::{ObjectName, OutputList},
    protocol::{SweepRequest, Swept},
    store::{CheckpointStore, StoreError},
};

/// So many links of the output chain are read one after the other, because each names the next, within the time that a
/// sweep has. A chain that is longer takes as long as it is: each read has its own limit.
const LINKS_ONE_BY_ONE: usize = 64;
/// Enough to hide the latency of a remote store.
const READS_AT_ONCE: usize = 32;

/// What there is from the attempt on that is asked about, and what of it the chain of outputs names.
pub(super) async fn sweep(
    store: &CheckpointStore,
    requests: &Requests,
    request: SweepRequest,
) -> Result<Swept, DriverError> {
    let limit = requests.timings.transfer_timeout;
    let (mut swept, next) =
        requests.within(limit, "list objects and outputs", begin(store, request)).await??;
    if let Some(next) = next {
        walk_listed(store, requests, request, next, &mut swept).await?;
    }
    Ok(swept)
}

/// The listing, the newest links, and the first that is left to read.
async fn begin(
    store: &CheckpointStore,
    request: SweepRequest,
) -> Result<(Swept, Option<ObjectName>), StoreError> {
    let SweepRequest { from, head, .. } = request;
    let mut swept = Swept { objects: store.list_objects(from).await?.objects, committed: Vec::new() };
    let mut walk = store.walk_outputs(head, from);
    for _ in 0..LINKS_ONE_BY_ONE {
        let Some((name, list)) = walk.next().await? else { return Ok((swept, None)) };
        add(&mut swept, name, &list);
    }
    Ok((swept, walk.next_link()))
}

/// The links from `next` on. Which they are only they say, but nearly all lists that were listed are links, and a chain
/// goes from newer to older ones: so lists are read many at once, newest first, and those that are no links passed over.
async fn walk_listed(
    store: &CheckpointStore,
    requests: &Requests,
    request: SweepRequest,
    next: ObjectName,
    swept: &mut Swept,
) -> Result<(), DriverError> {
    let age = |name: ObjectName| (name.attempt(), name.checkpoint());
    let is_list =
        |name: &ObjectName| matches!(name, ObjectName::OutputList { .. }) && age(*name) <= age(next);
    let mut lists: Vec<_> = swept.objects.iter().copied().filter(is_list).collect();
    lists.sort_unstable_by_key(|name| std::cmp::Reverse(age(*name)));
    let mut reads = stream::iter(lists)
        .map(|name| async move { (name, read(store, requests, name).await) })
        .buffered(READS_AT_ONCE);
    let mut next = Some(next);
    let mut listed = reads.next().await;
    while let Some(link) = next.filter(|link| link.attempt() >= request.from) {
        let list = match listed.take() {
            Some((name, list)) if name == link => {
                listed = reads.next().await;
                list?
            }
            Some((name, _)) if age(name) > age(link) => {
                // An upload for a checkpoint that was given up; it may be gone by now.
                listed = reads.next().await;
                continue;
            }
            // The listing did not show it.
            later => {
                listed = later;
                read(store, requests, link).await?
            }
        };
        add(swept, link, &list);
        next = list.previous;
    }
    Ok(())
}

async fn read(
    store: &CheckpointStore,
    requests: &Requests,
    name: ObjectName,
) -> Result<OutputList, DriverError> {
    let limit = requests.timings.request_timeout;
    Ok(requests.within(limit, "read an output list", store.read_output_list(name)).await??)
}

fn add(swept: &mut Swept, link: ObjectName, list: &OutputList) {
    swept.committed.push(link);
    swept.committed.extend(list.outputs.iter().map(|output| output.object));
}
