//! `ListCampaigns`.

use klout_chassis::Caller;
use klout_proto::perk::v1::{ListCampaignsRequest, ListCampaignsResponse};
use time::OffsetDateTime;

use super::PerkRpc;
use crate::{
    campaigns::CampaignState,
    error::Error,
    rpc::{page, show},
    store::{self, campaign::Place},
};

/// A page that names no size.
const PAGE: u16 = 100;
const PAGE_MAX: u16 = 1_000;

pub(super) async fn list_campaigns(
    rpc: &PerkRpc,
    _: &Caller,
    request: ListCampaignsRequest,
) -> Result<ListCampaignsResponse, Error> {
    let size = page::size(request.page_size, PAGE, PAGE_MAX)?;
    let after = after(&request.page_token)?;
    let state = Some(request.state.as_str()).filter(|state| !state.is_empty());
    if state.is_some_and(|state| state.parse::<CampaignState>().is_err()) {
        return Err(Error::field("state", "is not DRAFT, ACTIVE, PAUSED or ENDED"));
    }
    let brand = Some(request.brand.as_str()).filter(|brand| !brand.is_empty());
    if brand.is_some_and(|brand| brand.contains('\0')) {
        return Err(Error::field("brand", "has a character that no text has"));
    }
    let more = i64::try_from(size + 1).expect("a page is small");
    let found = store::campaign::list(&rpc.db, state, brand, after, more).await;
    let mut found = found.map_err(Error::store("list campaigns"))?;
    let is_last = found.len() <= size;
    found.truncate(size);
    let next = found
        .last()
        .filter(|_| !is_last)
        .map(|last| page::token([micros(last.create_time), last.campaign_id]));
    let campaigns = found.iter().map(show::campaign).collect::<Result<_, _>>()?;
    Ok(ListCampaignsResponse { campaigns, next_page_token: next.unwrap_or_default() })
}

fn after(token: &str) -> Result<Option<Place>, Error> {
    let Some([micros, campaign_id]) = page::after(token)? else { return Ok(None) };
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).ok();
    let create_time = time.filter(|_| micros >= 0).ok_or_else(page::not_ours)?;
    Ok(Some(Place { create_time, campaign_id }))
}

/// As Postgres keeps a time.
fn micros(time: OffsetDateTime) -> i64 {
    let micros = time.unix_timestamp_nanos() / 1_000;
    i64::try_from(micros).expect("a time that was kept is in reach")
}
