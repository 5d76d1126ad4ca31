//! What the contracts say in their comments: the descriptors carry them.

use std::{collections::HashMap, sync::LazyLock};

use klout_proto::json::DESCRIPTORS;
use prost_reflect::{
    FieldDescriptor, MessageDescriptor, MethodDescriptor, OneofDescriptor, ServiceDescriptor,
};
use tonic::Code;

/// Every comment, by its file and by what it is about.
static COMMENTS: LazyLock<HashMap<(String, Vec<i32>), String>> = LazyLock::new(|| {
    let mut comments = HashMap::new();
    for file in DESCRIPTORS.files() {
        let proto = file.file_descriptor_proto();
        for location in proto.source_code_info.iter().flat_map(|info| &info.location) {
            let text = location.leading_comments();
            if !text.is_empty() {
                comments.insert((file.name().to_owned(), location.path.clone()), text.to_owned());
            }
        }
    }
    comments
});

/// A way in which an RPC fails, as its comment promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) code: Code,
    pub(super) reason: String,
    /// When, if the comment says.
    pub(super) when: String,
}

/// What an RPC does.
pub(super) fn of_method(method: &MethodDescriptor) -> String {
    let file = method.parent_service().parent_file();
    let text = raw(file.name(), method.path());
    tidy(text.split("\n\n Errors:").next().unwrap_or_default())
}

/// How an RPC fails.
pub(super) fn failures(method: &MethodDescriptor) -> Vec<Failure> {
    let file = method.parent_service().parent_file();
    let text = raw(file.name(), method.path());
    let Some((_, errors)) = text.split_once("\n\n Errors:") else { return Vec::new() };
    let lines = tidy(errors);
    let own = lines.lines().filter_map(|line| line.strip_prefix("- ")).flat_map(failures_of);
    // `Errors: as OTHER, and CODE, reason A.`
    let Some(other) = lines.strip_prefix("as ") else { return own.collect() };
    let end = other.find(|it: char| !it.is_alphanumeric()).unwrap_or(other.len());
    let (name, more) = other.split_at(end);
    let as_other = method.parent_service().methods().find(|it| it.name() == name);
    let more = more.trim_start_matches([',', ' ']).trim_start_matches("and ");
    as_other.iter().flat_map(failures).chain(failures_of(more)).collect()
}

pub(super) fn of_message(message: &MessageDescriptor) -> String {
    tidy(raw(message.parent_file().name(), message.path()))
}

pub(super) fn of_field(field: &FieldDescriptor) -> String {
    tidy(raw(field.parent_message().parent_file().name(), field.path()))
}

pub(super) fn of_oneof(oneof: &OneofDescriptor) -> String {
    tidy(raw(oneof.parent_message().parent_file().name(), oneof.path()))
}

pub(super) fn of_service(service: &ServiceDescriptor) -> String {
    tidy(raw(service.parent_file().name(), service.path()))
}

/// The first sentence of a text.
pub(super) fn first_sentence(text: &str) -> &str {
    let end = text
        .match_indices(['.', ':', ';'])
        .find(|(at, _)| text[at + 1..].chars().next().is_none_or(char::is_whitespace));
    end.map_or(text, |(at, _)| &text[..at])
}

fn raw(file: &str, path: &[i32]) -> &'static str {
    COMMENTS.get(&(file.to_owned(), path.to_vec())).map_or("", String::as_str)
}

/// One line a paragraph and a line for each point of a list; fields are called as their JSON calls them.
fn tidy(comment: &str) -> String {
    let mut text = String::new();
    for line in comment.lines() {
        let line = line.strip_prefix(' ').unwrap_or(line).trim_end();
        match line {
            "" if !text.is_empty() => text.push_str("\n\n"),
            "" => {}
            line if line.starts_with("- ") => {
                if !text.is_empty() && !text.ends_with('\n') {
                    text.push('\n');
                }
                text.push_str(line);
            }
            line => {
                if !text.is_empty() && !text.ends_with('\n') {
                    text.push(' ');
                }
                text.push_str(line.trim_start());
            }
        }
    }
    as_json_calls(text.trim())
}

/// Names of fields stand between backticks in comments.
fn as_json_calls(text: &str) -> String {
    static NAMES: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
        let fields = DESCRIPTORS.all_messages().flat_map(|it| it.fields().collect::<Vec<_>>());
        let names = fields.map(|it| (it.name().to_owned(), it.json_name().to_owned()));
        names.filter(|(name, json_name)| name != json_name).collect()
    });
    let pieces = text.split('`').enumerate().map(|(place, piece)| {
        if place % 2 == 0 {
            return piece.to_owned();
        }
        let words = piece.split('.').map(|it| NAMES.get(it).map_or(it, String::as_str));
        words.collect::<Vec<_>>().join(".")
    });
    pieces.collect::<Vec<_>>().join("`")
}

