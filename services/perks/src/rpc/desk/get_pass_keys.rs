use klout_proto::perk::v1::{GetPassKeysRequest, GetPassKeysResponse};

use super::DeskRpc;

pub(super) fn get_pass_keys(rpc: &DeskRpc, _: GetPassKeysRequest) -> GetPassKeysResponse {
    let keys = serde_json::to_string(&rpc.passes.public());
    GetPassKeysResponse { jwks: keys.expect("texts make JSON") }
}
