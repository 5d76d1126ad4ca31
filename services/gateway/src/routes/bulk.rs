//! The part of the table for software that has many at once.

use http::Method;

use super::{Rest, Route};

/// Every path of batches.
pub(super) static ROUTES: [Route; 4] = [
    Route {
        method: Method::POST,
        path: "/v1/people:batchGet",
        rpc: "klout.graph.v1.GraphService/BatchGetPeople",
        segments: &[],
        rest: Rest::Body,
        resource: None,
    },
    Route {
        method: Method::POST,
        path: "/v1/people:batchResolve",
        rpc: "klout.graph.v1.GraphService/BatchResolvePeople",
        segments: &[],
        rest: Rest::Body,
        resource: None,
    },
    Route {
        method: Method::GET,
        path: "/v1/scores:top",
        rpc: "klout.score.v1.ScoreService/ListTopScores",
        segments: &[],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::POST,
        path: "/v1/signals:batchIngest",
        rpc: "klout.signal.v1.SignalService/BatchIngestSignals",
        segments: &[],
        rest: Rest::Body,
        resource: None,
    },
];
