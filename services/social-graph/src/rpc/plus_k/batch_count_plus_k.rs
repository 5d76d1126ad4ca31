use std::collections::HashMap;

use klout_proto::{
    convert,
    graph::v1::{BatchCountPlusKRequest, BatchCountPlusKResponse},
};

use super::{PlusKRpc, parse_person};
use crate::{error::Error, rpc::check_count, store};

/// Nobody's look-up: a count without a giver is no +K, and services ask for it who count their own look-ups.
pub(super) async fn batch_count_plus_k(
    rpc: &PlusKRpc,
    request: BatchCountPlusKRequest,
) -> Result<BatchCountPlusKResponse, Error> {
    check_count(request.people.len())?;
    let people: Vec<i64> = request
        .people
        .iter()
        .enumerate()
        .map(|(index, person)| Ok(parse_person(&format!("people[{index}]"), person)?.get()))
        .collect::<Result<_, Error>>()?;
    let since = request.start_time.as_ref().and_then(convert::time);
    let since = since.ok_or_else(|| Error::field("start_time", "is missing, or no time"))?;
    let counts = store::plus_k::counts(&rpc.vouching.db, &people, since).await;
    let counts: HashMap<i64, i64> =
        counts.map_err(Error::store("count what people received"))?.into_iter().collect();
    let count =
        |person: &i64| counts.get(person).map_or(0, |it| u32::try_from(*it).unwrap_or(u32::MAX));
    Ok(BatchCountPlusKResponse { counts: people.iter().map(count).collect() })
}
