use klout_proto::graph::v1::{RecordLookupsRequest, RecordLookupsResponse};

use super::GraphRpc;
use crate::{error::Error, lookups};

/// Look-ups in one request.
pub(crate) const LOOKUPS_MAX: usize = 10_000;

pub(super) async fn record_lookups(
    rpc: &GraphRpc,
    request: RecordLookupsRequest,
) -> Result<RecordLookupsResponse, Error> {
    let count = request.lookups.len();
    if count > LOOKUPS_MAX {
        return Err(Error::LookupsTooMany { count });
    }
    let rows = request.lookups.into_iter().enumerate().map(|(index, row)| {
        let problem = "is not of somebody, or without what was seen, how often or when";
        lookups::parse(row).ok_or_else(|| Error::field(format!("lookups[{index}]"), problem))
    });
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    lookups::record(&rpc.db, &rows).await?;
    Ok(RecordLookupsResponse {})
}
