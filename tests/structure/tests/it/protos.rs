//! The contracts: buf's STANDARD rules, and ours. Nothing else here is as hard to change.

use std::collections::BTreeMap;

use klout_proto::FILE_DESCRIPTOR_SET;
use prost_reflect::{
    DescriptorPool, FileDescriptor, Kind, MessageDescriptor, MethodDescriptor, ServiceDescriptor,
};

use crate::sources;

#[test]
fn every_contract_is_compiled() {
    let pool = pool();
    for source in sources::all() {
        if let Some(path) = source.path.strip_prefix("proto/")
            && path.ends_with(".proto")
        {
            assert!(pool.get_file_by_name(path).is_some(), "add {path} to libs/proto/build.rs");
        }
    }
}

#[test]
fn a_package_is_a_folder_with_a_version() {
    for file in files(&pool()) {
        let (folder, name) = file.name().rsplit_once('/').expect("a folder");
        assert_eq!(file.package_name().replace('.', "/"), folder, "{}", file.name());
        assert!(folder.ends_with("/v1"), "{} has no version", file.name());
        assert!(is_snake(name.trim_end_matches(".proto")), "{} is not snake_case", file.name());
    }
}

#[test]
fn names_are_spelled_as_everywhere() {
    let pool = pool();
    for message in messages(&pool) {
        assert!(is_pascal(message.name()), "{}", message.full_name());
        for field in message.fields() {
            assert!(is_snake(field.name()), "{}", field.full_name());
        }
        for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
            assert!(is_snake(oneof.name()), "{}", oneof.full_name());
        }
    }
    for service in services(&pool) {
        let name = service.name();
        assert!(is_pascal(name) && name.ends_with("Service"), "{}", service.full_name());
        for method in service.methods() {
            assert!(is_pascal(method.name()), "{}", method.full_name());
        }
    }
}

#[test]
fn enums_start_with_a_zero_that_says_nothing() {
    let pool = pool();
    for item in pool.all_enums().filter(|item| item.package_name().starts_with("klout.")) {
        let prefix = shouted(item.name());
        for value in item.values() {
            let (name, number) = (value.name(), value.number());
            assert!(name.starts_with(&format!("{prefix}_")), "{} has no prefix", value.full_name());
            let unspecified = name == format!("{prefix}_UNSPECIFIED");
            assert_eq!(number == 0, unspecified, "{} = {number}", value.full_name());
        }
    }
}

/// Lists without pages: one goes on from a number that whoever asks has kept, in place of a token, the other is of the
/// first few alone.
const UNPAGED: [&str; 3] = ["ListPersonStates", "ListPerkMembers", "ListMutuals"];

#[test]
fn an_rpc_has_a_request_and_a_response_of_its_own() {
    let pool = pool();
    let mut users = BTreeMap::new();
    for method in methods(&pool) {
        for (message, suffix) in [(method.input(), "Request"), (method.output(), "Response")] {
            let expected = format!("{}{suffix}", method.name());
            assert_eq!(message.name(), expected, "of {}", method.full_name());
            // What every service has to answer about people it answers in the same words.
            let of_all = method.parent_service().name() == "PersonDataService";
            let user = if of_all { method.name() } else { method.full_name() }.to_owned();
            let other = users.insert(message.full_name().to_owned(), user);
            let is_shared = other.is_some_and(|other| !of_all || other != method.name());
            assert!(!is_shared, "{} is shared", message.full_name());
        }
    }
}

#[test]
fn a_time_is_called_time() {
    for message in messages(&pool()) {
        for field in message.fields() {
            let is_time = matches!(field.kind(), Kind::Message(kind)
                if kind.full_name() == "google.protobuf.Timestamp");
            let called = field.name() == "time" || field.name().ends_with("_time");
            assert_eq!(is_time, called, "{} says what it is", field.full_name());
        }
    }
}

#[test]
fn lists_come_in_pages() {
    let pool = pool();
    let lists = methods(&pool).into_iter().filter(|method| method.name().starts_with("List"));
    for method in lists.filter(|method| !UNPAGED.contains(&method.name())) {
        for (message, field) in [
            (method.input(), "page_size"),
            (method.input(), "page_token"),
            (method.output(), "next_page_token"),
        ] {
            let has = message.get_field_by_name(field).is_some();
            assert!(has, "{} has no {field}", message.full_name());
        }
    }
}

#[test]
fn everything_is_explained() {
    let pool = pool();
    for service in services(&pool) {
        explained(&service.parent_file(), service.path(), service.full_name());
        for method in service.methods() {
            explained(&service.parent_file(), method.path(), method.full_name());
        }
    }
    for message in messages(&pool) {
        explained(&message.parent_file(), message.path(), message.full_name());
        for field in message.fields() {
            explained(&message.parent_file(), field.path(), field.full_name());
        }
        for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
            explained(&message.parent_file(), oneof.path(), oneof.full_name());
        }
    }
    for item in pool.all_enums().filter(|item| item.package_name().starts_with("klout.")) {
        explained(&item.parent_file(), item.path(), item.full_name());
        for value in item.values() {
            explained(&item.parent_file(), value.path(), value.full_name());
        }
    }
}

fn pool() -> DescriptorPool {
    DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("the descriptors that were just built")
}

fn files(pool: &DescriptorPool) -> Vec<FileDescriptor> {
    let files: Vec<_> =
        pool.files().filter(|file| file.package_name().starts_with("klout.")).collect();
    assert!(!files.is_empty(), "there are no contracts");
    files
}

fn messages(pool: &DescriptorPool) -> Vec<MessageDescriptor> {
    let ours = |it: &MessageDescriptor| it.package_name().starts_with("klout.");
    pool.all_messages().filter(|it| ours(it) && !it.is_map_entry()).collect()
}

fn services(pool: &DescriptorPool) -> Vec<ServiceDescriptor> {
    pool.services().filter(|it| it.package_name().starts_with("klout.")).collect()
}

fn methods(pool: &DescriptorPool) -> Vec<MethodDescriptor> {
    services(pool).iter().flat_map(|it| it.methods().collect::<Vec<_>>()).collect()
}

/// A comment stands before it or after it on its line.
fn explained(file: &FileDescriptor, path: &[i32], name: &str) {
    let info = file.file_descriptor_proto().source_code_info.as_ref().expect("source info");
    let comment =
        info.location.iter().find(|location| location.path == path).map(|location| {
            format!("{}{}", location.leading_comments(), location.trailing_comments())
        });
    assert!(comment.is_some_and(|it| !it.trim().is_empty()), "{name} has no comment");
}

fn is_pascal(name: &str) -> bool {
    name.starts_with(|it: char| it.is_ascii_uppercase())
        && name.chars().all(|it| it.is_ascii_alphanumeric())
}

fn is_snake(name: &str) -> bool {
    name.starts_with(|it: char| it.is_ascii_lowercase())
        && name.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_')
}

/// `TrueReach` as `TRUE_REACH`.
fn shouted(name: &str) -> String {
    let mut shouted = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !shouted.is_empty() {
            shouted.push('_');
        }
        shouted.push(letter.to_ascii_uppercase());
    }
    shouted
}
