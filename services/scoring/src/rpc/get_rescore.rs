use klout_proto::{
    convert::timestamp,
    score::v1::{GetRescoreRequest, GetRescoreResponse, Rescore},
};

use super::ScoreRpc;
use crate::{
    error::Error,
    store::{self, pass::PassRow},
};

pub(super) async fn get_rescore(
    rpc: &ScoreRpc,
    request: GetRescoreRequest,
) -> Result<GetRescoreResponse, Error> {
    let db = &rpc.reader.db;
    let problem = "is not the number of a pass";
    let pass = match request.rescore.as_str() {
        "" => None,
        number => {
            Some(number.parse().map_err(|_| Error::FieldInvalid { field: "rescore", problem })?)
        }
    };
    let found = store::pass::find(db, pass, None).await;
    let found = found.map_err(Error::store("look for a pass"))?;
    let found = found.ok_or(Error::RescoreUnknown { pass: pass.unwrap_or_default() })?;
    Ok(GetRescoreResponse { rescore: Some(to_wire(&found)) })
}

pub(super) fn to_wire(pass: &PassRow) -> Rescore {
    Rescore {
        rescore: pass.pass_id.to_string(),
        state: pass.state.clone(),
        epoch: pass.epoch.cast_unsigned(),
        model: pass.model.clone(),
        start_time: Some(timestamp(pass.start_time)),
        end_time: pass.end_time.map(timestamp),
        people_done: pass.people_done.cast_unsigned(),
        people: pass.people.cast_unsigned(),
        cells: pass.cells.cast_unsigned(),
        resumptions: pass.resumptions.cast_unsigned(),
        problem: pass.problem.clone(),
    }
}
