use klout_proto::graph::v1::{GetPlusKBudgetRequest, GetPlusKBudgetResponse};

use super::{PlusKRpc, parse_person, show};
use crate::error::Error;

pub(super) async fn get_plus_k_budget(
    rpc: &PlusKRpc,
    request: GetPlusKBudgetRequest,
) -> Result<GetPlusKBudgetResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let member = rpc.vouching.member(person).await?;
    let mut connection =
        rpc.vouching.db.acquire().await.map_err(Error::store("reach the store"))?;
    let budget = rpc.vouching.budget(&mut connection, member.person, &member.time_zone).await?;
    Ok(GetPlusKBudgetResponse { budget: Some(show::budget(&budget)) })
}
