use klout_proto::graph::v1::{MergePeopleRequest, MergePeopleResponse};

use super::{GraphRpc, note, parse_person};
use crate::{error::Error, merge, state::By};

pub(super) async fn merge_people(
    rpc: &GraphRpc,
    caller: &str,
    request: MergePeopleRequest,
) -> Result<MergePeopleResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let into = parse_person("into_person", &request.into_person)?;
    let by = By { caller, note: note::MERGED, now: rpc.clock.now() };
    let merged = merge::people(&rpc.db, rpc.age_rules, person, into, &by).await?;
    if !merged.moved.is_empty() {
        rpc.owners_changed.ring();
    }
    rpc.tell(&merged.moved).await?;
    Ok(MergePeopleResponse { person: Some(merged.person) })
}
