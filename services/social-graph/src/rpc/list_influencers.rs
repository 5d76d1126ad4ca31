use klout_chassis::Caller;
use klout_proto::graph::v1::{ListInfluencersRequest, ListInfluencersResponse};

use super::{
    GraphRpc,
    influence::{self, Asked, Page},
};
use crate::{error::Error, store::tie::End};

pub(super) async fn list_influencers(
    rpc: &GraphRpc,
    caller: &Caller,
    request: ListInfluencersRequest,
) -> Result<ListInfluencersResponse, Error> {
    let ListInfluencersRequest { person, network, topic, page_size, page_token, with_total_size } =
        request;
    let asked = Asked { person, network, topic, page_size, page_token, with_total_size };
    let Page { people, next_page_token, total_size } =
        influence::list(rpc, caller, End::Actor, asked).await?;
    Ok(ListInfluencersResponse { influencers: people, next_page_token, total_size })
}
