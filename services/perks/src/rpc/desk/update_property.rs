use klout_proto::perk::v1::{UpdatePropertyRequest, UpdatePropertyResponse};

use super::{DeskRpc, show};
use crate::error::Error;

pub(super) async fn update_property(
    rpc: &DeskRpc,
    request: UpdatePropertyRequest,
) -> Result<UpdatePropertyResponse, Error> {
    let property = request.property.ok_or_else(|| Error::field("property", "is missing"))?;
    let property = rpc.properties.update(show::parse_property(property)).await?;
    Ok(UpdatePropertyResponse { property: Some(show::property(&property)) })
}
