use klout_proto::signal::v1::GetBacklogResponse;

use super::SignalRpc;
use crate::{error::Error, store};

pub(super) async fn get_backlog(rpc: &SignalRpc) -> Result<GetBacklogResponse, Error> {
    let waiting = store::outbox::count(&rpc.db).await.map_err(Error::store("count the outbox"))?;
    Ok(GetBacklogResponse {
        batches: waiting.batches.cast_unsigned(),
        batches_for_topics: waiting.for_topics.cast_unsigned(),
    })
}
