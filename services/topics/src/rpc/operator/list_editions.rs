use klout_proto::topic::v1::{ListEditionsRequest, ListEditionsResponse};

use super::OperatorRpc;
use crate::{error::Error, rpc::page, store};

pub(super) async fn list_editions(
    rpc: &OperatorRpc,
    request: ListEditionsRequest,
) -> Result<ListEditionsResponse, Error> {
    let size = page::size(request.page_size, 100, 1_000)?;
    let before = page::after::<1>(&request.page_token)?.map_or(i64::MAX, |[before]| before);
    // The one that ships is among them from the first call on.
    rpc.ontologies.current().await?;
    let limit = i64::try_from(size).unwrap_or(i64::MAX) + 1;
    let found = store::edition::list(&rpc.db, before, limit).await;
    let mut found = found.map_err(Error::store("list editions"))?;
    let more = found.len() > size;
    found.truncate(size);
    let last = found.last().filter(|_| more);
    let next_page_token = last.map_or_else(String::new, |it| page::token([it.edition_id]));
    let mut editions = Vec::with_capacity(found.len());
    for edition in found {
        editions.push(rpc.encode(edition).await?);
    }
    Ok(ListEditionsResponse { editions, next_page_token })
}
