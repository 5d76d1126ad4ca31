//! Routes that are asked more often than all others together, and pass no descriptors: their requests and answers are
//! generated messages, printed by a serializer of their own.
//!
//! What they answer is to the byte what the table and the descriptors would (a test compares), and only a call that names
//! nothing but its path goes this way: a query is read by the descriptors.

use axum::{body::Bytes, extract::RawPathParams};
use futures::{FutureExt as _, future::BoxFuture};
use klout_chassis::{Link, Refusal};
use klout_proto::{
    graph::v1::{AccountName, account_name::Name},
    score::v1::{GetScoreRequest, get_score_request::Subject},
};
use tonic::{Code, Status};

use crate::{call::to_caller, conditional::Tagged, routes::Route, written::Written};

/// Asks what a path names, over a link to who answers, and prints it.
pub(crate) type Typed = for<'a> fn(Link, &RawPathParams, &'a Written) -> Answer<'a>;

type Answer<'a> = BoxFuture<'a, Result<Tagged, Status>>;

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
    ("/v1/people/{person}/score", |link, segments, written| {
        score(link, Subject::Person(segment(segments, "person")), written)
    }),
    ("/v1/accounts/{network}/{handle}/score", |link, segments, written| {
        let name = Some(Name::Handle(segment(segments, "handle")));
        let account = AccountName { network: segment(segments, "network"), name };
        score(link, Subject::Account(account), written)
    }),
];

/// How a route is answered without descriptors, if it is one of these.
pub(crate) fn of(route: &Route) -> Option<Typed> {
    TYPED.into_iter().find(|(path, _)| *path == route.path).map(|(_, typed)| typed)
}

fn score(link: Link, subject: Subject, written: &Written) -> Answer<'_> {
    let request = GetScoreRequest { subject: Some(subject), ..Default::default() };
    async move {
        let response: EncodedResponse = link.ask(GET_SCORE, request).await.map_err(to_caller)?;
        response.score.and_then(|score| written.score(score)).ok_or_else(|| {
            Refusal::new(Code::Internal, "PEER_FAILED")
                .into_plain_status("something went wrong on our side")
        })
    }
    .boxed()
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
