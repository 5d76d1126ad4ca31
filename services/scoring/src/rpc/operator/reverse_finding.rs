use klout_proto::score::v1::{ReverseFindingRequest, ReverseFindingResponse};

use super::OperatorRpc;
use crate::{
    error::Error,
    finding::{self, to_wire},
};

pub(super) async fn reverse_finding(
    rpc: &OperatorRpc,
    request: ReverseFindingRequest,
) -> Result<ReverseFindingResponse, Error> {
    let finding = finding::reverse(&rpc.db, finding::parse(&request.finding)?).await?;
    rpc.evidence_grew.notify_one();
    Ok(ReverseFindingResponse { finding: Some(to_wire(finding)) })
}
