//! gRPC at the gateway: calls go on, as they are, to the service that owns them.

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
    routing::any,
};
use futures::{StreamExt as _, stream};
use http::HeaderMap;
use http_body::Frame;
use http_body_util::{BodyExt as _, BodyStream, LengthLimitError, Limited, StreamBody};
use klout_chassis::{Authentication, CallLimits, Caller, Guard, Link, Links, Refusal};
use klout_model::Purpose;
use klout_proto::json::DESCRIPTORS;
use prost_reflect::DynamicMessage;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use tower::ServiceExt as _;

use crate::{
    call::{self, to_caller},
    error::Error,
    routes::owners,
    transcode::{self, Unbindable},
};

/// How the services end that take what other services push, and that only operators call. Through the
/// gateway, which calls in its own name, they are for the operator alone.
const INTERNAL: [&str; 3] = ["ConsumerService", "OperatorService", "PersonDataService"];

/// This RPC goes through the whole log, and may take as long as a stream.
const REDELIVER: &str = "/klout.signal.v1.SignalService/RedeliverSignals";

/// RPCs of public services that are for the operator alone too: what is everybody's (cases, campaigns, one pass over
/// everybody after another), what only services know (keyed hashes), and what somebody decides for themselves. Whoever
/// names a person shows nothing that says that they may act for them, so that joining, leaving, accounts, contacts, who looked,
/// and vouching wait for the operator until people sign in themselves.
const OPERATORS: [&str; 53] = [
    REDELIVER,
    "/klout.graph.v1.GraphService/AddContacts",
    "/klout.graph.v1.GraphService/BatchCreatePeople",
    "/klout.graph.v1.GraphService/BatchGetMemberships",
    "/klout.graph.v1.GraphService/BatchIdentifyPeople",
    "/klout.graph.v1.GraphService/CreatePerson",
    "/klout.graph.v1.GraphService/ErasePerson",
    "/klout.graph.v1.GraphService/ExportPerson",
    "/klout.graph.v1.GraphService/GetConsent",
    "/klout.graph.v1.GraphService/ImportDeletionList",
    "/klout.graph.v1.GraphService/LinkAccount",
    "/klout.graph.v1.GraphService/ListDisputes",
    "/klout.graph.v1.GraphService/ListLookups",
    "/klout.graph.v1.GraphService/ListPerkMembers",
    "/klout.graph.v1.GraphService/ListPersonStates",
    "/klout.graph.v1.GraphService/MergePeople",
    "/klout.graph.v1.GraphService/RecordLookups",
    "/klout.graph.v1.GraphService/RemoveContacts",
    "/klout.graph.v1.GraphService/ResumePersonStates",
    "/klout.graph.v1.GraphService/SetConsent",
    "/klout.graph.v1.GraphService/SettleDispute",
    "/klout.graph.v1.GraphService/UnlinkAccount",
    "/klout.graph.v1.PlusKService/AnswerTopicProposal",
    "/klout.graph.v1.PlusKService/BatchCountPlusK",
    "/klout.graph.v1.PlusKService/BlockPerson",
    "/klout.graph.v1.PlusKService/GetPlusKBudget",
    "/klout.graph.v1.PlusKService/GivePlusK",
    "/klout.graph.v1.PlusKService/ListBlocked",
    "/klout.graph.v1.PlusKService/ListPlusKSuggestions",
    "/klout.graph.v1.PlusKService/ListTopicProposals",
    "/klout.graph.v1.PlusKService/ProposeTopic",
    "/klout.graph.v1.PlusKService/TakeBackPlusK",
    "/klout.graph.v1.PlusKService/ThankForPlusK",
    "/klout.graph.v1.PlusKService/UnblockPerson",
    "/klout.perk.v1.DeskService/CreateProperty",
    "/klout.perk.v1.DeskService/IssuePass",
    "/klout.perk.v1.DeskService/UpdateProperty",
    "/klout.perk.v1.PerkService/ActivateCampaign",
    "/klout.perk.v1.PerkService/CreateCampaign",
    "/klout.perk.v1.PerkService/EndCampaign",
    "/klout.perk.v1.PerkService/GetCampaignReport",
    "/klout.perk.v1.PerkService/GetPreview",
    "/klout.perk.v1.PerkService/ListCampaigns",
    "/klout.perk.v1.PerkService/ListDecisions",
    "/klout.perk.v1.PerkService/PauseCampaign",
    "/klout.perk.v1.PerkService/PreviewCampaign",
    "/klout.perk.v1.PerkService/ReplayDecision",
    "/klout.perk.v1.PerkService/UpdateCampaign",
    "/klout.perk.v1.PerkService/UploadCodes",
    "/klout.score.v1.ScoreService/BatchGetActors",
    "/klout.score.v1.ScoreService/ListContests",
    "/klout.score.v1.ScoreService/StartRescore",
    "/klout.topic.v1.TopicService/BatchGetPersonTopics",
];

