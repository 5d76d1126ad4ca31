use klout_chassis::Caller;
use klout_proto::graph::v1::{ListInfluencersRequest, ListInfluencersResponse};

use super::{
    GraphRpc,
    influence::{self, Asked},
};
use crate::{error::Error, store::tie::End};

pub(super) async fn list_influencers(
    rpc: &GraphRpc,
    caller: &Caller,
    request: ListInfluencersRequest,
) -> Result<ListInfluencersResponse, Error> {
    let ListInfluencersRequest { person, network, topic, page_size, page_token } = request;
    let asked = Asked { person, network, topic, page_size, page_token };
    let (influencers, next_page_token) = influence::list(rpc, caller, End::Actor, asked).await?;
    Ok(ListInfluencersResponse { influencers, next_page_token })
}
