use klout_model::Day;
use klout_proto::score::v1::GetBacklogResponse;

use super::ScoreRpc;
use crate::{error::Error, pass::is_of_today, store};

pub(super) async fn get_backlog(rpc: &ScoreRpc) -> Result<GetBacklogResponse, Error> {
    let db = &rpc.reader.db;
    let backlog =
        store::standing::backlog(db).await.map_err(Error::store("look what is left to do"))?;
    let mut people = backlog.dirty;
    let today = Day::of(rpc.reader.clock.now()).number();
    let of_today = backlog.day.is_some_and(|day| is_of_today(day, today));
    if backlog.passing || (backlog.any_member && !of_today) {
        // Until the pass is over, everybody waits for it.
        let everybody = store::score::count(db).await.map_err(Error::store("count everybody"))?;
        people = people.max(everybody).max(1);
    }
    Ok(GetBacklogResponse {
        people: people.cast_unsigned(),
        percentiles_current: people == 0 && backlog.current,
    })
}