/// RPCs for keys that choose who gets a perk, as at a desk, and for the operator.
const PERKS: [&str; 13] = [
    "/klout.perk.v1.DeskService/GetProperty",
    "/klout.perk.v1.DeskService/ListArrivals",
    "/klout.perk.v1.DeskService/ListProperties",
    "/klout.perk.v1.DeskService/MarkArrivals",
    "/klout.perk.v1.DeskService/VerifyPass",
    "/klout.perk.v1.PerkService/ConfirmGrant",
    "/klout.perk.v1.PerkService/DecideCheckIn",
    "/klout.perk.v1.PerkService/EvaluatePerks",
    "/klout.perk.v1.PerkService/GetCampaign",
    "/klout.perk.v1.PerkService/ListGrants",
    "/klout.perk.v1.PerkService/ReleaseGrant",
    "/klout.perk.v1.PerkService/ReserveGrant",
    "/klout.perk.v1.PerkService/ReverseGrant",
];

/// Fields of requests that are for the operator alone, by their RPCs: an age decides whether somebody takes part, and
/// what was said to somebody alone, or what they said to be wrong of them, is shown to nobody else. The service cannot
/// tell who asks.
const OPERATOR_FIELDS: [(&str, &str); 5] = [
    ("/klout.graph.v1.GraphService/UpdatePerson", "age_band"),
    ("/klout.graph.v1.PlusKService/ListPlusKGiven", "viewer"),
    ("/klout.graph.v1.PlusKService/ListPlusKReceived", "viewer"),
    ("/klout.perk.v1.PerkService/ListGrants", "campaign"),
    ("/klout.topic.v1.TopicService/ListPersonTopics", "include_vetoed"),
];

/// A request with such a field is held in memory, and is not longer than this.
const HELD_MAX: usize = 64 * 1024;

/// This RPC answers for as long as the caller listens, so it is ended when the process is.
const WATCH: &str = "/klout.score.v1.ScoreService/WatchScores";

/// Where calls of a service go on to.
#[derive(Clone, Debug)]
struct Onward {
    link: Link,
    internal: bool,
    going_down: CancellationToken,
}

/// The router of every RPC there is, behind the same layers as in front of a service.
pub(crate) fn router(
    links: &Links,
    authentication: Authentication,
    request_time_max: Duration,
    stream_time_max: Duration,
    going_down: &CancellationToken,
) -> Router {
    let mut router = Router::new();
    let mut streaming = vec![REDELIVER.to_owned()];
    for (package, owner) in owners() {
        for service in DESCRIPTORS.services().filter(|it| it.package_name() == package) {
            let path = format!("/{}/{{method}}", service.full_name());
            let internal = INTERNAL.iter().any(|end| service.name().ends_with(end));
            let going_down = going_down.clone();
            let onward = Onward { link: links.to(owner), internal, going_down };
            router = router.route(&path, any(forward).with_state(onward));
            let streams =
                service.methods().filter(prost_reflect::MethodDescriptor::is_client_streaming);
            streaming.extend(streams.map(|it| format!("/{}/{}", service.full_name(), it.name())));
        }
    }
    let limits = CallLimits { request_time_max, stream_time_max, streaming };
    router.layer(Guard::new(authentication, limits))
}

/// The link puts our own token in the place of the caller's, and says for whom we call.
async fn forward(State(onward): State<Onward>, request: Request) -> Response {
    let Onward { link, internal, going_down } = onward;
    let endless = request.uri().path() == WATCH;
    let internal = internal || for_operators(request.uri().path());
    let caller = request.extensions().get::<Caller>().expect("every call passes the layers");
    let (operator, link) = (is_operator(caller), link.on_behalf_of(caller));
    if internal && !operator {
        let refusal = Refusal::new(Code::Unimplemented, "METHOD_UNKNOWN");
        return refusal.into_plain_status("no such method").into_http();
    }
    if let Err(error) = refuse_other_purpose(request.uri().path(), caller) {
        return Status::from(error).into_http();
    }
    let request = if operator { Ok(request) } else { without_operator_fields(request).await };
    let request = match request {
        Ok(request) => request,
        Err(status) => return status.into_http(),
    };
    let response = match link.oneshot(request.map(tonic::body::Body::new)).await {
        Ok(response) => response,
        Err(error) => return to_caller(Status::from_error(error)).into_http(),
    };
    match Status::from_header_map(response.headers()) {
        Some(status) if status.code() == Code::Unauthenticated => to_caller(status).into_http(),
        Some(_) | None if endless => response.map(|body| until(going_down, body)),
        Some(_) | None => response.map(Body::new),
    }
}

