//! Operations that no RPC answers, by hand.

use http::Method;
use indexmap::IndexMap;
use klout_proto::json::DESCRIPTORS;
use openapiv3::{
    MediaType, ObjectType, Operation, Parameter, PathStyle, ReferenceOr, RequestBody, Response,
    Responses, Schema, SchemaKind, StatusCode, StringType, Type,
};
use prost_reflect::MethodDescriptor;

use super::{
    answers::{self, Called},
    comments, operation,
    schema::{self, Schemas, Way, schema as described},
};
use crate::{
    access::Access,
    call,
    jobs::http::{PART, ROWS},
};

/// The heading of these.
pub(super) const TAG: &str = "Installation";

/// Each with its path and method.
pub(super) fn operations(schemas: &mut Schemas) -> [(&'static str, Method, Operation); 4] {
    [
        (PART, Method::PUT, upload(PART, schemas)),
        (ROWS, Method::GET, download(ROWS)),
        ("/healthz", Method::GET, healthz()),
        ("/openapi.json", Method::GET, document()),
    ]
}

/// A part of a file of customers goes up.
fn upload(path: &'static str, schemas: &mut Schemas) -> Operation {
    let rpc = rpc("UploadLookupRows");
    let job = rpc.output().get_field_by_name("job").expect("it answers the job");
    let job = schemas.field(&job, Way::Answered);
    let answer = MediaType { schema: Some(bare(job)), ..MediaType::default() };
    let body = RequestBody {
        description: Some(
            "CSV with a header, or that as gzip with `content-encoding: gzip`.".to_owned(),
        ),
        content: IndexMap::from([csv()]),
        required: true,
        extensions: IndexMap::new(),
    };
    let part = described(schema::integer(1, 10_000), "");
    Operation {
        parameters: vec![
            in_path("job", "The job.", described(schema::text("", None), "")),
            in_path("part", "From 1, without a gap.", part),
        ],
        request_body: Some(ReferenceOr::Item(body)),
        ..as_rpc(&rpc, Method::PUT, path, "uploadLookupRows", || {
            vec![(200, answers::success("The job.", false, [("application/json", answer)]))]
        })
    }
}

/// Rows of a file come back.
fn download(path: &'static str) -> Operation {
    let rpc = rpc("DownloadLookupRows");
    let outcomes = ["results", "unmatched", "failed"].map(|it| Some(it.to_owned())).to_vec();
    let outcomes = schema::string(StringType { enumeration: outcomes, ..StringType::default() });
    let skip = described(schema::integer(0, answers::MOST), "");
    let skip =
        operation::data("skip", "Rows that are there already.", false, ReferenceOr::Item(skip));
    let mut operation = as_rpc(&rpc, Method::GET, path, "downloadLookupRows", || {
        vec![(
            200,
            answers::success("Rows, with a header if nothing is skipped.", false, [csv_media()]),
        )]
    });
    operation.parameters = vec![
        in_path("job", "The job.", described(schema::text("", None), "")),
        in_path("outcome", "Which rows.", described(outcomes, "")),
        ReferenceOr::Item(operation::query(skip)),
    ];
    operation.responses.responses.shift_remove(&StatusCode::Code(304));
    operation
}

/// An operation that does over HTTP what an RPC does, and fails like it.
fn as_rpc(
    rpc: &MethodDescriptor,
    method: Method,
    path: &'static str,
    id: &str,
    successes: impl FnOnce() -> Vec<(u16, Response)>,
) -> Operation {
    let access = Access::of(&call::path(rpc));
    let text = comments::of_method(rpc);
    let has_body = method == Method::PUT;
    let called = Called { rpc: rpc.clone(), method, path, has_body, access };
    Operation {
        tags: vec!["Look-ups".to_owned()],
        summary: Some(comments::first_sentence(&text).to_owned()),
        description: Some(format!("{text}\n\n{}", operation::takes(access))),
        operation_id: Some(id.to_owned()),
        responses: answers::responses(&called, successes()),
        ..Operation::default()
    }
}

fn rpc(name: &str) -> MethodDescriptor {
    let service = DESCRIPTORS.get_service_by_name("klout.profile.v1.LookupService");
    let service = service.expect("a service");
    service.methods().find(|it| it.name() == name).expect("a method")
}

/// The reference alone, without what is said of the field.
fn bare(schema: ReferenceOr<Schema>) -> ReferenceOr<Schema> {
    match schema {
        ReferenceOr::Item(Schema { schema_kind: SchemaKind::AllOf { mut all_of }, .. }) => {
            all_of.remove(0)
        }
        other @ (ReferenceOr::Item(_) | ReferenceOr::Reference { .. }) => other,
    }
}

fn in_path(name: &str, about: &str, schema: Schema) -> ReferenceOr<Parameter> {
    let parameter_data = operation::data(name, about, true, ReferenceOr::Item(schema));
    ReferenceOr::Item(Parameter::Path { parameter_data, style: PathStyle::Simple })
}

fn csv() -> (String, MediaType) {
    let text = described(schema::string(StringType::default()), "");
    let schema = Some(ReferenceOr::Item(text));
    ("text/csv".to_owned(), MediaType { schema, ..MediaType::default() })
}

fn csv_media() -> (&'static str, MediaType) {
    ("text/csv; charset=utf-8", csv().1)
}

fn healthz() -> Operation {
    let status = described(schema::text("", None), "`SERVING` or `NOT_SERVING`.");
    let object = ObjectType {
        properties: IndexMap::from([("status".to_owned(), ReferenceOr::Item(Box::new(status)))]),
        required: vec!["status".to_owned()],
        ..ObjectType::default()
    };
    let object = described(SchemaKind::Type(Type::Object(object)), "");
    let serving = answers::success("Serving.", false, [json(object.clone())]);
    let not_serving = "Scores cannot be read, or the gateway is about to stop.";
    let not_serving = answers::success(not_serving, false, [json(object)]);
    Operation {
        responses: responses([(200, serving), (503, not_serving)]),
        ..keyless("getHealth", "Tells whether scores can be read")
    }
}

fn document() -> Operation {
    let object = described(SchemaKind::Type(Type::Object(ObjectType::default())), "OpenAPI 3.0.");
    Operation {
        responses: responses([(200, answers::success("The document.", true, [json(object)]))]),
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

fn json(schema: Schema) -> (&'static str, MediaType) {
    let schema = Some(ReferenceOr::Item(schema));
    ("application/json", MediaType { schema, ..MediaType::default() })
}

fn responses<const N: usize>(responses: [(u16, Response); N]) -> Responses {
    let responses = responses.map(|(status, it)| (StatusCode::Code(status), ReferenceOr::Item(it)));
    Responses { responses: responses.into_iter().collect(), ..Responses::default() }
}
