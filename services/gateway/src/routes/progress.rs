//! The part of the table for whoever watches how far services are.

use http::Method;

use super::{Rest, Route};

/// Every path of progress.
pub(super) static ROUTES: [Route; 5] = [
    Route {
        method: Method::GET,
        path: "/v1/backlogs/people",
        rpc: "klout.graph.v1.GraphService/GetBacklog",
        segments: &[],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::GET,
        path: "/v1/backlogs/scores",
        rpc: "klout.score.v1.ScoreService/GetBacklog",
        segments: &[],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::GET,
        path: "/v1/backlogs/signals",
        rpc: "klout.signal.v1.SignalService/GetBacklog",
        segments: &[],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::GET,
        path: "/v1/backlogs/topics",
        rpc: "klout.topic.v1.TopicService/GetBacklog",
        segments: &[],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::GET,
        path: "/v1/rescore",
        rpc: "klout.score.v1.ScoreService/GetRescore",
        segments: &[],
        rest: Rest::Query,
        resource: Some("rescore"),
    },
];
