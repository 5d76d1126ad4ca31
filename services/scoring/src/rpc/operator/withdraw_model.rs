use klout_proto::score::v1::{WithdrawModelRequest, WithdrawModelResponse};
use tracing::instrument;

use super::OperatorRpc;
use crate::error::Error;

#[instrument(skip_all)]
pub(super) async fn withdraw_model(
    rpc: &OperatorRpc,
    request: WithdrawModelRequest,
) -> Result<WithdrawModelResponse, Error> {
    rpc.models.withdraw(&request.model, rpc.clock.now()).await?;
    Ok(WithdrawModelResponse {})
}
