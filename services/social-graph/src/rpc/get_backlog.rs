use klout_proto::graph::v1::GetBacklogResponse;

use super::GraphRpc;
use crate::{error::Error, store};

pub(super) async fn get_backlog(rpc: &GraphRpc) -> Result<GetBacklogResponse, Error> {
    let waiting =
        store::membership_outbox::count(&rpc.db).await.map_err(Error::store("count what waits"))?;
    Ok(GetBacklogResponse {
        accounts: (waiting.for_scoring + waiting.for_topics).cast_unsigned(),
        accounts_for_topics: waiting.for_topics.cast_unsigned(),
    })
}
