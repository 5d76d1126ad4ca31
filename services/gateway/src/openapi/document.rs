//! A whole document, of the operations that its readers may call.

use http::Method;
use indexmap::IndexMap;
use openapiv3::{
    APIKeyLocation, Components, Info, License, ObjectType, OpenAPI, Operation, PathItem, Paths,
    ReferenceOr, Schema, SchemaKind, SecurityRequirement, SecurityScheme, Server, StringType, Tag,
    Type,
};

use super::{
    answers, comments, extra, operation,
    schema::{self, Dialect, Schemas},
};
use crate::routes::{self, Route};

/// Read by people before anything else.
const ABOUT: &str = "How influential people are, why, on what, and what it earns them. Self-hosted: these are the paths of one installation.

Requests and answers are canonical protobuf JSON: lowerCamelCase, 64-bit integers as strings, times as RFC 3339 (`2026-10-05T00:00:00Z`), durations as seconds with an `s` (`1.5s`). In a query, dots lead into messages (`consistency.maxStaleness=1.5s`), and a `+` is `%2B`. A field that is not there is refused. Answers may get more fields in later versions.

Show a key as `authorization: Bearer KEY` or `x-api-key: KEY`. What went wrong is told as `application/problem+json`, whose `reason` does not change; another method than those below is answered 405, `METHOD_NOT_ALLOWED`, and a path that is not there 404, `PATH_UNKNOWN`. Every answer has an `x-request-id`, and problems have it as `requestId`. Answers to GET have an `etag`, which is sent back as `if-none-match`. `fields` names the fields of an answer that are wanted, such as `?fields=score,scoreTime`.";

/// The headings, in the order in which they are read.
const TAGS: [(&str, &str); 9] = [
    ("Scores", "klout.score.v1.ScoreService"),
    ("Look-ups", "klout.profile.v1.LookupService"),
    ("People", "klout.graph.v1.GraphService"),
    ("Topics", "klout.topic.v1.TopicService"),
    ("PlusK", "klout.graph.v1.PlusKService"),
    ("Perks", "klout.perk.v1.PerkService"),
    ("Desk", "klout.perk.v1.DeskService"),
    ("Signals", "klout.signal.v1.SignalService"),
    ("Keys", "klout.profile.v1.KeyOperatorService"),
];

/// The schemes by which a key is shown: either is enough.
const SCHEMES: [&str; 2] = ["bearer", "apiKey"];

/// What anybody may read, or the operator.
pub(super) fn whole(operator: bool) -> OpenAPI {
    let routes: Vec<&Route> =
        routes::all().filter(|it| operator || !operation::is_for_operators(it)).collect();
    let answers = routes.iter().map(|route| route.answer());
    let mut schemas = Schemas::new(Dialect::Whole, answers);
    let mut paths: IndexMap<String, ReferenceOr<PathItem>> = IndexMap::new();
    for (tag, _) in TAGS {
        for route in routes.iter().filter(|route| operation::tag(route) == tag) {
            let operation = operation::operation(route, &mut schemas, Dialect::Whole, operator);
            put(&mut paths, route.path, &route.method, operation);
        }
    }
    for (path, method, operation) in extra::operations(&mut schemas) {
        put(&mut paths, path, &method, operation);
    }
    let tags = TAGS.iter().filter(|(tag, _)| routes.iter().any(|it| operation::tag(it) == *tag));
    let tags = tags.map(|(name, service)| tag(name, &about(service)));
    let tags = tags.chain([tag(extra::TAG, "Whether it is there, and what it is.")]).collect();
    let mut document =
        document(if operator { "Klout, for operators" } else { "Klout" }, ABOUT, paths);
    document.tags = tags;
    schemas.named("Problem", problem());
    let components = document.components.get_or_insert_default();
    components.schemas = schemas.into_schemas();
    components.parameters = operation::parameter_components();
    components.responses = answers::components();
    components.headers = answers::header_components();
    without_unused(document)
}

/// The same document without schemas that nothing refers to.
pub(super) fn without_unused(mut document: OpenAPI) -> OpenAPI {
    loop {
        let text = serde_json::to_string(&document).expect("it has nothing that JSON has not");
        let Some(components) = &mut document.components else { return document };
        let before = components.schemas.len();
        let reference = |name: &str| format!("\"#/components/schemas/{name}\"");
        components.schemas.retain(|name, _| text.contains(&reference(name)));
        if components.schemas.len() == before {
            return document;
        }
    }
}

