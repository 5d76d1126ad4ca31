use klout_chassis::Caller;
use klout_proto::graph::v1::{ListPlusKGivenRequest, ListPlusKGivenResponse};

use super::{PlusKRpc, page, parse_person, show};
use crate::{error::Error, store};

pub(super) async fn list_plus_k_given(
    rpc: &PlusKRpc,
    caller: &Caller,
    request: ListPlusKGivenRequest,
) -> Result<ListPlusKGivenResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let viewer = show::viewer(&request.viewer)?;
    let (size, after) = page::parse(request.page_size, &request.page_token)?;
    let giver = rpc.vouching.member(person).await?.person;
    show::check(rpc, caller, person, giver).await?;
    let listed = store::plus_k::given(&rpc.vouching.db, giver, after, size + 1).await;
    let listed = listed.map_err(Error::store("read what was given"))?;
    let (listed, next_page_token) = page::cut(listed, size, |it| (it.give_time, it.id));
    let listed = show::seen(rpc, caller, giver, listed, |it| it.receiver).await?;
    let sees_all = viewer.is_some_and(|viewer| viewer == person || viewer.get() == giver);
    let plus_ks = listed.into_iter().map(|it| {
        let is_receiver = viewer.is_some_and(|viewer| viewer.get() == it.receiver);
        show::plus_k(it, sees_all || is_receiver)
    });
    Ok(ListPlusKGivenResponse { plus_ks: plus_ks.collect(), next_page_token })
}
