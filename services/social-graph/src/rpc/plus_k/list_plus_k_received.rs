use klout_chassis::Caller;
use klout_proto::graph::v1::{ListPlusKReceivedRequest, ListPlusKReceivedResponse, PlusKOnTopic};

use super::{PlusKRpc, page, parse_person, parse_topic, show};
use crate::{error::Error, shown::hangs_on_consent, store};

/// Topics of which is told how many were received on them.
const TOPICS_MAX: i64 = 20;

/// The newest that are counted.
const COUNTED_MAX: i64 = 10_000;

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
    let counted = if after.is_none() && topic.is_empty() {
        let purpose = Some(caller.purpose()).filter(|_| hangs_on_consent(caller));
        let counted = store::plus_k::received_on(
            &rpc.vouching.db,
            receiver,
            purpose,
            COUNTED_MAX,
            TOPICS_MAX,
        );
        counted.await.map_err(Error::store("count what was received"))?
    } else {
        Vec::new()
    };
    let (listed, next_page_token) = page::cut(listed, size, |it| (it.give_time, it.id));
    let listed = show::seen(rpc, caller, receiver, listed, |it| it.giver).await?;
    let sees_all = viewer.is_some_and(|viewer| viewer == person || viewer.get() == receiver);
    let plus_ks = listed.into_iter().map(|it| {
        let is_giver = viewer.is_some_and(|viewer| viewer.get() == it.giver);
        show::plus_k(it, sees_all || is_giver)
    });
    Ok(ListPlusKReceivedResponse {
        plus_ks: plus_ks.collect(),
        next_page_token,
        total: counted.first().map_or(0, |it| it.total),
        topics: counted
            .into_iter()
            .map(|it| PlusKOnTopic { topic: it.topic, count: it.count })
            .collect(),
    })
}
