//! The part of the table that is about keys of customers. All of it is for operators.

use http::Method;

use super::{Rest, Route};

/// Every path of keys.
pub(super) static ROUTES: [Route; 5] = [
    Route {
        method: Method::POST,
        path: "/v1/keys",
        rpc: "klout.profile.v1.KeyOperatorService/CreateKey",
        segments: &[],
        rest: Rest::Body,
        resource: None,
    },
    Route {
        method: Method::GET,
        path: "/v1/keys",
        rpc: "klout.profile.v1.KeyOperatorService/ListKeys",
        segments: &[],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::PATCH,
        path: "/v1/keys/{key}",
        rpc: "klout.profile.v1.KeyOperatorService/UpdateKey",
        segments: &[("key", "key")],
        rest: Rest::Body,
        resource: Some("key"),
    },
    Route {
        method: Method::POST,
        path: "/v1/keys/{key}/rotate",
        rpc: "klout.profile.v1.KeyOperatorService/RotateKey",
        segments: &[("key", "key")],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::POST,
        path: "/v1/keys/{key}/revoke",
        rpc: "klout.profile.v1.KeyOperatorService/RevokeKey",
        segments: &[("key", "key")],
        rest: Rest::Query,
        resource: Some("key"),
    },
];
