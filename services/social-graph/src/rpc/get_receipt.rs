use klout_proto::graph::v1::{GetReceiptRequest, GetReceiptResponse};

use super::GraphRpc;
use crate::{consent, error::Error};

pub(super) async fn get_receipt(
    rpc: &GraphRpc,
    request: GetReceiptRequest,
) -> Result<GetReceiptResponse, Error> {
    let receipt = request.receipt.parse().map_err(|_| Error::field("receipt", "is no receipt"))?;
    let receipt = consent::receipt(&rpc.db, receipt).await?;
    Ok(GetReceiptResponse { receipt: Some(receipt) })
}
