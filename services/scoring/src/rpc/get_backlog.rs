use klout_proto::score::v1::GetBacklogResponse;

use super::ScoreRpc;
use crate::{error::Error, store};

pub(super) async fn get_backlog(rpc: &ScoreRpc) -> Result<GetBacklogResponse, Error> {
    let db = &rpc.reader.db;
    let people =
        store::dirty_person::count(db).await.map_err(Error::store("count dirty people"))?;
    let standing = store::standing::read(db).await.map_err(Error::store("read the standing"))?;
    Ok(GetBacklogResponse {
        people: people.cast_unsigned(),
        percentiles_current: people == 0 && standing.current,
    })
}
