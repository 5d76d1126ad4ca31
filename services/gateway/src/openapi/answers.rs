//! Every status with which an operation is answered, and the reasons for it.

use std::collections::BTreeMap;

use http::Method;
use indexmap::IndexMap;
use openapiv3::{
    Header, MediaType, ParameterSchemaOrContent, ReferenceOr, Response, Responses, Schema,
    StatusCode,
};
use prost_reflect::MethodDescriptor;
use serde_json::{Value, json};
use tonic::Code;

use super::{
    comments::{self, Failure},
    schema,
};
use crate::{access::Access, problem::http_status};

/// What every answer to a key may be, whatever is asked: code, reason, when.
const ALWAYS: [(Code, &str, &str); 19] = [
    (Code::InvalidArgument, "FIELD_INVALID", "something that is no field, or cannot be its value"),
    (Code::InvalidArgument, "MESSAGE_MALFORMED", "a path or a body that cannot be read"),
    (Code::Unauthenticated, "TOKEN_MISSING", "there is no key"),
    (Code::Unauthenticated, "TOKEN_INVALID", "the key is not one of ours, or is over"),
    (Code::Unauthenticated, "KEY_EXPIRED", "the key, or this secret of it, is over"),
    (Code::Unauthenticated, "KEY_REVOKED", "the key was taken back"),
    (Code::PermissionDenied, "SCOPE_MISSING", "the key does not have the scope that this takes"),
    (Code::PermissionDenied, "PURPOSE_REFUSED", "a purpose for which nobody's score may be used"),
    (
        Code::ResourceExhausted,
        "CALLS_TOO_MANY",
        "this caller has as many calls at the same time as it may",
    ),
    (
        Code::ResourceExhausted,
        "LIMIT_REACHED",
        "the key has no calls left of its second or its day",
    ),
    (Code::Internal, "PANICKED", "our mistake"),
    (Code::Internal, "PEER_FAILED", "our mistake"),
    (Code::Internal, "STORE_FAILED", "our mistake"),
    (Code::Unimplemented, "METHOD_UNKNOWN", "a service behind the gateway is of an older version"),
    (Code::Unavailable, "OVERLOADED", "there are as many calls as there is room for"),
    (Code::Unavailable, "ISSUER_UNAVAILABLE", "who issued the token does not answer"),
    (Code::Unavailable, "PEER_UNAVAILABLE", "a service behind the gateway does not answer"),
    (Code::Unavailable, "STORE_UNAVAILABLE", "a database does not answer"),
    (Code::DeadlineExceeded, "DEADLINE_EXCEEDED", "it took too long"),
];

/// With a body.
const TOO_LARGE: (Code, &str, &str) =
    (Code::ResourceExhausted, "MESSAGE_TOO_LARGE", "the body is too long");

/// Of a path with something to fill in.
const PATH_UNKNOWN: (Code, &str, &str) =
    (Code::NotFound, "PATH_UNKNOWN", "a part of the path is empty, or the key is not for this");

const NOT_PERKS: (Code, &str, &str) =
    (Code::PermissionDenied, "PURPOSE_NOT_PERKS", "the key is for something else than perks");

/// Where descriptions of problems are, by status, shared by all operations.
const SHARED: [(u16, &str); 7] = [
    (401, "Unauthenticated"),
    (413, "TooLarge"),
    (429, "TooMany"),
    (500, "OurMistake"),
    (501, "NotThereYet"),
    (503, "Unavailable"),
    (504, "TooLate"),
];

/// The largest number of calls, or of seconds.
pub(super) const MOST: i64 = 999_999_999_999_999;

/// Headers that tell how far a key is from its limits: the present draft, and what most clients know.
const RATE: [&str; 5] =
    ["RateLimit-Policy", "RateLimit", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"];

/// What a status is answered for: reason and when.
type Reasons = Vec<(String, String)>;

/// What is called, as far as its failures depend on it.
#[derive(Clone, Debug)]
pub(super) struct Called {
    pub(super) rpc: MethodDescriptor,
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) has_body: bool,
    pub(super) access: Access,
}

/// The answers of an operation: those that are a success, and every other one.
pub(super) fn responses(called: &Called, successes: Vec<(u16, Response)>) -> Responses {
    let mut failures = comments::failures(&called.rpc);
    let add = |failures: &mut Vec<Failure>, more: &[(Code, &str, &str)]| {
        failures.extend(more.iter().map(|(code, reason, when)| Failure {
            code: *code,
            reason: (*reason).to_owned(),
            when: (*when).to_owned(),
        }));
    };
    add(&mut failures, &ALWAYS);
    if called.has_body {
        add(&mut failures, &[TOO_LARGE]);
    }
    if called.access == Access::Perks {
        add(&mut failures, &[NOT_PERKS]);
    }
    if called.access == Access::Operators || called.path.contains('{') {
        add(&mut failures, &[PATH_UNKNOWN]);
    }

    let mut responses = IndexMap::new();
    for (status, response) in successes {
        responses.insert(StatusCode::Code(status), ReferenceOr::Item(response));
    }
    if called.method == Method::GET {
        responses.insert(StatusCode::Code(304), shared("NotModified"));
    }
    for (status, reasons) in by_status(failures) {
        responses.insert(StatusCode::Code(status), told(status, &reasons));
    }
    Responses { responses, ..Responses::default() }
}

