//! The part of the table that is about files that are looked up. Their rows go other ways: `src/jobs/http.rs`.

use http::Method;

use super::{Rest, Route};

/// Every path of jobs.
pub(super) static ROUTES: [Route; 5] = [
    Route {
        method: Method::POST,
        path: "/v1/lookupJobs",
        rpc: "klout.profile.v1.LookupService/CreateLookupJob",
        segments: &[],
        rest: Rest::Body,
        resource: Some("job"),
    },
    Route {
        method: Method::GET,
        path: "/v1/lookupJobs",
        rpc: "klout.profile.v1.LookupService/ListLookupJobs",
        segments: &[],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::GET,
        path: "/v1/lookupJobs/{job}",
        rpc: "klout.profile.v1.LookupService/GetLookupJob",
        segments: &[("job", "job")],
        rest: Rest::Query,
        resource: Some("job"),
    },
    Route {
        method: Method::DELETE,
        path: "/v1/lookupJobs/{job}",
        rpc: "klout.profile.v1.LookupService/DeleteLookupJob",
        segments: &[("job", "job")],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::POST,
        path: "/v1/lookupJobs/{job}/close",
        rpc: "klout.profile.v1.LookupService/CloseLookupJob",
        segments: &[("job", "job")],
        rest: Rest::Query,
        resource: Some("job"),
    },
];
