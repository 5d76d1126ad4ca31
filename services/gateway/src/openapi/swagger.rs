//! The document for customer relationship systems as Swagger 2.0, which Power Platform's connectors are made from.

use http::uri::Authority;
use openapiv3::OpenAPI;
use serde_json::{Map, Value, json};

/// Where it is.
pub(super) const PATH: &str = "/swagger-crm.json";

/// The same document in the older form, of the gateway at `host`.
pub(super) fn of(document: &OpenAPI, host: Option<&Authority>) -> Value {
    let document =
        serde_json::to_value(document).expect("documents have nothing that JSON has not");
    let mut swagger = json!({
        "swagger": "2.0",
        "info": document["info"],
        "basePath": "/",
        "schemes": ["https", "http"],
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "securityDefinitions": {
            "apiKey": { "type": "apiKey", "in": "header", "name": "x-api-key" },
        },
        "security": [{ "apiKey": [] }],
    });
    if let Some(host) = host {
        swagger["host"] = host.as_str().into();
    }
    let paths = members(&document["paths"]).map(|(path, item)| {
        let operations = members(item);
        let operations = operations.map(|(method, it)| (method.clone(), operation(it)));
        (path.clone(), Value::Object(operations.collect()))
    });
    swagger["paths"] = Value::Object(paths.collect());
    let schemas = members(&document["components"]["schemas"]);
    let schemas = schemas.map(|(name, it)| (name.clone(), schema(it)));
    swagger["definitions"] = Value::Object(schemas.collect());
    swagger
}

fn operation(operation: &Value) -> Value {
    let mut parameters: Vec<Value> =
        operation["parameters"].as_array().into_iter().flatten().map(parameter).collect();
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    if !body.is_null() {
        parameters.push(json!({
            "name": "body", "in": "body", "required": true, "schema": schema(body),
            "x-ms-summary": "Request",
        }));
    }
    let responses = members(&operation["responses"]).map(|(status, response)| {
        let answered = schema(&response["content"]["application/json"]["schema"]);
        let description = &response["description"];
        (status.clone(), json!({ "description": description, "schema": answered }))
    });
    json!({
        "operationId": operation["operationId"],
        "summary": operation["summary"],
        "description": operation["description"],
        "parameters": parameters,
        "responses": Value::Object(responses.collect()),
        "x-ms-visibility": "important",
    })
}

/// What stands beside the name here stood in a schema of its own.
fn parameter(parameter: &Value) -> Value {
    let mut older = Map::new();
    for (name, value) in members(parameter) {
        match name.as_str() {
            "schema" => {
                older.extend(members(&schema(value)).map(|(name, it)| (name.clone(), it.clone())))
            }
            "example" | "style" | "explode" => {}
            _ => {
                older.insert(name.clone(), value.clone());
            }
        }
    }
    let name = parameter["name"].as_str().unwrap_or_default();
    older.insert("x-ms-summary".to_owned(), words(name).into());
    Value::Object(older)
}

/// The same schema, with references to where schemas are here and a title of each property for people.
fn schema(newer: &Value) -> Value {
    match newer {
        Value::Object(object) => {
            let older =
                object.iter().filter(|(name, _)| *name != "example").map(|(name, value)| {
                    let value = match (name.as_str(), value) {
                        ("$ref", Value::String(reference)) => {
                            reference.replace("#/components/schemas/", "#/definitions/").into()
                        }
                        ("properties", properties) => titled(properties),
                        (_, value) => schema(value),
                    };
                    (name.clone(), value)
                });
            Value::Object(older.collect())
        }
        Value::Array(elements) => elements.iter().map(schema).collect(),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            other.clone()
        }
    }
}

fn titled(properties: &Value) -> Value {
    let titled = members(properties).map(|(name, property)| {
        let mut property = schema(property);
        property["x-ms-summary"] = words(name).into();
        (name.clone(), property)
    });
    Value::Object(titled.collect())
}

/// `scoreTime` as people write it: `Score time`.
fn words(name: &str) -> String {
    let mut words = String::new();
    for (place, letter) in name.char_indices() {
        match (place, letter.is_ascii_uppercase()) {
            (0, _) => words.push(letter.to_ascii_uppercase()),
            (_, true) => words.extend([' ', letter.to_ascii_lowercase()]),
            (_, false) => words.push(letter),
        }
    }
    words
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::{super::CRM, *};

    #[test]
    fn it_is_the_same_document_in_the_words_of_swagger() {
        let host = Authority::from_static("klout.example:8080");
        let swagger = of(&CRM, Some(&host));
        let newer = serde_json::to_value(&*CRM).expect("JSON");
        assert_eq!(
            (&swagger["swagger"], &swagger["host"]),
            (&json!("2.0"), &json!("klout.example:8080"))
        );
        let text = swagger.to_string();
        for newer in
            ["components", "requestBody", "\"content\"", "nullable", "oneOf", "\"example\""]
        {
            assert!(!text.contains(newer), "{newer}");
        }
        assert_eq!(members(&swagger["paths"]).count(), members(&newer["paths"]).count());
        for (path, item) in members(&swagger["paths"]) {
            for (method, operation) in members(item) {
                let same = &newer["paths"][path][method];
                assert_eq!(operation["operationId"], same["operationId"]);
                assert_eq!(
                    members(&operation["responses"]).count(),
                    members(&same["responses"]).count()
                );
                for parameter in operation["parameters"].as_array().expect("parameters") {
                    assert!(parameter["x-ms-summary"].is_string(), "{parameter}");
                    let is_typed = parameter["type"].is_string();
                    assert!(is_typed || parameter["in"] == "body", "{parameter}");
                }
            }
        }
        for reference in text.split("\"$ref\":\"").skip(1) {
            let reference = reference.split('"').next().unwrap_or_default();
            assert!(swagger.pointer(&reference[1..]).is_some(), "{reference}");
        }
        for (name, definition) in members(&swagger["definitions"]) {
            for (property, it) in members(&definition["properties"]) {
                assert!(it["x-ms-summary"].is_string(), "{name}.{property}");
            }
        }
    }

    #[test]
    fn names_are_written_as_people_write() {
        assert_eq!((words("scoreTime"), words("person")), ("Score time".into(), "Person".into()));
    }
}
