use klout_model::Purpose;
use klout_proto::graph::v1::{ListPerkMembersRequest, ListPerkMembersResponse};

use super::{GraphRpc, page};
use crate::{error::Error, store};

/// Nobody's look-up: a service counts them, or draws some of them.
pub(super) async fn list_perk_members(
    rpc: &GraphRpc,
    request: ListPerkMembersRequest,
) -> Result<ListPerkMembersResponse, Error> {
    let size = page::size(request.page_size, 1_000, 10_000)?;
    let max = i64::try_from(size).unwrap_or(i64::MAX);
    let purpose = Purpose::Perks.as_str();
    let people = store::member::list(&rpc.db, purpose, request.after_person_id, max).await;
    Ok(ListPerkMembersResponse { person_ids: people.map_err(Error::store("list members"))? })
}
