use klout_proto::graph::v1::{ResumePersonStatesRequest, ResumePersonStatesResponse};

use super::GraphRpc;
use crate::{error::Error, state::Turn, store, tell::Consumer};

pub(super) async fn resume_person_states(
    rpc: &GraphRpc,
    request: ResumePersonStatesRequest,
) -> Result<ResumePersonStatesResponse, Error> {
    let store = Error::store;
    let consumer = Consumer::named(&request.service)
        .ok_or_else(|| Error::field("service", "no service that is told of people"))?;
    let after = i64::try_from(request.after_number).unwrap_or(i64::MAX);
    let mut transaction = rpc.db.begin().await.map_err(store("begin to have people forgotten"))?;
    // Nobody leaves or comes back meanwhile.
    Turn::take(&mut transaction).await?;
    store::person_state_outbox::resume(&mut *transaction, consumer, after)
        .await
        .map_err(store("have people told of"))?;
    store::forgetting::resume(&mut *transaction, consumer, after)
        .await
        .map_err(store("have people forgotten"))?;
    transaction.commit().await.map_err(store("commit who is to be forgotten"))?;
    Ok(ResumePersonStatesResponse {})
}
