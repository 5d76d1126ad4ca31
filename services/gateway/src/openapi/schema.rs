//! Schemas of messages, from their descriptors: canonical protobuf JSON.
//!
//! What is asked and what is answered are told apart, as more holds of a request: what is not a field is refused, and
//! what is required has to be there. An answer may get fields in later versions, and has only those that were asked
//! for; so its schema demands nothing.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use openapiv3::{
    AdditionalProperties, ArrayType, BooleanType, IntegerFormat, IntegerType, NumberFormat,
    NumberType, ObjectType, ReferenceOr, Schema, SchemaData, SchemaKind, StringFormat, StringType,
    Type, VariantOrUnknownOrEmpty as Format,
};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::{comments, limits::Limits};

/// Which way messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Asked,
    Answered,
}

/// How much a document's readers understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// All of OpenAPI 3.0.
    Whole,
    /// No `allOf`, no objects of any form: what is described beside a reference is left out.
    Plain,
}

/// The schemas of one document, as they are referred to.
#[derive(Debug)]
pub(super) struct Schemas {
    dialect: Dialect,
    schemas: IndexMap<String, ReferenceOr<Schema>>,
    /// Messages of answers, which requests call by another name.
    answered: BTreeSet<String>,
}

// === impl Schemas ===

impl Schemas {
    pub(super) fn new(dialect: Dialect, answers: impl Iterator<Item = MessageDescriptor>) -> Self {
        let mut answered = BTreeSet::new();
        let mut left: Vec<_> = answers.collect();
        while let Some(message) = left.pop() {
            if answered.insert(message.full_name().to_owned()) {
                left.extend(message.fields().filter_map(|it| it.kind().as_message().cloned()));
            }
        }
        Self { dialect, schemas: IndexMap::new(), answered }
    }

    /// A reference to the schema of a message, which is made if it is not there.
    pub(super) fn message<T>(&mut self, message: &MessageDescriptor, way: Way) -> ReferenceOr<T> {
        let name = self.name(message, way);
        if !self.schemas.contains_key(&name) {
            // A message that leads to itself finds this.
            self.schemas.insert(name.clone(), ReferenceOr::Item(any()));
            let schema = self.object(message, way, |_| true);
            self.schemas.insert(name.clone(), ReferenceOr::Item(schema));
        }
        refer(&name)
    }

    /// A schema under a name of its own.
    pub(super) fn named(&mut self, name: &str, schema: Schema) -> ReferenceOr<Schema> {
        self.schemas.insert(name.to_owned(), ReferenceOr::Item(schema));
        refer(name)
    }

    /// The schema of a message with those of its fields.
    pub(super) fn object(
        &mut self,
        message: &MessageDescriptor,
        way: Way,
        has: impl Fn(&FieldDescriptor) -> bool,
    ) -> Schema {
        let mut object = ObjectType::default();
        for field in message.fields().filter(|field| has(field)) {
            if self.dialect == Dialect::Plain && is_free(&field) {
                continue;
            }
            if way == Way::Asked && is_required(&field) {
                object.required.push(field.json_name().to_owned());
            }
            let schema = self.field(&field, way);
            object.properties.insert(field.json_name().to_owned(), boxed(schema));
        }
        if way == Way::Asked && self.dialect == Dialect::Whole {
            object.additional_properties = Some(AdditionalProperties::Any(false));
        }
        let description = comments::of_message(message);
        schema(SchemaKind::Type(Type::Object(object)), &description)
    }

    /// The schema of a field, as it stands in a message or in a query.
    pub(super) fn field(&mut self, field: &FieldDescriptor, way: Way) -> ReferenceOr<Schema> {
        let description = described(field, way);
        let limits = Limits::of(field);
        if field.is_map() {
            let entry = field.kind();
            let value =
                entry.as_message().expect("a map is made of entries").map_entry_value_field();
            let value = self.value(&value, way, &Limits::default());
            let object = ObjectType {
                additional_properties: Some(AdditionalProperties::Schema(Box::new(value))),
                ..ObjectType::default()
            };
            return ReferenceOr::Item(schema(SchemaKind::Type(Type::Object(object)), &description));
        }
        if field.is_list() {
            let items = self.value(field, way, &limits.of_each());
            let array = ArrayType {
                items: Some(boxed(items)),
                min_items: limits.items_min.filter(|_| way == Way::Asked),
                max_items: limits.items_max.filter(|_| way == Way::Asked),
                unique_items: false,
            };
            return ReferenceOr::Item(schema(SchemaKind::Type(Type::Array(array)), &description));
        }
        match self.value(field, way, &limits) {
            ReferenceOr::Item(mut item) => {
                item.schema_data.description = Some(description).filter(|it| !it.is_empty());
                ReferenceOr::Item(item)
            }
            // Beside a reference nothing else counts.
            reference @ ReferenceOr::Reference { .. }
                if self.dialect == Dialect::Plain || description.is_empty() =>
            {
                reference
            }
            reference @ ReferenceOr::Reference { .. } => {
                let all_of = vec![reference];
                ReferenceOr::Item(schema(SchemaKind::AllOf { all_of }, &description))
            }
        }
    }

    pub(super) fn into_schemas(mut self) -> IndexMap<String, ReferenceOr<Schema>> {
        self.schemas.sort_unstable_keys();
        self.schemas
    }

