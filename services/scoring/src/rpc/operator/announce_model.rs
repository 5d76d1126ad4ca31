use klout_proto::{
    convert,
    score::v1::{AnnounceModelRequest, AnnounceModelResponse},
};
use tracing::instrument;

use super::OperatorRpc;
use crate::{error::Error, rpc::list_models::to_wire};

#[instrument(skip_all)]
pub(super) async fn announce_model(
    rpc: &OperatorRpc,
    request: AnnounceModelRequest,
) -> Result<AnnounceModelResponse, Error> {
    let field = "serve_time";
    let time = request.serve_time.ok_or(Error::FieldInvalid { field, problem: "is missing" })?;
    let problem = "is not a time";
    let time = convert::time(&time).ok_or(Error::FieldInvalid { field, problem })?;
    let model = rpc.models.announce(&request.model, time, rpc.clock.now()).await?;
    Ok(AnnounceModelResponse { model: Some(to_wire(model)) })
}
