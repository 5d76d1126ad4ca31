use klout_proto::graph::v1::{RecordLookupsRequest, RecordLookupsResponse};

use super::GraphRpc;
use crate::{error::Error, lookups};

/// People in one request.
pub(crate) const LOOKUPS_MAX: usize = 10_000;

pub(super) async fn record_lookups(
    rpc: &GraphRpc,
    request: RecordLookupsRequest,
) -> Result<RecordLookupsResponse, Error> {
    // Without anybody in it none is of use either.
    let count = request.lookups.iter().map(|it| it.person_ids.len().max(1)).sum();
    if count > LOOKUPS_MAX {
        return Err(Error::LookupsTooMany { count });
    }
    let batches = request.lookups.into_iter().enumerate().map(|(index, row)| {
        let problem = "is not of people, or does not say what was seen, how often or when";
        lookups::parse(row).ok_or_else(|| Error::field(format!("lookups[{index}]"), problem))
    });
    let batches = batches.collect::<Result<Vec<_>, _>>()?;
    lookups::record(&rpc.db, &batches).await?;
    Ok(RecordLookupsResponse {})
}
