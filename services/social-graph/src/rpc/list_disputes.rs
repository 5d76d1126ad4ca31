use klout_proto::graph::v1::{ListDisputesRequest, ListDisputesResponse};

use super::{GraphRpc, page};
use crate::{error::Error, store};

pub(super) async fn list_disputes(
    rpc: &GraphRpc,
    request: ListDisputesRequest,
) -> Result<ListDisputesResponse, Error> {
    let size = page::size(request.page_size)?;
    let after = page::start(&request.page_token)?;
    let mut disputes = store::dispute::list(&rpc.db, request.include_settled, after, size + 1)
        .await
        .map_err(Error::store("list disputes"))?;
    let next_page_token =
        page::cut(&mut disputes, size, |last| last.dispute.parse().unwrap_or(i64::MAX));
    Ok(ListDisputesResponse { disputes, next_page_token })
}
