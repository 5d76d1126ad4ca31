use klout_proto::graph::v1::{BatchGetMembershipsRequest, BatchGetMembershipsResponse};

use super::{GraphRpc, check_count};
use crate::{error::Error, store};

pub(super) async fn batch_get_memberships(
    rpc: &GraphRpc,
    request: BatchGetMembershipsRequest,
) -> Result<BatchGetMembershipsResponse, Error> {
    check_count(request.account_ids.len())?;
    let mut memberships = store::account::memberships(&rpc.db, &request.account_ids)
        .await
        .map_err(Error::store("read who owns accounts"))?;
    memberships.retain(|membership| membership.person_id != 0);
    Ok(BatchGetMembershipsResponse { memberships })
}
