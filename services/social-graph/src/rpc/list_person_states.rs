use klout_proto::graph::v1::{ListPersonStatesRequest, ListPersonStatesResponse};

use super::{GraphRpc, page};
use crate::{error::Error, store};

pub(super) async fn list_person_states(
    rpc: &GraphRpc,
    request: ListPersonStatesRequest,
) -> Result<ListPersonStatesResponse, Error> {
    let size = page::size(request.page_size, 1_000, 1_000)?;
    let after = i64::try_from(request.after_number).unwrap_or(i64::MAX);
    let max = i64::try_from(size).unwrap_or(i64::MAX);
    let states = store::person_state::after(&rpc.db, after, max)
        .await
        .map_err(Error::store("read states"))?;
    Ok(ListPersonStatesResponse { states })
}
