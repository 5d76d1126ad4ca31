use klout_proto::score::v1::{StartRescoreRequest, StartRescoreResponse};

use super::{ScoreRpc, get_rescore::to_wire};
use crate::{
    error::Error,
    store::{self, pass::PassRow},
};

/// The longest name that a caller may give a call.
const REQUEST_ID_BYTES_MAX: usize = 100;

pub(super) async fn start_rescore(
    rpc: &ScoreRpc,
    request: StartRescoreRequest,
) -> Result<StartRescoreResponse, Error> {
    let db = &rpc.reader.db;
    if request.request_id.len() > REQUEST_ID_BYTES_MAX {
        let problem = "is longer than 100 bytes";
        return Err(Error::FieldInvalid { field: "request_id", problem });
    }
    let request_id = (!request.request_id.is_empty()).then_some(request.request_id.as_str());
    let answer = |pass: &PassRow, already_running| {
        Ok(StartRescoreResponse { rescore: Some(to_wire(pass)), already_running })
    };
    // One that ends between two of these statements is no longer in the way of the next try.
    loop {
        if let Some(request_id) = request_id
            && let Some(pass) = store::pass::find(db, None, Some(request_id))
                .await
                .map_err(Error::store("look for a pass"))?
        {
            return answer(&pass, true);
        }
        let asked = store::pass::ask(db, request_id).await;
        if let Some(pass) = asked.map_err(Error::store("ask for a pass"))? {
            rpc.pass_wanted.notify_one();
            return answer(&pass, false);
        }
        let newest =
            store::pass::find(db, None, None).await.map_err(Error::store("look for a pass"))?;
        if let Some(pass) = newest.filter(|pass| pass.end_time.is_none()) {
            return answer(&pass, true);
        }
    }
}
