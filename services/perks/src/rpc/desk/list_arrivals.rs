use klout_chassis::Caller;
use klout_proto::perk::v1::{ListArrivalsRequest, ListArrivalsResponse};

use super::{DeskRpc, page, show};
use crate::error::Error;

pub(super) async fn list_arrivals(
    rpc: &DeskRpc,
    caller: &Caller,
    request: ListArrivalsRequest,
) -> Result<ListArrivalsResponse, Error> {
    let size = page::size(request.page_size)?;
    let after = page::after(&request.page_token)?;
    let limit = i64::try_from(size).unwrap_or(i64::MAX).saturating_add(1);
    let ListArrivalsRequest { property, arrival_day, .. } = request;
    let mut found = rpc.desk.arrivals(caller, &property, &arrival_day, &after, limit).await?;
    let more = found.len() > size;
    found.truncate(size);
    let last = found.last().filter(|_| more);
    Ok(ListArrivalsResponse {
        next_page_token: last.map_or_else(String::new, |it| page::token(&it.stay)),
        arrivals: found.into_iter().map(show::arrival).collect(),
    })
}
