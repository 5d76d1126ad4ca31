use klout_chassis::{Caller, Seen};
use klout_model::PersonId;
use klout_proto::graph::v1::{ListMutualsRequest, ListMutualsResponse};

use super::{GraphRpc, influence as lists, page, parse_person};
use crate::{
    error::Error,
    influence::{self, Mutual},
};

/// Topics of each that are compared.
const TOPICS_MAX: i32 = 100;

pub(super) async fn list_mutuals(
    rpc: &GraphRpc,
    caller: &Caller,
    request: ListMutualsRequest,
) -> Result<ListMutualsResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let other = parse_person("other_person", &request.other_person)?;
    let size = page::size(request.page_size, lists::SIZE.0, lists::SIZE.1)?;
    let viewer = lists::viewer(rpc, caller);
    let one = influence::own(&rpc.db, person, viewer).await?;
    let other = influence::own(&rpc.db, other, viewer).await?;
    if one.person == other.person {
        return Err(Error::field("other_person", "is the same person"));
    }
    let Mutual { influencers, influencees } =
        influence::mutual(&rpc.db, [&one, &other], viewer, size).await?;
    let mut named = rpc.topics.names(&[one.person, other.person], TOPICS_MAX).await?;
    let topics = named.remove(&one.person).unwrap_or_default();
    let theirs = named.remove(&other.person).unwrap_or_default();
    for seen in influencers.iter().chain(&influencees).chain([&one.person, &other.person]) {
        rpc.lookups.note(caller, Seen::Influence, *seen);
    }
    let names = |people: Vec<PersonId>| people.iter().map(ToString::to_string).collect();
    Ok(ListMutualsResponse {
        influencers: names(influencers),
        influencees: names(influencees),
        topics: topics.into_iter().filter(|it| theirs.contains(it)).collect(),
    })
}
