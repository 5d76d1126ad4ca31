use klout_proto::perk::v1::{GetPropertyRequest, GetPropertyResponse};

use super::{DeskRpc, show};
use crate::error::Error;

pub(super) async fn get_property(
    rpc: &DeskRpc,
    request: GetPropertyRequest,
) -> Result<GetPropertyResponse, Error> {
    let property = rpc.properties.get(&request.property).await?;
    Ok(GetPropertyResponse { property: Some(show::property(&property)) })
}
