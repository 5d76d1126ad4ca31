//! Operations: what each route of the table is asked and answers.

use std::collections::BTreeMap;

use http::Method;
use indexmap::IndexMap;
use openapiv3::{
    MediaType, Operation, Parameter, ParameterData, ParameterSchemaOrContent, PathStyle,
    QueryStyle, ReferenceOr, RequestBody, Responses, Schema, SchemaKind, StringType, Type,
};
use prost_reflect::{FieldDescriptor, MessageDescriptor};

use super::{
    answers::{self, Called},
    comments,
    examples::{self, Examples},
    schema::{self, Dialect, Schemas, Way},
};
use crate::{
    access::{self, Access},
    call, lookup, people,
    routes::{Rest, Route},
    transcode,
};

/// Operations that are not called as their RPCs are: a second path to the same one has a name of its own.
const NAMES: [(&str, &str); 7] = [
    ("/v1/accounts/{network}/{handle}/score", "getAccountScore"),
    ("/v1/backlogs/people", "getBacklogOfPeople"),
    ("/v1/backlogs/scores", "getBacklogOfScores"),
    ("/v1/backlogs/signals", "getBacklogOfSignals"),
    ("/v1/backlogs/topics", "getBacklogOfTopics"),
    ("/v1/perks:evaluate", "evaluatePerksOfSubject"),
    ("/v1/campaigns/{campaign}/grants GET", "listCampaignGrants"),
];

/// What a document calls the operation of a route; other software makes names of functions of it.
pub(super) fn id(route: &Route) -> String {
    let with_method = format!("{} {}", route.path, route.method);
    let own = NAMES.iter().find(|(path, _)| *path == route.path || *path == with_method);
    if let Some((_, name)) = own {
        return (*name).to_owned();
    }
    let rpc = route.descriptor().name().to_owned();
    rpc[..1].to_ascii_lowercase() + &rpc[1..]
}

/// Under which heading an operation stands, by the service that it calls.
pub(super) fn tag(route: &Route) -> &'static str {
    match route.descriptor().parent_service().name() {
        "ScoreService" => "Scores",
        "GraphService" => "People",
        "PlusKService" => "PlusK",
        "TopicService" => "Topics",
        "PerkService" => "Perks",
        "DeskService" => "Desk",
        "LookupService" => "Look-ups",
        "SignalService" => "Signals",
        _ => "Keys",
    }
}

/// What it takes to call it.
pub(super) fn access(route: &Route) -> Access {
    Access::of(&call::path(&route.descriptor()))
}

/// Whether only the operator's key may call it.
pub(super) fn is_for_operators(route: &Route) -> bool {
    access(route) == Access::Operators
}

/// The operation of a route, as the operator or as others may call it.
pub(super) fn operation(
    route: &Route,
    schemas: &mut Schemas,
    dialect: Dialect,
    operator: bool,
) -> Operation {
    let rpc = route.descriptor();
    let path = call::path(&rpc);
    let hidden = access::operator_field(&path).filter(|_| !operator);
    let id = id(route);
    let examples = Examples::of(&id);
    let described = comments::of_method(&rpc);
    let mut description = described.clone();
    description.push_str("\n\n");
    description.push_str(&takes(access(route)));
    let answer = MediaType {
        schema: Some(schemas.message(&route.answer(), Way::Answered)),
        example: examples.response.clone(),
        ..MediaType::default()
    };
    let body = (route.rest == Rest::Body).then(|| {
        let schema = body(route, schemas, hidden, &id);
        let example = examples.request.clone();
        let media = MediaType { schema: Some(schema), example, ..MediaType::default() };
        ReferenceOr::Item(RequestBody {
            description: None,
            content: IndexMap::from([("application/json".to_owned(), media)]),
            required: true,
            extensions: IndexMap::new(),
        })
    });
    let mut extensions = IndexMap::from([("x-klout-rpc".to_owned(), route.rpc.into())]);
    if is_for_operators(route) {
        extensions.insert("x-klout-operators".to_owned(), true.into());
    }
    Operation {
        tags: vec![tag(route).to_owned()],
        summary: Some(comments::first_sentence(&described).to_owned()),
        description: Some(description),
        operation_id: Some(id),
        parameters: parameters(route, schemas, dialect, hidden),
        request_body: body,
        responses: responses(route, answer),
        extensions,
        ..Operation::default()
    }
}