    /// One value of a field.
    fn value(&mut self, field: &FieldDescriptor, way: Way, limits: &Limits) -> ReferenceOr<Schema> {
        let kind = match field.kind() {
            Kind::Message(message) => return self.value_of_message(&message, way),
            Kind::Double | Kind::Float => SchemaKind::Type(Type::Number(NumberType {
                format: Format::Item(NumberFormat::Double),
                minimum: limits.least,
                maximum: limits.most,
                ..NumberType::default()
            })),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
                let paged = field.name().ends_with("page_size").then_some(0);
                let least = paged.or(limits.whole_least()).unwrap_or(i64::from(i32::MIN));
                integer(least, limits.whole_most().unwrap_or(i64::from(i32::MAX)))
            }
            Kind::Uint32 | Kind::Fixed32 => {
                integer(0, limits.whole_most().unwrap_or(i64::from(u32::MAX)))
            }
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => text("int64", Some("^-?[0-9]{1,19}$")),
            Kind::Uint64 | Kind::Fixed64 => text("uint64", Some("^[0-9]{1,20}$")),
            Kind::Bool => SchemaKind::Type(Type::Boolean(BooleanType::default())),
            Kind::Bytes => string(StringType {
                format: Format::Item(StringFormat::Byte),
                ..StringType::default()
            }),
            Kind::String => string(StringType {
                min_length: limits.characters_min.filter(|_| way == Way::Asked),
                max_length: limits.characters_max.filter(|_| way == Way::Asked),
                ..StringType::default()
            }),
            Kind::Enum(values) => string(StringType {
                enumeration: values.values().map(|it| Some(it.name().to_owned())).collect(),
                ..StringType::default()
            }),
        };
        ReferenceOr::Item(schema(kind, ""))
    }

    fn value_of_message(&mut self, message: &MessageDescriptor, way: Way) -> ReferenceOr<Schema> {
        let kind = match message.full_name() {
            "google.protobuf.Timestamp" => string(StringType {
                format: Format::Item(StringFormat::DateTime),
                ..StringType::default()
            }),
            "google.protobuf.Duration" => text("", Some(r"^-?[0-9]+(\.[0-9]{1,9})?s$")),
            "google.protobuf.FieldMask" => text("", None),
            name if name.starts_with("google.protobuf.") => return ReferenceOr::Item(any()),
            _ => return self.message(message, way),
        };
        ReferenceOr::Item(schema(kind, ""))
    }

    fn name(&self, message: &MessageDescriptor, way: Way) -> String {
        // Nested messages are called with the one that they are in.
        let package = message.package_name();
        let name = message.full_name().strip_prefix(package).unwrap_or(message.full_name());
        let name = name.replace('.', "");
        match way {
            Way::Asked if self.answered.contains(message.full_name()) => format!("{name}Input"),
            Way::Asked | Way::Answered => name,
        }
    }
}

/// Whether a request has to have the field.
pub(super) fn is_required(field: &FieldDescriptor) -> bool {
    let text = comments::of_field(field);
    field.containing_oneof().is_none()
        && ["Required.", "Required:"].iter().any(|word| text.contains(word))
}

/// What is said of a field, and of the choice that it is one of.
pub(super) fn described(field: &FieldDescriptor, way: Way) -> String {
    let text = comments::of_field(field);
    let Some(oneof) = field.containing_oneof().filter(|it| it.fields().len() > 1) else {
        return text;
    };
    let names: Vec<_> = oneof.fields().map(|it| format!("`{}`", it.json_name())).collect();
    let names = names.join(", ");
    let required = comments::of_oneof(&oneof).starts_with("Required");
    match way {
        Way::Asked if required => format!("{text} Exactly one of {names} has to be there."),
        Way::Asked | Way::Answered => format!("{text} At most one of {names} is there."),
    }
}

/// Whether anything at all may stand there.
fn is_free(field: &FieldDescriptor) -> bool {
    let Kind::Message(message) = field.kind() else { return false };
    field.is_map()
        || matches!(
            message.full_name(),
            "google.protobuf.Any" | "google.protobuf.Struct" | "google.protobuf.Value"
        )
}

pub(super) fn schema(schema_kind: SchemaKind, description: &str) -> Schema {
    let description = Some(description.to_owned()).filter(|it| !it.is_empty());
    Schema { schema_data: SchemaData { description, ..SchemaData::default() }, schema_kind }
}

pub(super) fn string(string: StringType) -> SchemaKind {
    SchemaKind::Type(Type::String(string))
}

pub(super) fn text(format: &str, pattern: Option<&str>) -> SchemaKind {
    let format = Some(format.to_owned()).filter(|it| !it.is_empty());
    string(StringType {
        format: format.map_or(Format::Empty, Format::Unknown),
        pattern: pattern.map(str::to_owned),
        ..StringType::default()
    })
}

pub(super) fn integer(least: i64, most: i64) -> SchemaKind {
    let fits = i32::try_from(least).is_ok() && i32::try_from(most).is_ok();
    let format = if fits { IntegerFormat::Int32 } else { IntegerFormat::Int64 };
    SchemaKind::Type(Type::Integer(IntegerType {
        format: Format::Item(format),
        minimum: Some(least),
        maximum: Some(most),
        ..IntegerType::default()
    }))
}

pub(super) fn refer<T>(name: &str) -> ReferenceOr<T> {
    ReferenceOr::Reference { reference: format!("#/components/schemas/{name}") }
}

fn any() -> Schema {
    let object = ObjectType {
        additional_properties: Some(AdditionalProperties::Any(true)),
        ..ObjectType::default()
    };
    schema(SchemaKind::Type(Type::Object(object)), "")
}

pub(super) fn boxed(schema: ReferenceOr<Schema>) -> ReferenceOr<Box<Schema>> {
    match schema {
        ReferenceOr::Item(item) => ReferenceOr::Item(Box::new(item)),
        ReferenceOr::Reference { reference } => ReferenceOr::Reference { reference },
    }
}
