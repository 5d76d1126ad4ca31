use klout_proto::graph::v1::{ListTopicProposalsRequest, ListTopicProposalsResponse};

use super::{PlusKRpc, page, parse_person, show};
use crate::{error::Error, store};

pub(super) async fn list_topic_proposals(
    rpc: &PlusKRpc,
    request: ListTopicProposalsRequest,
) -> Result<ListTopicProposalsResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let (size, after) = page::parse(request.page_size, &request.page_token)?;
    let person = rpc.vouching.member(person).await?.person;
    let listed = store::topic_proposal::list(&rpc.vouching.db, person, after, size + 1).await;
    let listed = listed.map_err(Error::store("read proposals"))?;
    let (listed, next_page_token) = page::cut(listed, size, |it| (it.create_time, it.id));
    let proposals = listed.into_iter().map(show::proposal).collect();
    Ok(ListTopicProposalsResponse { proposals, next_page_token })
}