/// The answers that operations share, by name.
pub(super) fn components() -> IndexMap<String, ReferenceOr<Response>> {
    let mut components = IndexMap::new();
    let not_modified = Response {
        description: "What `if-none-match` names is what would be answered.".to_owned(),
        headers: headers(&["ETag", "X-Request-Id"]),
        ..Response::default()
    };
    components.insert("NotModified".to_owned(), ReferenceOr::Item(not_modified));
    let too_large = [TOO_LARGE];
    let failures = ALWAYS.iter().chain(&too_large).map(|(code, reason, when)| Failure {
        code: *code,
        reason: (*reason).to_owned(),
        when: (*when).to_owned(),
    });
    let by_status = by_status(failures.collect());
    for (status, name) in SHARED {
        let response = problem(status, &by_status[&status]);
        components.insert(name.to_owned(), ReferenceOr::Item(response));
    }
    components
}

/// The headers that answers refer to.
pub(super) fn header_components() -> IndexMap<String, ReferenceOr<Header>> {
    let header = |description: &str, schema: Schema| {
        ReferenceOr::Item(Header {
            description: Some(description.to_owned()),
            style: openapiv3::HeaderStyle::Simple,
            required: false,
            deprecated: None,
            format: ParameterSchemaOrContent::Schema(ReferenceOr::Item(schema)),
            example: None,
            examples: IndexMap::new(),
            extensions: IndexMap::new(),
        })
    };
    let text = || schema::schema(schema::text("", None), "");
    let whole = || schema::schema(schema::integer(0, MOST), "");
    let named = [
        (
            "ETag",
            "Changes with the answer. Sent back as `if-none-match`, it is answered 304 when nothing did.",
            text(),
        ),
        (
            "X-Request-Id",
            "The name of the request: the caller's, or one that was made for it.",
            text(),
        ),
        ("Retry-After", "In how many seconds a retry may help.", whole()),
        (
            "RateLimit-Policy",
            "The limits of the key, as the draft of the IETF writes them.",
            text(),
        ),
        ("RateLimit", "What is left of each of them.", text()),
        ("RateLimit-Limit", "Of the limit that is nearest: how many calls there are.", whole()),
        ("RateLimit-Remaining", "How many of them are left.", whole()),
        ("RateLimit-Reset", "In how many seconds they begin anew.", whole()),
    ];
    let named = named.map(|(name, about, schema)| (name.to_owned(), header(about, schema)));
    named.into_iter().collect()
}

/// An answer with what was asked for, in one or several forms.
pub(super) fn success<const N: usize>(
    description: &str,
    tagged: bool,
    content: [(&str, MediaType); N],
) -> Response {
    let mut names = vec!["X-Request-Id"];
    names.extend(RATE);
    names.extend(tagged.then_some("ETag"));
    let content = content.map(|(name, media)| (name.to_owned(), media));
    Response {
        description: description.to_owned(),
        headers: headers(&names),
        content: content.into_iter().collect(),
        ..Response::default()
    }
}

/// A status with its reasons: the shared text where nothing is to be added to it.
fn told(status: u16, reasons: &Reasons) -> ReferenceOr<Response> {
    let own = |(reason, _): &&(String, String)| !ALWAYS.iter().any(|(_, it, _)| it == reason);
    let name = SHARED.iter().find(|(shared, _)| *shared == status).map(|(_, name)| *name);
    match name {
        Some(name) if status == 413 || !reasons.iter().any(|it| own(&it)) => shared(name),
        Some(_) | None => ReferenceOr::Item(problem(status, reasons)),
    }
}

fn shared(name: &str) -> ReferenceOr<Response> {
    ReferenceOr::Reference { reference: format!("#/components/responses/{name}") }
}

fn by_status(failures: Vec<Failure>) -> BTreeMap<u16, Reasons> {
    let mut by_status: BTreeMap<u16, Reasons> = BTreeMap::new();
    for Failure { code, reason, when } in failures {
        let reasons = by_status.entry(http_status(code, &reason).as_u16()).or_default();
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            // What the contract says comes first, and says it better.
            Some((_, said)) if said.is_empty() => *said = when,
            Some((_, said)) if !when.is_empty() && !said.contains(&when) => {
                if !ALWAYS.iter().any(|(_, known, text)| *known == reason && *text == when) {
                    said.push_str("; or ");
                    said.push_str(&when);
                }
            }
            Some(_) => {}
            None => reasons.push((reason, when)),
        }
    }
    by_status
}

fn problem(status: u16, reasons: &Reasons) -> Response {
    let lines = reasons.iter().map(|(reason, when)| match when.as_str() {
        "" => format!("- `{reason}`"),
        when => format!("- `{reason}`: {when}"),
    });
    let names: Vec<Value> = reasons.iter().map(|(reason, _)| json!(reason)).collect();
    let mut told = vec!["X-Request-Id"];
    if matches!(status, 429 | 503) {
        told.push("Retry-After");
    }
    if status == 429 {
        told.extend(RATE);
    }
    let media = MediaType { schema: Some(schema::refer("Problem")), ..MediaType::default() };
    Response {
        description: lines.collect::<Vec<_>>().join("\n"),
        headers: headers(&told),
        content: IndexMap::from([("application/problem+json".to_owned(), media)]),
        extensions: IndexMap::from([("x-klout-reasons".to_owned(), Value::Array(names))]),
        ..Response::default()
    }
}

fn headers(names: &[&str]) -> IndexMap<String, ReferenceOr<Header>> {
    let refer = |name: &&str| {
        let reference = format!("#/components/headers/{name}");
        ((*name).to_owned(), ReferenceOr::Reference { reference })
    };
    names.iter().map(refer).collect()
}