/// `CODE, reason A or B: when. Reason C: when.`
fn failures_of(line: &str) -> Vec<Failure> {
    let Some((code, said)) = line.split_once(',') else { return Vec::new() };
    let Some(code) = code_of(code) else { return Vec::new() };
    let mut failures: Vec<Failure> = Vec::new();
    // The names before the first word of the next explanation.
    for part in said.split("eason ").skip(1) {
        let mut reasons = Vec::new();
        let mut when = part;
        loop {
            let end = when.find(|it: char| !it.is_ascii_uppercase() && it != '_');
            let end = end.unwrap_or(when.len());
            if end < 3 {
                break;
            }
            reasons.push(&when[..end]);
            when = &when[end..];
            when = [", or ", " or ", ", "]
                .iter()
                .find_map(|and| when.strip_prefix(and))
                .unwrap_or(when);
        }
        // What is left of the word "reason" that the next part began with.
        let when = when.trim_end_matches(['r', 'R']).trim().trim_start_matches([':', '.', ',']);
        let when = when.trim().trim_end_matches('.').to_owned();
        let failure =
            |reason: &str| Failure { code, reason: reason.to_owned(), when: when.clone() };
        failures.extend(reasons.into_iter().map(failure));
    }
    failures
}

fn code_of(name: &str) -> Option<Code> {
    let codes = (0..=16).map(Code::from_i32);
    codes.into_iter().find(|code| crate::problem::name(*code) == name.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn method(name: &str) -> MethodDescriptor {
        let services = DESCRIPTORS.services().flat_map(|it| it.methods().collect::<Vec<_>>());
        services.into_iter().find(|it| it.name() == name).expect(name)
    }

    #[test]
    fn a_comment_says_what_a_call_does_and_how_it_fails() {
        let text = of_method(&method("GetScore"));
        assert_eq!(
            text,
            "Returns the score of one person. A member without evidence has state UNKNOWN and no number."
        );
        let failures = failures(&method("GetScore"));
        let has = |code, reason: &str, when: &str| {
            let (reason, when) = (reason.to_owned(), when.to_owned());
            failures.contains(&Failure { code, reason, when })
        };
        assert!(has(
            Code::NotFound,
            "PERSON_UNKNOWN",
            "no such person, or nobody has linked that account"
        ));
        assert!(has(Code::InvalidArgument, "FIELD_INVALID", "`model` without `atTime`"));
        assert!(has(Code::Unavailable, "STORE_UNAVAILABLE", ""));
        assert!(has(Code::Unavailable, "PEER_UNAVAILABLE", ""));
    }

    #[test]
    fn several_reasons_of_one_line_are_told_apart() {
        let line = "INVALID_ARGUMENT, reason FIELD_INVALID: a part that cannot be. Reason CSV_MALFORMED: no header.";
        let failures = failures_of(line);
        let said: Vec<_> = failures.iter().map(|it| (&*it.reason, &*it.when)).collect();
        assert_eq!(
            said,
            [("FIELD_INVALID", "a part that cannot be"), ("CSV_MALFORMED", "no header")]
        );
        let line = "FAILED_PRECONDITION, reason KEY_REVOKED, or KEY_ROTATING: two are valid.";
        let failures = failures_of(line);
        let said: Vec<_> = failures.iter().map(|it| (&*it.reason, &*it.when)).collect();
        assert_eq!(said, [("KEY_REVOKED", "two are valid"), ("KEY_ROTATING", "two are valid")]);
    }

    #[test]
    fn a_call_may_fail_as_another_one_does_and_otherwise() {
        let (other, more) = (method("ListPlusKReceived"), method("ListPlusKSuggestions"));
        let (other, more) = (failures(&other), failures(&more));
        assert!(!other.is_empty() && more.starts_with(&other));
        assert_eq!(
            more[other.len()..].iter().map(|it| &*it.reason).collect::<Vec<_>>(),
            ["PEER_UNAVAILABLE"]
        );
    }

    #[test]
    fn every_call_of_a_route_says_how_it_fails() {
        for route in crate::routes::all() {
            let method = route.descriptor();
            assert!(!of_method(&method).is_empty(), "{route:?}");
            let text = raw(method.parent_service().parent_file().name(), method.path());
            let text = text.split_once("Errors:").map_or("", |(_, errors)| errors);
            let promised = text.matches("reason ").count() + text.matches("Reason ").count();
            assert!(
                failures(&method).len() >= promised.max(usize::from(!text.is_empty())),
                "{route:?}"
            );
        }
    }
}
