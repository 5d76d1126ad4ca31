use klout_proto::score::v1::FinishRebuildResponse;

use super::OperatorRpc;
use crate::{error::Error, rebuild};

pub(super) async fn finish_rebuild(rpc: &OperatorRpc) -> Result<FinishRebuildResponse, Error> {
    rebuild::finish(&rpc.db, rpc.transaction_time_max).await?;
    rpc.evidence_grew.notify_one();
    Ok(FinishRebuildResponse {})
}
