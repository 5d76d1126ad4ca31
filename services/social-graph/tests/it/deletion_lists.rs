//! Lists of hashed contacts whose owners want to be deleted.

use futures::stream;
use klout_proto::graph::v1::{
    AddContactsRequest, Contacts, GetPersonRequest, ImportDeletionListRequest,
    ImportDeletionListResponse, ResolvePersonRequest,
};
use sha2::{Digest as _, Sha256};
use tonic::{Code, Status};

use crate::world::{Client, World, account, join, told};

fn emails(email: &str) -> Contacts {
    Contacts { emails: vec![email.to_owned()], ..Default::default() }
}

async fn add(client: &mut Client, person: &str, email: &str) -> Result<i32, Status> {
    let request = AddContactsRequest { person: person.to_owned(), contacts: Some(emails(email)) };
    Ok(client.add_contacts(request).await?.into_inner().added)
}

fn message(hashes: Vec<Vec<u8>>) -> ImportDeletionListRequest {
    ImportDeletionListRequest { hashes, kind: "email".to_owned() }
}

fn hash(email: &str) -> Vec<u8> {
    Sha256::digest(email.as_bytes()).to_vec()
}

async fn import(
    client: &mut Client,
    messages: Vec<ImportDeletionListRequest>,
) -> Result<ImportDeletionListResponse, Status> {
    Ok(client.import_deletion_list(stream::iter(messages)).await?.into_inner())
}

#[tokio::test]
async fn who_has_a_contact_of_a_list_is_erased_and_nobody_has_it_again() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann")]).await.person;
    let bob = join(&mut client, vec![account("did:2", "bob")]).await.person;
    add(&mut client, &ann, "ann@example.org").await.expect("added");
    add(&mut client, &bob, "bob@example.org").await.expect("added");
    let others = (0..1_000).map(|number| hash(&number.to_string())).collect();
    let list = vec![message(vec![hash("ann@example.org"), vec![7; 31]]), message(others)];

    let imported = import(&mut client, list).await.expect("imported");

    let counts =
        |it: &ImportDeletionListResponse| [it.received, it.repeated, it.rejected, it.erased];
    assert_eq!(counts(&imported), [1_002, 0, 1, 1]);
    for (name, peer) in world.peers.all() {
        assert_eq!(peer.newest(&ann).expect(name).state, "ERASED", "{name}");
    }
    let there = async |person: &str| {
        let request = GetPersonRequest { person: person.to_owned() };
        world.client().get_person(request).await.is_ok()
    };
    assert!(!there(&ann).await && there(&bob).await);
    let resolve =
        ResolvePersonRequest { contacts: Some(emails("ann@example.org")), ..Default::default() };
    assert_eq!(client.resolve_person(resolve).await.expect_err("nobody").code(), Code::NotFound);
    let refused = add(&mut client, &bob, "ann@example.org").await.expect_err("on a list");
    assert_eq!(told(&refused).1, "CONTACT_SUPPRESSED");
}

#[tokio::test]
async fn a_list_that_is_sent_again_changes_nothing_and_one_that_cannot_be_is_refused() {
    let world = World::start().await;
    let mut client = world.client();
    let list = || vec![message(vec![hash("ann@example.org"), hash("bob@example.org")])];
    import(&mut client, list()).await.expect("imported");
    let again = import(&mut client, list()).await.expect("imported again");
    assert_eq!([again.received, again.repeated, again.erased], [2, 2, 0]);
    let none = import(&mut client, Vec::new()).await.expect("an empty list");
    assert_eq!(none, ImportDeletionListResponse::default());
    for wrong in [
        message(vec![vec![1; 32]; 1_001]),
        ImportDeletionListRequest { kind: "fax".to_owned(), ..message(vec![]) },
    ] {
        let refused = import(&mut client, vec![wrong]).await.expect_err("refused");
        assert_eq!(told(&refused), (Code::InvalidArgument, "FIELD_INVALID".to_owned()));
    }
}