/// How the operation of a route is answered.
fn responses(route: &Route, answer: MediaType) -> Responses {
    let called = Called {
        rpc: route.descriptor(),
        method: route.method.clone(),
        path: route.path,
        has_body: route.rest == Rest::Body,
        access: access(route),
    };
    let tagged = route.method == Method::GET;
    let json = |answer| ("application/json", answer);
    let successes = match route.rpc {
        lookup::RPC => {
            let waits = "Somebody who waits to be scored: `score.state` is `PENDING`. Ask again.";
            let found = answers::success("Answered.", false, [json(answer.clone())]);
            vec![(200, found), (202, answers::success(waits, false, [json(answer)]))]
        }
        people::csv::RPC => {
            let rows = schema::schema(schema::string(StringType::default()), "Rows with a header.");
            let schema = Some(ReferenceOr::Item(rows));
            let rows = MediaType { schema, ..MediaType::default() };
            let listed = [json(answer), ("text/csv; charset=utf-8", rows)];
            vec![(200, answers::success("Answered: as CSV, if `accept` says so.", true, listed))]
        }
        _ => vec![(200, answers::success("Answered.", tagged, [json(answer)]))],
    };
    answers::responses(&called, successes)
}

/// What it takes to call something, for people.
pub(super) fn takes(access: Access) -> String {
    match access {
        Access::Operators => "For the operator's key alone: to others it is not there.".to_owned(),
        Access::Scope(scope) => format!("Takes a key with the scope `{}`.", scope.as_str()),
        Access::Perks => {
            "Takes a key with the scope `perks` and a purpose that is perks.".to_owned()
        }
    }
}

/// The parameters that operations share, by name.
pub(super) fn parameter_components() -> IndexMap<String, ReferenceOr<Parameter>> {
    let text = |most: Option<usize>| {
        let string = openapiv3::StringType { max_length: most, ..Default::default() };
        ReferenceOr::Item(schema::schema(schema::string(string), ""))
    };
    let header = |name: &str, description: &str| Parameter::Header {
        parameter_data: data(name, description, false, text(None)),
        style: openapiv3::HeaderStyle::Simple,
    };
    let fields = "Which fields of the answer are wanted, as a `FieldMask` names them: separated by commas, with dots into \
                  messages and into each element of a list, such as `scores.score,nextPageToken`. Absent: all.";
    let fields =
        query(data(crate::fields::PARAMETER, fields, false, text(Some(crate::fields::BYTES_MAX))));
    let if_none_match =
        "The `etag` of an answer that is there already: 304 when the same would be answered.";
    let request_id = "Names the request in our logs and in the answer: at most 128 visible ASCII characters. Absent, or another \
                      text: a name is made.";
    IndexMap::from([
        ("Fields".to_owned(), ReferenceOr::Item(fields)),
        ("IfNoneMatch".to_owned(), ReferenceOr::Item(header("if-none-match", if_none_match))),
        ("RequestId".to_owned(), ReferenceOr::Item(header("x-request-id", request_id))),
    ])
}

fn parameters(
    route: &Route,
    schemas: &mut Schemas,
    dialect: Dialect,
    hidden: Option<&str>,
) -> Vec<ReferenceOr<Parameter>> {
    let input = route.descriptor().input();
    let mut parameters = Vec::new();
    // In the order of the path.
    let mut segments: Vec<_> = route.segments.iter().collect();
    segments.sort_by_key(|(name, _)| route.path.find(&format!("{{{name}}}")));
    for (name, path) in segments {
        let field = field_at(&input, path).expect("the table was checked against the descriptors");
        let schema = inline(schemas.field(&field, Way::Asked));
        let description = schema::described(&field, Way::Asked);
        let mut parameter_data = data(name, &description, true, schema);
        parameter_data.example = examples::of_parameter(name);
        let style = PathStyle::Simple;
        parameters.push(ReferenceOr::Item(Parameter::Path { parameter_data, style }));
    }
    if route.rest == Rest::Query {
        let taken: Vec<&str> = route.segments.iter().map(|(_, field)| *field).collect();
        let mut fields = BTreeMap::new();
        query_fields(&input, "", "", &taken, &mut fields);
        let mut fields: Vec<_> = fields.into_iter().collect();
        fields.sort_by_key(|(_, (place, ..))| *place);
        for (name, (_, field)) in fields {
            // Where names become names of variables, a dot cannot stand in one.
            if Some(field.name()) == hidden || (dialect == Dialect::Plain && name.contains('.')) {
                continue;
            }
            let required = schema::is_required(&field) && !name.contains('.');
            let schema = inline(schemas.field(&field, Way::Asked));
            let description = schema::described(&field, Way::Asked);
            let mut data = data(&name, &description, required, schema);
            data.example = examples::of_parameter(&name);
            parameters.push(ReferenceOr::Item(query(data)));
        }
    }
    if dialect == Dialect::Whole {
        let shared = |name: &str| {
            let reference = format!("#/components/parameters/{name}");
            ReferenceOr::Reference { reference }
        };
        parameters.push(shared("Fields"));
        if route.method == Method::GET {
            parameters.push(shared("IfNoneMatch"));
        }
        parameters.push(shared("RequestId"));
    }
    parameters
}

