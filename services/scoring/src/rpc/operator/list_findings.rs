use klout_proto::score::v1::{ListFindingsRequest, ListFindingsResponse};

use super::OperatorRpc;
use crate::{error::Error, finding::to_wire, rpc::page, store};

pub(super) async fn list_findings(
    rpc: &OperatorRpc,
    request: ListFindingsRequest,
) -> Result<ListFindingsResponse, Error> {
    let size = page::size(request.page_size, 100, 1_000)?;
    let before = page::before(&request.page_token)?;
    let more = i64::try_from(size + 1).unwrap_or(i64::MAX);
    let mut findings =
        store::finding::list(&rpc.db, before, more).await.map_err(Error::store("read findings"))?;
    let last = page::cut(&mut findings, size);
    let next_page_token = last.map(|last| page::token_before(last.finding_id)).unwrap_or_default();
    let findings = findings.into_iter().map(to_wire).collect();
    Ok(ListFindingsResponse { findings, next_page_token })
}
