//! `ListDecisions`.

use std::collections::BTreeSet;

use klout_chassis::{Caller, Seen};
use klout_model::PersonId;
use klout_proto::perk::v1::{ListDecisionsRequest, ListDecisionsResponse};
use time::OffsetDateTime;

use super::{PerkRpc, show};
use crate::{
    error::Error,
    grants::Recorded,
    rpc::{page, parse},
    store::{self, decision::Place},
};

/// Rows of a page, when its size is 0 and at most.
const SIZE_DEFAULT: u16 = 100;
const SIZE_MAX: u16 = 1_000;

pub(super) async fn list_decisions(
    rpc: &PerkRpc,
    caller: &Caller,
    request: ListDecisionsRequest,
) -> Result<ListDecisionsResponse, Error> {
    let ListDecisionsRequest { campaign, page_size, page_token } = request;
    let id = parse::campaign(&campaign)?;
    let size = page::size(page_size, SIZE_DEFAULT, SIZE_MAX)?;
    let after = page::after::<2>(&page_token)?.map(place).transpose()?;
    rpc.campaigns.look_for(id).await?;
    let limit = i64::try_from(size + 1).unwrap_or(i64::MAX);
    let listed = store::decision::list(&rpc.db, id, after, limit).await;
    let mut listed = listed.map_err(Error::store("list decisions"))?;
    let more = listed.len() > size;
    listed.truncate(size);
    rpc.granter.hide_gone(&mut listed).await?;
    let shown: BTreeSet<i64> = listed.iter().filter_map(|it| it.person).collect();
    for person in shown.into_iter().filter_map(PersonId::new) {
        rpc.lookups.note(caller, Seen::Perks, person);
    }
    let next_page_token = listed.last().filter(|_| more).map(token).unwrap_or_default();
    let now = rpc.granter.now();
    let mut decisions = Vec::with_capacity(listed.len());
    for recorded in listed {
        // Versions are remembered: hardly any is read.
        decisions.push(match rpc.granter.explained(recorded.clone()).await {
            Ok(decided) => show::decided(decided, now).0,
            // It was logged: what its rules said nobody can tell any more, and all else can be.
            Err(Error::CampaignBroken { .. }) => show::decision(recorded, Vec::new()),
            Err(error) => return Err(error),
        });
    }
    Ok(ListDecisionsResponse { decisions, next_page_token })
}

/// Where the page before ended: in microseconds, as the store keeps times, and at which decision.
fn place([micros, id]: [i64; 2]) -> Result<Place, Error> {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000);
    let time = time.map_err(|_| page::not_ours())?;
    Ok(Place { time, id })
}

fn token(last: &Recorded) -> String {
    let micros = last.decide_time.unix_timestamp_nanos() / 1_000;
    page::token([i64::try_from(micros).unwrap_or(i64::MAX), last.id])
}