/// The same request, unless it names something that is for the operator alone.
async fn without_operator_fields(request: Request) -> Result<Request, Status> {
    let Some(field) = operator_field(request.uri().path()) else { return Ok(request) };
    let rpc = request.uri().path().trim_start_matches('/').to_owned();
    let (head, body) = request.into_parts();
    let body = Limited::new(body, HELD_MAX).collect().await;
    let body = body.map_err(|error| {
        if error.is::<LengthLimitError>() {
            Error::BodyTooLarge { max: HELD_MAX }
        } else {
            Error::BodyBroken(axum::Error::new(error))
        }
    })?;
    let body = body.to_bytes();
    // A message is a flag that says whether it is compressed, its length in four bytes, and its bytes. None of ours is
    // compressed, and a service would refuse it too.
    let message = body.get(5..).filter(|_| body[0] == 0).ok_or(Error::MessageMalformed)?;
    let method = DESCRIPTORS.services().flat_map(|it| it.methods().collect::<Vec<_>>());
    let method = method.into_iter().find(|it| call::path(it).trim_start_matches('/') == rpc);
    let input = method.expect("the table was checked against the descriptors").input();
    let message = DynamicMessage::decode(input, message).map_err(|_| Error::MessageMalformed)?;
    refuse_operator_field(&message, field)?;
    Ok(Request::from_parts(head, Body::from(body)))
}

/// The field of an RPC, as `/PACKAGE.SERVICE/METHOD`, that is for the operator alone.
pub(crate) fn operator_field(rpc: &str) -> Option<&'static str> {
    OPERATOR_FIELDS.into_iter().find(|(path, _)| *path == rpc).map(|(_, field)| field)
}

/// Of somebody who is no operator.
pub(crate) fn refuse_operator_field(message: &DynamicMessage, field: &str) -> Result<(), Error> {
    if !transcode::is_set(message, field) {
        return Ok(());
    }
    let problem = "is for operators alone";
    Err(Error::Field(Unbindable { field: field.to_owned(), problem }))
}

/// The same answer, which ends when this process is about to stop.
fn until(going_down: CancellationToken, body: tonic::body::Body) -> Body {
    let frames = stream::unfold(Some(BodyStream::new(body)), move |frames| {
        let going_down = going_down.clone();
        async move {
            let mut frames = frames?;
            tokio::select! {
                frame = frames.next() => frame.map(|frame| (frame, Some(frames))),
                () = going_down.cancelled() => Some((stopping().map(Frame::trailers), None)),
            }
        }
    });
    Body::new(StreamBody::new(frames))
}

/// What the caller is told at the end.
fn stopping() -> Result<HeaderMap, Status> {
    let refusal = Refusal::new(Code::Unavailable, "STOPPING");
    let mut trailers = HeaderMap::new();
    refusal.into_plain_status("this process is about to stop").add_header(&mut trailers)?;
    Ok(trailers)
}

/// Whether an RPC of a public service, as `/PACKAGE.SERVICE/METHOD`, is for the operator alone.
pub(crate) fn for_operators(rpc: &str) -> bool {
    OPERATORS.contains(&rpc)
}

/// Whether an RPC, as `/PACKAGE.SERVICE/METHOD`, is for keys that choose who gets a perk.
pub(crate) fn is_for_perks(rpc: &str) -> bool {
    PERKS.contains(&rpc)
}

/// Of a caller whose key is for something else than an RPC, as `/PACKAGE.SERVICE/METHOD`, is.
pub(crate) fn refuse_other_purpose(rpc: &str, caller: &Caller) -> Result<(), Error> {
    let is_for = matches!(caller.purpose(), Purpose::Perks | Purpose::Operator);
    if is_for || !is_for_perks(rpc) { Ok(()) } else { Err(Error::PurposeNotPerks) }
}

/// Whether the caller showed an operator's key, or needs none.
pub(crate) fn is_operator(caller: &Caller) -> bool {
    caller.purpose() == Purpose::Operator
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_operators_is_there() {
        let methods: Vec<_> =
            DESCRIPTORS.services().flat_map(|it| it.methods().collect::<Vec<_>>()).collect();
        let method = |path: &str| methods.iter().find(|it| call::path(it) == path);
        for rpc in OPERATORS.into_iter().chain(PERKS) {
            assert!(method(rpc).is_some(), "{rpc}");
        }
        for (rpc, field) in OPERATOR_FIELDS {
            let input = method(rpc).expect(rpc).input();
            assert!(input.get_field_by_name(field).is_some(), "{rpc} {field}");
        }
    }

    #[test]
    fn what_a_contract_calls_for_operators_alone_is() {
        let mut said = 0;
        for service in DESCRIPTORS.services() {
            let file = service.parent_file();
            let comments = file.file_descriptor_proto().source_code_info.as_ref();
            let locations = comments.map(|it| it.location.as_slice()).unwrap_or_default();
            for method in service.methods() {
                let location = locations.iter().find(|it| it.path == method.path());
                let comment = location.map(|it| it.leading_comments()).unwrap_or_default();
                let words: Vec<&str> = comment.split_whitespace().collect();
                if words.join(" ").to_lowercase().contains("for operators alone") {
                    said += 1;
                    let path = call::path(&method);
                    let internal = INTERNAL.iter().any(|end| service.name().ends_with(end));
                    assert!(internal || for_operators(&path), "{path}");
                }
            }
        }
        assert!(said > 20, "the contracts have their comments");
    }
}
