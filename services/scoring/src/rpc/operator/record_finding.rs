use klout_model::{NativeId, Network};
use klout_proto::score::v1::{RecordFindingRequest, RecordFindingResponse};

use super::OperatorRpc;
use crate::{
    error::Error,
    finding::{self, to_wire},
    rpc::{get_score::parse_person, text},
    store::finding::NewFinding,
};

pub(super) async fn record_finding(
    rpc: &OperatorRpc,
    request: RecordFindingRequest,
) -> Result<RecordFindingResponse, Error> {
    let invalid = |field, problem| move |_| Error::FieldInvalid { field, problem };
    let network: Network =
        request.network.parse().map_err(invalid("network", "is not the name of a network"))?;
    let native_id: NativeId =
        request.native_id.parse().map_err(invalid("native_id", "is not an id of an account"))?;
    let person_id = match request.person.as_str() {
        "" => None,
        person => Some(parse_person("person", person)?.get()),
    };
    text::check("reason", &request.reason)?;
    text::check_request_id(&request.request_id)?;
    let new = NewFinding {
        account_id: rpc.account_key.account(&network, &native_id).0.0,
        network: network.as_str().to_owned(),
        person_id,
        reason: request.reason,
        request_id: request.request_id,
    };
    let finding = finding::record(&rpc.db, &new).await?;
    rpc.evidence_grew.notify_one();
    Ok(RecordFindingResponse { finding: Some(to_wire(finding)) })
}
