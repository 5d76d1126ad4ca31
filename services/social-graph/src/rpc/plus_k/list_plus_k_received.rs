use klout_chassis::Caller;
use klout_proto::graph::v1::{ListPlusKReceivedRequest, ListPlusKReceivedResponse};

use super::{PlusKRpc, page, parse_person, parse_topic, show};
use crate::{error::Error, store};

pub(super) async fn list_plus_k_received(
    rpc: &PlusKRpc,
    caller: &Caller,
    request: ListPlusKReceivedRequest,
) -> Result<ListPlusKReceivedResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let viewer = show::viewer(&request.viewer)?;
    let (size, after) = page::parse(request.page_size, &request.page_token)?;
    let topic = match request.topic {
        all if all.is_empty() => all,
        topic => rpc.vouching.topics.find(&parse_topic(topic)?).await?.slug,
    };
    let receiver = rpc.vouching.member(person).await?.person;
    show::check(rpc, caller, person, receiver).await?;
    let listed = store::plus_k::received(&rpc.vouching.db, receiver, &topic, after, size + 1).await;
    let listed = listed.map_err(Error::store("read what was received"))?;
    let (listed, next_page_token) = page::cut(listed, size, |it| (it.give_time, it.id));
    let listed = show::seen(rpc, caller, receiver, listed, |it| it.giver).await?;
    let sees_all = viewer.is_some_and(|viewer| viewer == person || viewer.get() == receiver);
    let plus_ks = listed.into_iter().map(|it| {
        let is_giver = viewer.is_some_and(|viewer| viewer.get() == it.giver);
        show::plus_k(it, sees_all || is_giver)
    });
    Ok(ListPlusKReceivedResponse { plus_ks: plus_ks.collect(), next_page_token })
}
