//! `ListDecisions`.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use klout_proto::perk::v1::{ListDecisionsRequest, ListDecisionsResponse};

use super::{PerkRpc, page, show};
use crate::{error::Error, store};

pub(super) async fn list_decisions(
    rpc: &PerkRpc,
    request: ListDecisionsRequest,
) -> Result<ListDecisionsResponse, Error> {
    let ListDecisionsRequest { campaign, page_size, page_token } = request;
    let id = show::parse_id(&campaign).ok_or(Error::CampaignUnknown { campaign })?;
    let (size, after) = page::parse(page_size, &page_token)?;
    let campaign = rpc.campaigns.get(id).await?;
    let listed = store::decision::list(&rpc.db, campaign.id, after, size + 1).await;
    let listed = listed.map_err(Error::store("list decisions"))?;
    let (mut listed, next_page_token) = page::cut(listed, size, |it| (it.decide_time, it.id));
    rpc.granter.hide_gone(&mut listed).await?;
    let now = rpc.granter.now();
    let decisions = stream::iter(listed)
        // Versions are remembered: hardly any is read.
        .then(|it| rpc.granter.explained(it))
        .map_ok(|it| show::decided(it, now).0)
        .try_collect()
        .await?;
    Ok(ListDecisionsResponse { decisions, next_page_token })
}