/// A document with keys and nothing else that refers to something.
pub(super) fn document(
    title: &str,
    about: &str,
    paths: IndexMap<String, ReferenceOr<PathItem>>,
) -> OpenAPI {
    let bearer = SecurityScheme::HTTP {
        scheme: "bearer".to_owned(),
        bearer_format: None,
        description: Some("A key, as `klout keys create` shows it.".to_owned()),
        extensions: IndexMap::new(),
    };
    let api_key = SecurityScheme::APIKey {
        location: APIKeyLocation::Header,
        name: "x-api-key".to_owned(),
        description: Some("The same key in a header of its own.".to_owned()),
        extensions: IndexMap::new(),
    };
    let schemes = SCHEMES.map(str::to_owned).into_iter().zip([bearer, api_key]);
    let schemes = schemes.map(|(name, scheme)| (name, ReferenceOr::Item(scheme)));
    let needs = |scheme: &str| SecurityRequirement::from([(scheme.to_owned(), Vec::new())]);
    OpenAPI {
        openapi: "3.0.3".to_owned(),
        info: Info {
            title: title.to_owned(),
            description: Some(about.to_owned()),
            version: "1".to_owned(),
            license: Some(License {
                name: "Apache-2.0".to_owned(),
                url: Some("https://www.apache.org/licenses/LICENSE-2.0".to_owned()),
                extensions: IndexMap::new(),
            }),
            ..Info::default()
        },
        servers: vec![Server { url: "/".to_owned(), ..Server::default() }],
        paths: Paths { paths, extensions: IndexMap::new() },
        components: Some(Components {
            security_schemes: schemes.collect(),
            ..Components::default()
        }),
        security: Some(SCHEMES.map(needs).to_vec()),
        ..OpenAPI::default()
    }
}

/// Puts an operation at its path.
///
/// # Panics
///
/// When the method is none of those that the table has; a test goes through it.
pub(super) fn put(
    paths: &mut IndexMap<String, ReferenceOr<PathItem>>,
    path: &str,
    method: &Method,
    operation: Operation,
) {
    let item =
        paths.entry(path.to_owned()).or_insert_with(|| ReferenceOr::Item(PathItem::default()));
    let ReferenceOr::Item(item) = item else { return };
    let place = match method.as_str() {
        "GET" => &mut item.get,
        "PUT" => &mut item.put,
        "POST" => &mut item.post,
        "DELETE" => &mut item.delete,
        "PATCH" => &mut item.patch,
        method => panic!("no operation is asked with {method}"),
    };
    *place = Some(operation);
}

/// What every problem is told by: RFC 9457 with the `ErrorInfo` of gRPC.
pub(super) fn problem() -> Schema {
    let text = |description: &str| {
        ReferenceOr::Item(Box::new(schema::schema(schema::text("", None), description)))
    };
    let values = schema::schema(schema::string(StringType::default()), "");
    let metadata = ObjectType {
        additional_properties: Some(openapiv3::AdditionalProperties::Schema(Box::new(
            ReferenceOr::Item(values),
        ))),
        ..ObjectType::default()
    };
    let metadata = schema::schema(
        SchemaKind::Type(Type::Object(metadata)),
        "What varies in the message, such as the `field`.",
    );
    let status = schema::schema(schema::integer(400, 599), "The status of HTTP.");
    let required = ["type", "title", "status", "detail", "code", "reason", "domain", "metadata"];
    let object = ObjectType {
        properties: IndexMap::from([
            ("type".to_owned(), text("`urn:klout:error:` and the reason.")),
            ("title".to_owned(), text("What the code means.")),
            ("status".to_owned(), ReferenceOr::Item(Box::new(status))),
            ("detail".to_owned(), text("For people. It may change.")),
            ("code".to_owned(), text("As `google.rpc.Code` spells it, such as `NOT_FOUND`.")),
            ("reason".to_owned(), text("For programs. It never changes.")),
            ("domain".to_owned(), text("Whose reason it is: `klout`.")),
            ("metadata".to_owned(), ReferenceOr::Item(Box::new(metadata))),
            ("requestId".to_owned(), text("The name of the request, as in `x-request-id`.")),
        ]),
        required: required.map(str::to_owned).to_vec(),
        ..ObjectType::default()
    };
    let about = "What went wrong: RFC 9457, with the `ErrorInfo` of gRPC.";
    schema::schema(SchemaKind::Type(Type::Object(object)), about)
}

fn about(service: &str) -> String {
    let service = klout_proto::json::DESCRIPTORS.get_service_by_name(service);
    service.map(|it| comments::of_service(&it)).unwrap_or_default()
}

fn tag(name: &str, description: &str) -> Tag {
    let description = Some(description.to_owned());
    Tag { name: name.to_owned(), description, ..Tag::default() }
}
