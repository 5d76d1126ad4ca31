use klout_proto::graph::v1::{ListBlockedRequest, ListBlockedResponse};

use super::{PlusKRpc, page, parse_person};
use crate::{error::Error, store};

pub(super) async fn list_blocked(
    rpc: &PlusKRpc,
    request: ListBlockedRequest,
) -> Result<ListBlockedResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let (size, after) = page::parse(request.page_size, &request.page_token)?;
    let person = rpc.vouching.member(person).await?.person;
    let listed = store::block::list(&rpc.vouching.db, person, after, size + 1).await;
    let listed = listed.map_err(Error::store("read blocks"))?;
    let (listed, next_page_token) = page::cut(listed, size, |it| (it.time, it.person));
    let people = listed.into_iter().map(|it| it.person.to_string()).collect();
    Ok(ListBlockedResponse { people, next_page_token })
}
