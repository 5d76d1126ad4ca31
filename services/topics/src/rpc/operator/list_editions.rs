use klout_proto::topic::v1::ListEditionsResponse;

use super::OperatorRpc;
use crate::{error::Error, store};

pub(super) async fn list_editions(rpc: &OperatorRpc) -> Result<ListEditionsResponse, Error> {
    // The one that ships is among them from the first call on.
    rpc.ontologies.current().await?;
    let all = store::edition::all(&rpc.db).await.map_err(Error::store("list editions"))?;
    let mut editions = Vec::with_capacity(all.len());
    for edition in all {
        editions.push(rpc.encode(edition).await?);
    }
    Ok(ListEditionsResponse { editions })
}
