use klout_proto::score::v1::StartRebuildResponse;

use super::OperatorRpc;
use crate::{error::Error, rebuild};

pub(super) async fn start_rebuild(rpc: &OperatorRpc) -> Result<StartRebuildResponse, Error> {
    let number = rebuild::start(&rpc.db, rpc.transaction_time_max).await?;
    Ok(StartRebuildResponse { rebuild: number.to_string() })
}
