use klout_proto::topic::v1::GetBacklogResponse;

use super::TopicRpc;
use crate::error::Error;

pub(super) async fn get_backlog(rpc: &TopicRpc) -> Result<GetBacklogResponse, Error> {
    let waiting = rpc.backlog.waiting().await?;
    Ok(GetBacklogResponse {
        posts: waiting.posts.unsigned_abs(),
        people: waiting.people.unsigned_abs(),
        accounts: waiting.accounts.unsigned_abs(),
    })
}
