use klout_proto::graph::v1::{ListDisputesRequest, ListDisputesResponse};

use super::{GraphRpc, page};
use crate::{error::Error, store};

/// Disputes of a page, and the most of them.
const SIZE: u16 = 100;
const SIZE_MAX: u16 = 1_000;

pub(super) async fn list_disputes(
    rpc: &GraphRpc,
    request: ListDisputesRequest,
) -> Result<ListDisputesResponse, Error> {
    let size = page::size(request.page_size, SIZE, SIZE_MAX)?;
    let [after] = page::after(&request.page_token)?.unwrap_or([0]);
    let max = i64::try_from(size).expect("at most a thousand");
    let mut disputes = store::dispute::list(&rpc.db, request.include_settled, after, max + 1)
        .await
        .map_err(Error::store("list disputes"))?;
    let more = disputes.len() > size;
    disputes.truncate(size);
    let last = disputes.last().filter(|_| more).and_then(|last| last.dispute.parse().ok());
    let next_page_token = last.map(|last: i64| page::token([last])).unwrap_or_default();
    Ok(ListDisputesResponse { disputes, next_page_token })
}
