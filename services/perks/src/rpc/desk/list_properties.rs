use klout_proto::perk::v1::{ListPropertiesRequest, ListPropertiesResponse};

use super::{DeskRpc, page, show};
use crate::error::Error;

pub(super) async fn list_properties(
    rpc: &DeskRpc,
    request: ListPropertiesRequest,
) -> Result<ListPropertiesResponse, Error> {
    let size = page::size(request.page_size)?;
    let after = page::after(&request.page_token)?;
    let limit = i64::try_from(size).unwrap_or(i64::MAX).saturating_add(1);
    let mut found = rpc.properties.list(&after, limit).await?;
    let more = found.len() > size;
    found.truncate(size);
    let last = found.last().filter(|_| more);
    Ok(ListPropertiesResponse {
        next_page_token: last.map_or_else(String::new, |it| page::token(&it.property)),
        properties: found.iter().map(show::property).collect(),
    })
}
