//! Routes that are asked more often than all others together, and pass no descriptors: their requests and answers are
//! generated messages, printed by a serializer of their own.
//!
//! What they answer is to the byte what the table and the descriptors would (a test compares), and only a call that names
//! nothing but its path goes this way: a query is read by the descriptors.

use axum::{body::Bytes, extract::RawPathParams};
use klout_chassis::{Caller, Link, Refusal};
use klout_proto::{
    graph::v1::{AccountName, account_name::Name},
    score::v1::{GetScoreRequest, get_score_request::Subject},
};
use tonic::{Code, Status};

use crate::{
    call::to_caller,
    conditional::Tagged,
    routes::Route,
    written::{Written, write},
};

/// What a path asks for.
pub(crate) type Typed = fn(&RawPathParams) -> GetScoreRequest;

/// `GetScoreResponse`, the same on the wire.
#[derive(Clone, PartialEq, prost::Message)]
struct EncodedResponse {
    /// A `Score`.
    #[prost(bytes = "bytes", optional, tag = "1")]
    score: Option<Bytes>,
}

const GET_SCORE: &str = "/klout.score.v1.ScoreService/GetScore";

/// Such routes, by their paths.
const TYPED: [(&str, Typed); 2] = [
    ("/v1/people/{person}/score", |segments| {
        score_of(Subject::Person(segment(segments, "person")))
    }),
    ("/v1/accounts/{network}/{handle}/score", |segments| {
        let name = Some(Name::Handle(segment(segments, "handle")));
        score_of(Subject::Account(AccountName { network: segment(segments, "network"), name }))
    }),
];

/// What a route asks for without descriptors, if it is one of these.
pub(crate) fn of(route: &Route) -> Option<Typed> {
    TYPED.into_iter().find(|(path, _)| *path == route.path).map(|(_, typed)| typed)
}

/// Asks for a score, and writes it.
pub(crate) async fn ask(
    link: Link,
    request: GetScoreRequest,
    written: &Written,
) -> Result<Tagged, Status> {
    let is_local = link.is_local();
    let response: EncodedResponse = link.ask(GET_SCORE, request).await.map_err(to_caller)?;
    // What comes from another process lies among all that came with it, and nowhere again.
    let write = |score| if is_local { written.score(score) } else { write(score) };
    response.score.and_then(write).ok_or_else(|| {
        Refusal::new(Code::Internal, "PEER_FAILED")
            .into_plain_status("something went wrong on our side")
    })
}

/// The same for `caller` where memory has the score. `None`: ask.
pub(crate) fn ask_at_once(
    link: &Link,
    caller: &Caller,
    request: &GetScoreRequest,
    written: &Written,
) -> Option<Tagged> {
    let response: EncodedResponse = link.ask_at_once(caller, GET_SCORE, request)?;
    written.score(response.score?)
}

fn score_of(subject: Subject) -> GetScoreRequest {
    GetScoreRequest { subject: Some(subject), ..Default::default() }
}

/// # Panics
///
/// When the path has no such segment; a test goes through these routes.
fn segment(segments: &RawPathParams, name: &str) -> String {
    let mut segments = segments.iter();
    segments.find(|(it, _)| *it == name).expect("the path has the segment").1.to_owned()
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::{call, routes};

    #[test]
    fn each_is_a_route_of_the_table_that_reads_a_score() {
        for (path, _) in TYPED {
            let route = routes::all().find(|route| route.path == path).expect(path);
            assert_eq!((route.method.clone(), route.resource), (Method::GET, Some("score")));
            assert_eq!(call::path(&route.descriptor()), GET_SCORE, "{path}");
        }
    }
}
