use klout_model::Day;
use klout_proto::score::v1::GetBacklogResponse;

use super::ScoreRpc;
use crate::{error::Error, store};

pub(super) async fn get_backlog(rpc: &ScoreRpc) -> Result<GetBacklogResponse, Error> {
    let db = &rpc.reader.db;
    let standing = store::standing::read(db).await.map_err(Error::store("read the standing"))?;
    let today = Day::of(rpc.reader.clock.now()).number();
    // Until another day is gone over to, everybody waits for it.
    let people = if standing.day == Some(today) {
        store::dirty_person::count(db).await.map_err(Error::store("count dirty people"))?
    } else {
        store::score::count(db).await.map_err(Error::store("count everybody"))?
    };
    Ok(GetBacklogResponse {
        people: people.cast_unsigned(),
        percentiles_current: people == 0 && standing.current,
    })
}