/// The fields that a query can give: their names in JSON with dots, and where they stand.
fn query_fields(
    message: &MessageDescriptor,
    prefix: &str,
    json_prefix: &str,
    taken: &[&str],
    found: &mut BTreeMap<String, (usize, FieldDescriptor)>,
) {
    for field in message.fields() {
        let path = format!("{prefix}{}", field.name());
        let name = format!("{json_prefix}{}", field.json_name());
        if is_taken(&field, prefix, taken) {
            continue;
        }
        if transcode::comes_in_a_url(&field) {
            found.insert(name, (found.len(), field));
        } else if let Some(inner) = field.kind().as_message().filter(|_| !field.is_list()) {
            let is_ours = inner.package_name().starts_with("klout.");
            if is_ours && !field.is_map() && prefix.matches('.').count() < 2 {
                query_fields(inner, &format!("{path}."), &format!("{name}."), taken, found);
            }
        }
    }
}

/// Whether the path says what a field is, or names another one of its choice.
fn is_taken(field: &FieldDescriptor, prefix: &str, taken: &[&str]) -> bool {
    let is_whole = |name: &str| taken.contains(&format!("{prefix}{name}").as_str());
    let is_part = |name: &str| {
        let within = format!("{prefix}{name}.");
        taken.iter().any(|it| it.starts_with(&within))
    };
    let others = field.containing_oneof();
    let others = others.iter().flat_map(prost_reflect::OneofDescriptor::fields);
    let mut others = others.filter(|other| other != field);
    is_whole(field.name()) || others.any(|it| is_whole(it.name()) || is_part(it.name()))
}

/// The schema of a body: of the request, without what the path says.
fn body(
    route: &Route,
    schemas: &mut Schemas,
    hidden: Option<&str>,
    id: &str,
) -> ReferenceOr<Schema> {
    let input = route.descriptor().input();
    if route.segments.is_empty() && hidden.is_none() {
        return schemas.message(&input, Way::Asked);
    }
    let taken: Vec<&str> = route.segments.iter().map(|(_, field)| *field).collect();
    let has =
        |field: &FieldDescriptor| !is_taken(field, "", &taken) && Some(field.name()) != hidden;
    let mut object = schemas.object(&input, Way::Asked, has);
    for path in &taken {
        let Some((outer, _)) = path.split_once('.') else { continue };
        let outer = input.get_field_by_name(outer).expect("a field of the request");
        let Some(inner) = outer.kind().as_message().cloned() else { continue };
        let prefix = format!("{}.", outer.name());
        let nested = schemas.object(&inner, Way::Asked, |field| !is_taken(field, &prefix, &taken));
        if let SchemaKind::Type(Type::Object(object)) = &mut object.schema_kind {
            let nested = ReferenceOr::Item(Box::new(nested));
            object.properties.insert(outer.json_name().to_owned(), nested);
        }
    }
    let name = id[..1].to_ascii_uppercase() + &id[1..] + "Body";
    schemas.named(&name, object)
}

fn field_at(message: &MessageDescriptor, path: &str) -> Option<FieldDescriptor> {
    let (name, inner) =
        path.split_once('.').map_or((path, None), |(name, inner)| (name, Some(inner)));
    let field = message.get_field_by_name(name)?;
    match inner {
        None => Some(field),
        Some(inner) => field_at(field.kind().as_message()?, inner),
    }
}

/// What is said of a parameter stands beside its schema.
fn inline(schema: ReferenceOr<Schema>) -> ReferenceOr<Schema> {
    match schema {
        ReferenceOr::Item(mut item) => {
            item.schema_data.description = None;
            ReferenceOr::Item(item)
        }
        reference @ ReferenceOr::Reference { .. } => reference,
    }
}

pub(super) fn query(parameter_data: ParameterData) -> Parameter {
    let style = QueryStyle::Form;
    Parameter::Query { parameter_data, allow_reserved: false, style, allow_empty_value: None }
}

pub(super) fn data(
    name: &str,
    description: &str,
    required: bool,
    schema: ReferenceOr<Schema>,
) -> ParameterData {
    ParameterData {
        name: name.to_owned(),
        description: Some(description.to_owned()).filter(|it| !it.is_empty()),
        required,
        deprecated: None,
        format: ParameterSchemaOrContent::Schema(schema),
        example: None,
        examples: IndexMap::new(),
        explode: None,
        extensions: IndexMap::new(),
    }
}
