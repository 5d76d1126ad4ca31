//! `ListGrants`.

use std::collections::BTreeSet;

use klout_chassis::{Caller, Seen};
use klout_model::PersonId;
use klout_proto::perk::v1::{ListGrantsRequest, ListGrantsResponse};
use time::OffsetDateTime;

use super::{PerkRpc, sees_all, show};
use crate::{
    error::Error,
    rpc::{page, parse},
    store::{
        self,
        granted::{Of, Place, Status},
    },
};

/// A page that names no size.
const PAGE: u16 = 100;
const PAGE_MAX: u16 = 1_000;

pub(super) async fn list_grants(
    rpc: &PerkRpc,
    caller: &Caller,
    request: ListGrantsRequest,
) -> Result<ListGrantsResponse, Error> {
    let ListGrantsRequest { person, campaign, status, page_size, page_token } = request;
    let size = page::size(page_size, PAGE, PAGE_MAX)?;
    let after = after(&page_token)?;
    let status = match status.as_str() {
        "" => Status::All,
        "OPEN" => Status::Open,
        "CLAIMED" => Status::Claimed,
        "EXPIRED" => Status::Expired,
        _ => return Err(Error::field("status", "is not OPEN, CLAIMED or EXPIRED")),
    };
    let of = match (person.is_empty(), campaign.is_empty()) {
        (false, true) => {
            let person = parse::person("person", &person)?;
            Of::Person(rpc.facts.member(person, !sees_all(caller)).await?.get())
        }
        (true, false) => {
            let campaign = parse::campaign(&campaign)?;
            rpc.campaigns.look_for(campaign).await?;
            Of::Campaign(campaign)
        }
        (true, true) => return Err(Error::field("person", "is missing, and no campaign is named")),
        (false, false) => return Err(Error::field("campaign", "is named beside a person")),
    };
    let now = rpc.granter.now();
    let more = i64::try_from(size + 1).expect("a page is small");
    let found = store::granted::list(&rpc.db, of, status, now, after, more).await;
    let mut found = found.map_err(Error::store("list grants"))?;
    let is_last = found.len() <= size;
    found.truncate(size);
    let next = found
        .last()
        .filter(|_| !is_last)
        .map(|it| page::token([micros(it.reserve_time), it.campaign, it.id]));
    // After what was read: who has left in between is not told.
    let asked = match of {
        Of::Person(person) => Some(person),
        Of::Campaign(_) => None,
    };
    let people: Vec<i64> = found.iter().filter_map(|it| it.person).chain(asked).collect();
    let gone = store::person_state::masked(&rpc.db, &people).await;
    let gone = gone.map_err(Error::store("look who has left"))?;
    let shown: BTreeSet<i64> = match of {
        Of::Person(person) if gone.contains(&person) => return Err(Error::PersonUnknown),
        // Also that somebody got nothing.
        Of::Person(person) => [person].into(),
        Of::Campaign(_) => people.into_iter().filter(|it| !gone.contains(it)).collect(),
    };
    for person in shown.into_iter().filter_map(PersonId::new) {
        rpc.lookups.note(caller, Seen::Perks, person);
    }
    let names: Vec<(i64, i64)> = found.iter().map(|it| (it.campaign, it.id)).collect();
    let own = match sees_all(caller) {
        true => names.into_iter().collect(),
        false => show::reserved_by(rpc, caller, &names).await?,
    };
    let mut grants = Vec::with_capacity(found.len());
    for mut grant in found {
        grant.person = grant.person.filter(|it| !gone.contains(it));
        if !own.contains(&(grant.campaign, grant.id)) {
            (grant.code, grant.stay) = (None, String::new());
        }
        // Versions are remembered: hardly any is read.
        let offered = rpc.campaigns.offered(grant.campaign, grant.version).await?;
        grants.push(show::grant(&offered, grant, now));
    }
    Ok(ListGrantsResponse { grants, next_page_token: next.unwrap_or_default() })
}

fn after(token: &str) -> Result<Option<Place>, Error> {
    let Some([micros, campaign, grant]) = page::after(token)? else { return Ok(None) };
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).ok();
    let time = time.filter(|_| micros >= 0).ok_or_else(page::not_ours)?;
    Ok(Some(Place { time, campaign, grant }))
}

/// As Postgres keeps a time.
fn micros(time: OffsetDateTime) -> i64 {
    let micros = time.unix_timestamp_nanos() / 1_000;
    i64::try_from(micros).expect("a time that was kept is in reach")
}
