//! What can be called, for people to read: made from the same document as programs read.

use std::sync::LazyLock;

use askama::Template;
use axum::body::Bytes;
use openapiv3::{
    AdditionalProperties, Operation, Parameter, ParameterData, ParameterSchemaOrContent,
    ReferenceOr, Response, Schema, SchemaKind, Type, VariantOrUnknownOrEmpty as Format,
};
use serde_json::Value;

use super::render;
use crate::openapi::PUBLIC;

/// It changes with an upgrade alone.
static PAGE: LazyLock<Bytes> = LazyLock::new(|| render(&DocsPage::of_document()));

/// The page.
pub(super) fn page() -> Bytes {
    PAGE.clone()
}

#[derive(Debug, Template)]
#[template(path = "docs.html")]
struct DocsPage {
    about: Vec<Prose>,
    groups: Vec<Group>,
    /// Messages that calls refer to.
    shapes: Vec<Shape>,
}

/// Calls under one heading.
#[derive(Debug)]
struct Group {
    name: String,
    about: Prose,
    calls: Vec<Call>,
}

#[derive(Debug)]
struct Call {
    id: String,
    method: String,
    path: String,
    summary: String,
    about: Vec<Prose>,
    needs_key: bool,
    parameters: Vec<Row>,
    body: Option<Kind>,
    request: Option<String>,
    answer: Option<Kind>,
    response: Option<String>,
    failures: Vec<Failure>,
}

#[derive(Debug)]
struct Shape {
    name: String,
    about: Prose,
    rows: Vec<Row>,
}

/// A parameter, or a field of a message.
#[derive(Debug)]
struct Row {
    name: String,
    kind: Kind,
    /// Where it stands, of a parameter.
    place: &'static str,
    required: bool,
    about: Prose,
}

/// What a value is: words, then the message that it is made of.
#[derive(Clone, Debug, Default)]
struct Kind {
    words: String,
    shape: Option<String>,
}

/// A status that is no success, with its reasons.
#[derive(Debug)]
struct Failure {
    status: String,
    reasons: Vec<Prose>,
}

/// Text, of which every other piece is code.
#[derive(Debug, Default)]
struct Prose(Vec<String>);

// === impl DocsPage ===

impl DocsPage {
    fn of_document() -> Self {
        let document = &*PUBLIC;
        let groups = document.tags.iter().map(|tag| {
            let calls = document.operations();
            let calls = calls.filter(|(.., operation)| operation.tags.contains(&tag.name));
            Group {
                name: tag.name.clone(),
                about: Prose::of(tag.description.as_deref().unwrap_or_default()),
                calls: calls.map(|(path, method, it)| Call::of(path, method, it)).collect(),
            }
        });
        let components = document.components.as_ref();
        let schemas = components.into_iter().flat_map(|it| &it.schemas);
        let shapes = schemas.filter_map(|(name, schema)| Some(Shape::of(name, schema.as_item()?)));
        Self {
            about: paragraphs(document.info.description.as_deref().unwrap_or_default()),
            groups: groups.collect(),
            shapes: shapes.collect(),
        }
    }
}

// === impl Call ===

impl Call {
    fn of(path: &str, method: &str, operation: &Operation) -> Self {
        let parameters =
            operation.parameters.iter().filter_map(|it| Row::of_parameter(it.as_item()?));
        let body = operation.request_body.as_ref().and_then(ReferenceOr::as_item);
        let body = body.and_then(|body| body.content.values().next());
        let mut answer = None;
        let mut failures = Vec::new();
        for (status, response) in &operation.responses.responses {
            let Some(response) = response.as_item() else { continue };
            let status = status.to_string();
            if status.starts_with('2') {
                answer = answer.or_else(|| response.content.values().next());
            } else {
                failures.push(Failure::of(status, response));
            }
        }
        let kind = |media: &openapiv3::MediaType| media.schema.as_ref().map(Kind::of);
        let example = |media: &openapiv3::MediaType| media.example.as_ref().map(pretty);
        let about = paragraphs(operation.description.as_deref().unwrap_or_default());
        Self {
            id: operation.operation_id.clone().unwrap_or_default(),
            method: method.to_ascii_uppercase(),
            path: path.to_owned(),
            summary: operation.summary.clone().unwrap_or_default(),
            about,
            needs_key: operation.security.is_none(),
            parameters: parameters.collect(),
            body: body.and_then(kind),
            request: body.and_then(example),
            answer: answer.and_then(kind),
            response: answer.and_then(example),
            failures,
        }
    }
}

// === impl Shape ===

