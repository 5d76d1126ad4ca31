use klout_proto::perk::v1::{CreatePropertyRequest, CreatePropertyResponse};

use super::{DeskRpc, show};
use crate::error::Error;

pub(super) async fn create_property(
    rpc: &DeskRpc,
    request: CreatePropertyRequest,
) -> Result<CreatePropertyResponse, Error> {
    let property = request.property.ok_or_else(|| Error::field("property", "is missing"))?;
    let property = rpc.properties.create(show::parse_property(property)).await?;
    Ok(CreatePropertyResponse { property: Some(show::property(&property)) })
}
