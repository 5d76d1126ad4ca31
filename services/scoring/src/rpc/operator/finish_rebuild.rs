use klout_proto::score::v1::{FinishRebuildRequest, FinishRebuildResponse};

use super::OperatorRpc;
use crate::{error::Error, rebuild};

pub(super) async fn finish_rebuild(
    rpc: &OperatorRpc,
    request: FinishRebuildRequest,
) -> Result<FinishRebuildResponse, Error> {
    let problem = "is not the number of a rebuild";
    let number = request.rebuild.parse();
    let number = number.map_err(|_| Error::FieldInvalid { field: "rebuild", problem })?;
    rebuild::finish(&rpc.db, number, rpc.transaction_time_max).await?;
    rpc.evidence_grew.notify_one();
    Ok(FinishRebuildResponse {})
}