impl Shape {
    fn of(name: &str, schema: &Schema) -> Self {
        let rows = match &schema.schema_kind {
            SchemaKind::Type(Type::Object(object)) => {
                let rows = object.properties.iter().map(|(name, property)| Row {
                    name: name.clone(),
                    kind: Kind::of(&property.clone().unbox()),
                    place: "",
                    required: object.required.contains(name),
                    about: Prose::of(described(property.as_item().map(|it| &**it))),
                });
                rows.collect()
            }
            SchemaKind::Type(_)
            | SchemaKind::OneOf { .. }
            | SchemaKind::AllOf { .. }
            | SchemaKind::AnyOf { .. }
            | SchemaKind::Not { .. }
            | SchemaKind::Any(_) => Vec::new(),
        };
        Self { name: name.to_owned(), about: Prose::of(described(Some(schema))), rows }
    }
}

// === impl Row ===

impl Row {
    fn of_parameter(parameter: &Parameter) -> Option<Self> {
        let place = match parameter {
            Parameter::Path { .. } => "path",
            Parameter::Query { .. } => "query",
            Parameter::Header { .. } => "header",
            Parameter::Cookie { .. } => return None,
        };
        let data: &ParameterData = parameter.parameter_data_ref();
        let kind = match &data.format {
            ParameterSchemaOrContent::Schema(schema) => Kind::of(schema),
            ParameterSchemaOrContent::Content(_) => Kind::default(),
        };
        let about = Prose::of(data.description.as_deref().unwrap_or_default());
        Some(Self { name: data.name.clone(), kind, place, required: data.required, about })
    }
}

// === impl Kind ===

impl Kind {
    fn of(schema: &ReferenceOr<Schema>) -> Self {
        match schema {
            ReferenceOr::Reference { reference } => Self {
                words: String::new(),
                shape: reference.rsplit('/').next().map(str::to_owned),
            },
            ReferenceOr::Item(schema) => Self::of_kind(&schema.schema_kind),
        }
    }

    fn of_kind(kind: &SchemaKind) -> Self {
        let words = match kind {
            SchemaKind::Type(Type::String(string)) => match &string.format {
                Format::Item(openapiv3::StringFormat::DateTime) => "time",
                Format::Item(openapiv3::StringFormat::Byte) => "bytes in base64",
                Format::Unknown(format) if format.ends_with("int64") => "whole number in a string",
                Format::Item(_) | Format::Unknown(_) | Format::Empty => {
                    let pattern = string.pattern.as_deref().unwrap_or_default();
                    if pattern.ends_with("s$") { "duration" } else { "text" }
                }
            },
            SchemaKind::Type(Type::Number(_)) => "number",
            SchemaKind::Type(Type::Integer(_)) => "whole number",
            SchemaKind::Type(Type::Boolean(_)) => "true or false",
            SchemaKind::Type(Type::Array(array)) => {
                let items = array.items.clone().map(ReferenceOr::unbox);
                let each = items.as_ref().map(Self::of).unwrap_or_default();
                return Self { words: format!("list of {}", each.words), ..each };
            }
            SchemaKind::Type(Type::Object(object)) => match &object.additional_properties {
                Some(AdditionalProperties::Schema(values)) => {
                    let each = Self::of(values);
                    return Self { words: format!("map to {}", each.words), ..each };
                }
                Some(AdditionalProperties::Any(_)) | None => "object",
            },
            SchemaKind::AllOf { all_of } => {
                return all_of.first().map(Self::of).unwrap_or_default();
            }
            SchemaKind::OneOf { .. }
            | SchemaKind::AnyOf { .. }
            | SchemaKind::Not { .. }
            | SchemaKind::Any(_) => "anything",
        };
        Self { words: words.to_owned(), shape: None }
    }
}

// === impl Failure ===

impl Failure {
    fn of(status: String, response: &Response) -> Self {
        let lines = response.description.lines();
        let reasons = lines.map(|line| Prose::of(line.trim_start_matches("- "))).collect();
        Self { status, reasons }
    }
}

// === impl Prose ===

impl Prose {
    fn of(text: &str) -> Self {
        Self(text.split('`').map(str::to_owned).collect())
    }
}

fn paragraphs(text: &str) -> Vec<Prose> {
    text.split("\n\n").filter(|it| !it.is_empty()).map(Prose::of).collect()
}

fn described(schema: Option<&Schema>) -> &str {
    schema.and_then(|it| it.schema_data.description.as_deref()).unwrap_or_default()
}

fn pretty(example: &Value) -> String {
    serde_json::to_string_pretty(example).unwrap_or_default()
}
