use klout_proto::score::v1::{ShadowModelRequest, ShadowModelResponse};
use tracing::instrument;

use super::OperatorRpc;
use crate::{error::Error, rpc::list_models::to_wire};

#[instrument(skip_all)]
pub(super) async fn shadow_model(
    rpc: &OperatorRpc,
    request: ShadowModelRequest,
) -> Result<ShadowModelResponse, Error> {
    let model = rpc.models.shadow(&request.numbers, rpc.clock.now()).await?;
    Ok(ShadowModelResponse { model: Some(to_wire(model)) })
}
