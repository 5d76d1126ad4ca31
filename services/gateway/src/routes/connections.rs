//! The part of the table that is about networks and accounts that are connected. Nothing that is secret stands in an
//! address: codes, passwords and tokens are in bodies.

use http::Method;

use super::{Rest, Route};

/// Every path of networks and connections.
pub(super) static ROUTES: [Route; 7] = [
    Route {
        method: Method::GET,
        path: "/v1/networks",
        rpc: "klout.signal.v1.SignalService/ListNetworks",
        segments: &[],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::POST,
        path: "/v1/people/{person}/connections",
        rpc: "klout.signal.v1.SignalService/StartConnection",
        segments: &[("person", "person")],
        rest: Rest::Body,
        resource: None,
    },
    Route {
        method: Method::POST,
        path: "/v1/connections:complete",
        rpc: "klout.signal.v1.SignalService/CompleteConnection",
        segments: &[],
        rest: Rest::Body,
        resource: Some("connection"),
    },
    Route {
        method: Method::GET,
        path: "/v1/connections",
        rpc: "klout.signal.v1.SignalService/ListConnections",
        segments: &[],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::GET,
        path: "/v1/connections/{connection}",
        rpc: "klout.signal.v1.SignalService/GetConnection",
        segments: &[("connection", "connection")],
        rest: Rest::Query,
        resource: Some("connection"),
    },
    Route {
        method: Method::POST,
        path: "/v1/connections/{connection}/sync",
        rpc: "klout.signal.v1.SignalService/SyncConnection",
        segments: &[("connection", "connection")],
        rest: Rest::Body,
        resource: Some("connection"),
    },
    Route {
        method: Method::DELETE,
        path: "/v1/connections/{connection}",
        rpc: "klout.signal.v1.SignalService/Disconnect",
        segments: &[("connection", "connection")],
        rest: Rest::Query,
        resource: None,
    },
];
