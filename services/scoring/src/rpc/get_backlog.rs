use klout_proto::score::v1::GetBacklogResponse;

use super::ScoreRpc;
use crate::{daily, error::Error, store};

pub(super) async fn get_backlog(rpc: &ScoreRpc) -> Result<GetBacklogResponse, Error> {
    let db = &rpc.reader.db;
    let (start, end) = daily::bounds(rpc.reader.clock.now());
    let people = store::dirty_person::count(db, start, end)
        .await
        .map_err(Error::store("count who waits for a score"))?;
    let standing = store::standing::read(db).await.map_err(Error::store("read the standing"))?;
    Ok(GetBacklogResponse {
        people: people.cast_unsigned(),
        percentiles_current: people == 0 && standing.current,
    })
}
