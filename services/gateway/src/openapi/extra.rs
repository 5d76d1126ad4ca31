//! Operations that no RPC answers, by hand.

use http::Method;
use indexmap::IndexMap;
use openapiv3::{
    MediaType, ObjectType, Operation, ReferenceOr, Response, Responses, Schema, SchemaKind,
    StatusCode, Type,
};

use super::{
    answers,
    schema::{self, schema as described},
};

/// The heading of these.
pub(super) const TAG: &str = "Installation";

/// Each with its path and method.
pub(super) fn operations() -> [(&'static str, Method, Operation); 2] {
    [("/healthz", Method::GET, healthz()), ("/openapi.json", Method::GET, document())]
}

fn healthz() -> Operation {
    let status = described(schema::text("", None), "`SERVING` or `NOT_SERVING`.");
    let object = ObjectType {
        properties: IndexMap::from([("status".to_owned(), ReferenceOr::Item(Box::new(status)))]),
        required: vec!["status".to_owned()],
        ..ObjectType::default()
    };
    let object = described(SchemaKind::Type(Type::Object(object)), "");
    let serving = answers::success(media(object.clone()), false);
    let not_serving = Response {
        description: "Scores cannot be read, or the gateway is about to stop.".to_owned(),
        ..answers::success(media(object), false)
    };
    Operation {
        responses: responses([(200, serving), (503, not_serving)]),
        ..keyless("getHealth", "Tells whether scores can be read")
    }
}

fn document() -> Operation {
    let object = described(SchemaKind::Type(Type::Object(ObjectType::default())), "OpenAPI 3.0.");
    Operation {
        responses: responses([(200, answers::success(media(object), true))]),
        ..keyless("getDocument", "Returns this document")
    }
}

/// An operation that needs no key.
fn keyless(id: &str, summary: &str) -> Operation {
    Operation {
        tags: vec![TAG.to_owned()],
        summary: Some(summary.to_owned()),
        operation_id: Some(id.to_owned()),
        security: Some(Vec::new()),
        ..Operation::default()
    }
}

fn media(schema: Schema) -> MediaType {
    MediaType { schema: Some(ReferenceOr::Item(schema)), ..MediaType::default() }
}

fn responses<const N: usize>(responses: [(u16, Response); N]) -> Responses {
    let responses = responses.map(|(status, it)| (StatusCode::Code(status), ReferenceOr::Item(it)));
    Responses { responses: responses.into_iter().collect(), ..Responses::default() }
}
