use klout_chassis::Caller;
use klout_proto::profile::v1::{ListPeopleRequest, ListPeopleResponse};
use tonic::Status;

use super::LookupRpc;

pub(super) async fn list_people(
    rpc: &LookupRpc,
    caller: &Caller,
    request: ListPeopleRequest,
) -> Result<ListPeopleResponse, Status> {
    // Several steps of several calls are large; whoever waits for them is not to be.
    Box::pin(rpc.people.list(caller, request)).await
}
