//! What people call a person. Pure.

use klout_proto::graph::v1::{LinkedAccount, Person};

/// One name: a handle, and where it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) handle: String,
    /// Empty when the name is a stand-in.
    pub(crate) network: String,
}

/// All names of a person; the first stands for the person.
pub(crate) fn names(person: &Person) -> Vec<Name> {
    let mut names: Vec<_> = person.accounts.iter().map(name).collect();
    if names.is_empty() {
        let handle = format!("Person {}", person.person);
        names.push(Name { handle, network: String::new() });
    }
    names
}

fn name(account: &LinkedAccount) -> Name {
    let handle =
        if account.handle.trim().is_empty() { &account.native_id } else { &account.handle };
    Name { handle: handle.clone(), network: account.network.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(native_id: &str, handle: &str) -> LinkedAccount {
        let network = "bluesky".to_owned();
        LinkedAccount {
            network,
            native_id: native_id.to_owned(),
            handle: handle.to_owned(),
            ..Default::default()
        }
    }

    #[test]
    fn a_person_is_called_by_handles_then_native_ids_then_by_number() {
        let mut person = Person { person: "42".to_owned(), ..Person::default() };
        assert_eq!(names(&person)[0].handle, "Person 42");
        person.accounts = vec![account("did:1", "ann"), account("did:2", " ")];
        let handles: Vec<_> = names(&person).into_iter().map(|name| name.handle).collect();
        assert_eq!(handles, ["ann", "did:2"]);
    }
}
