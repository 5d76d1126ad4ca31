use klout_chassis::Caller;
use klout_proto::graph::v1::{ListInfluenceesRequest, ListInfluenceesResponse};

use super::{
    GraphRpc,
    influence::{self, Asked, Page},
};
use crate::{error::Error, store::tie::End};

pub(super) async fn list_influencees(
    rpc: &GraphRpc,
    caller: &Caller,
    request: ListInfluenceesRequest,
) -> Result<ListInfluenceesResponse, Error> {
    let ListInfluenceesRequest { person, network, topic, page_size, page_token, with_total_size } =
        request;
    let asked = Asked { person, network, topic, page_size, page_token, with_total_size };
    let Page { people, next_page_token, total_size } =
        influence::list(rpc, caller, End::Subject, asked).await?;
    Ok(ListInfluenceesResponse { influencees: people, next_page_token, total_size })
}
