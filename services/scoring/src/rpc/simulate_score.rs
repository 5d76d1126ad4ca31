use klout_chassis::{Caller, Seen};
use klout_proto::score::v1::{
    SimulateScoreRequest, SimulateScoreResponse, simulate_score_request::Subject,
};
use tokio::task::spawn_blocking;

use super::{
    ScoreRpc,
    explain_score::{sitter, stored},
    get_score::{parse_person, resolve},
};
use crate::{error::Error, explanation};

pub(super) async fn simulate_score(
    rpc: &ScoreRpc,
    caller: &Caller,
    request: SimulateScoreRequest,
) -> Result<SimulateScoreResponse, Error> {
    let person = match request.subject {
        Some(Subject::Person(person)) => parse_person("person", &person)?,
        Some(Subject::Account(account)) => resolve(rpc, account).await?,
        None => return Err(Error::FieldInvalid { field: "subject", problem: "is missing" }),
    };
    let (person, sitter) = sitter(rpc, caller.purpose(), person).await?;
    let deployment = rpc.reader.deployment;
    let simulated = move || {
        let portrait = sitter.portrait(sitter.today)?;
        let score = stored(&sitter, &portrait, person, deployment);
        explanation::simulate_score(&sitter.epoch.model, &portrait, score, &request.events)
    };
    let simulation = spawn_blocking(simulated).await.map_err(Error::Lost)??;
    rpc.lookups.note(caller, Seen::Simulation, person);
    Ok(simulation)
}
