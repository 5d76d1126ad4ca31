use klout_proto::signal::v1::{ListConnectionsRequest, ListConnectionsResponse};

use super::SignalRpc;
use crate::{connections, error::Error};

pub(super) async fn list_connections(
    rpc: &SignalRpc,
    request: ListConnectionsRequest,
) -> Result<ListConnectionsResponse, Error> {
    let ListConnectionsRequest { person, page_size, page_token } = request;
    connections::list(&rpc.db, &person, page_size, &page_token).await
}
