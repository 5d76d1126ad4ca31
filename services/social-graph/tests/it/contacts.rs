//! Who somebody is, by what they are reached by.

use klout_proto::graph::v1::{
    AddContactsRequest, Contacts, LoyaltyNumber, RemoveContactsRequest, ResolvePersonRequest,
    ResolvePersonResponse,
};
use klout_testkit::{Stores, until};
use sha2::{Digest as _, Sha256};
use tonic::{Code, Status};

use crate::{
    topics::Known,
    world::{Client, Told, World, account, by_handle, by_native_id, join, told},
};

fn emails(emails: &[&str]) -> Contacts {
    Contacts { emails: emails.iter().map(|it| (*it).to_owned()).collect(), ..Default::default() }
}

fn sha(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn add(client: &mut Client, person: &str, contacts: Contacts) -> Result<i32, Status> {
    let request = AddContactsRequest { person: person.to_owned(), contacts: Some(contacts) };
    Ok(client.add_contacts(request).await?.into_inner().added)
}

async fn resolve(
    client: &mut Client,
    request: ResolvePersonRequest,
) -> Result<ResolvePersonResponse, Status> {
    Ok(client.resolve_person(request).await?.into_inner())
}

async fn by_contacts(
    client: &mut Client,
    contacts: Contacts,
) -> Result<ResolvePersonResponse, Status> {
    resolve(client, ResolvePersonRequest { contacts: Some(contacts), ..Default::default() }).await
}

fn everything() -> Contacts {
    Contacts {
        emails: vec!["Ann@Example.org".to_owned()],
        phones: vec!["+49 30 1234567".to_owned()],
        loyalty_numbers: vec![LoyaltyNumber {
            program: "Miles".to_owned(),
            number: "ab 123".to_owned(),
        }],
        ..Default::default()
    }
}

#[tokio::test]
async fn people_are_found_by_contacts_however_they_are_written() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann")]).await.person;
    assert_eq!(add(&mut client, &ann, everything()).await.expect("added"), 3);
    assert_eq!(add(&mut client, &ann, everything()).await.expect("again"), 0);

    let found = by_contacts(&mut client, emails(&[" ann@example.ORG "])).await.expect("found");
    assert_eq!((&found.person, &found.matched_on[..]), (&ann, &["email".to_owned()][..]));
    assert!((found.likelihood - 0.97).abs() < 1e-9);
    let phones = Contacts { phones: vec!["+49 (30) 123 45 67".to_owned()], ..Default::default() };
    assert_eq!(by_contacts(&mut client, phones).await.expect("found").person, ann);
    let all = by_contacts(&mut client, everything()).await.expect("found");
    assert_eq!(all.matched_on, ["email", "phone", "loyalty_number"]);
    assert!((all.likelihood - (1.0 - 0.03 * 0.05 * 0.01)).abs() < 1e-9);

    // Nothing that could be read off is kept.
    let kept: Vec<Vec<u8>> = sqlx::query_scalar("select contact_hash from social_graph.contact")
        .fetch_all(&world.stores.db().await)
        .await
        .expect("read");
    let bare: [u8; 32] = Sha256::digest("ann@example.org").into();
    assert!(kept.len() == 3 && kept.iter().all(|hash| hash.len() == 32 && hash[..] != bare));

    let contacts = Some(emails(&["ann@example.org", "bob@example.org"]));
    let request = RemoveContactsRequest { person: ann, contacts };
    assert_eq!(client.remove_contacts(request).await.expect("removed").into_inner().removed, 1);
    let refused = by_contacts(&mut client, emails(&["ann@example.org"])).await.expect_err("gone");
    assert_eq!(told(&refused), (Code::NotFound, "PERSON_UNKNOWN".to_owned()));
}

#[tokio::test]
async fn a_hash_finds_somebody_and_tells_nobody_who() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann")]).await.person;
    let bob = join(&mut client, vec![account("did:2", "bob")]).await.person;
    let hashes = |text: &str| Contacts { email_hashes: vec![sha(text)], ..Default::default() };
    assert_eq!(add(&mut client, &ann, hashes("ann@example.org")).await.expect("added"), 1);
    assert_eq!(add(&mut client, &ann, emails(&["ann@example.org"])).await.expect("the same"), 0);

    let found = by_contacts(&mut client, hashes("ann@example.org")).await.expect("somebody");
    assert_eq!(
        (found.person.as_str(), &found.matched_on[..]),
        ("", &["email_hash".to_owned()][..])
    );
    assert!((found.likelihood - 0.97).abs() < 1e-9);

    // Nor does it tell to which of those it belongs whom a caller names.
    for (handle, person) in [("ann", &ann), ("bob", &bob)] {
        let request = ResolvePersonRequest {
            accounts: vec![by_handle(handle)],
            contacts: Some(hashes("ann@example.org")),
            ..Default::default()
        };
        let found = resolve(&mut client, request).await.expect("by the handle");
        assert_eq!((&found.person, &found.matched_on[..]), (person, &["handle".to_owned()][..]));
        assert!((found.likelihood - 0.98).abs() < 1e-9);
    }
}

#[tokio::test]
async fn what_cannot_be_used_is_passed_over_as_long_as_something_can() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann")]).await.person;
    let bob = join(&mut client, vec![account("did:2", "bob")]).await.person;
    add(&mut client, &ann, emails(&["ann@example.org"])).await.expect("added");
    add(&mut client, &bob, emails(&["bob@example.org"])).await.expect("added");
    let ask = |accounts, contacts| ResolvePersonRequest {
        accounts,
        contacts: Some(contacts),
        ..Default::default()
    };
    let invalid = (Code::InvalidArgument, "FIELD_INVALID".to_owned());

    let some = ask(vec![by_handle("a\nnn"), by_handle("eve")], emails(&["no", "ann@example.org"]));
    assert_eq!(resolve(&mut client, some).await.expect("by what can be used").person, ann);
    let none = ask(vec![by_handle("a\nnn")], emails(&["no"]));
    assert_eq!(told(&resolve(&mut client, none).await.expect_err("nothing")), invalid);
    let nothing = ResolvePersonRequest::default();
    assert_eq!(told(&resolve(&mut client, nothing).await.expect_err("nothing")), invalid);
    let many = ask(vec![by_handle("ann"); 26], Contacts::default());
    assert_eq!(told(&resolve(&mut client, many).await.expect_err("too many")), invalid);
    let many = ask(vec![], emails(&["ann@example.org"; 26]));
    assert_eq!(told(&resolve(&mut client, many).await.expect_err("too many")), invalid);
    let wild = ResolvePersonRequest {
        account: Some(by_handle("ann")),
        min_likelihood: Some(f64::NAN),
        ..Default::default()
    };
    assert_eq!(told(&resolve(&mut client, wild).await.expect_err("no number")), invalid);

    let both = ask(vec![], emails(&["ann@example.org", "bob@example.org"]));
    let refused = resolve(&mut client, both).await.expect_err("which one");
    assert_eq!(told(&refused), (Code::FailedPrecondition, "PEOPLE_AMBIGUOUS".to_owned()));
    let likelier = ask(vec![by_native_id("did:1")], emails(&["bob@example.org"]));
    assert_eq!(resolve(&mut client, likelier).await.expect("the likelier").person, ann);
    let sure = ResolvePersonRequest {
        contacts: Some(emails(&["ann@example.org"])),
        min_likelihood: Some(0.98),
        ..Default::default()
    };
    let refused = resolve(&mut client, sure).await.expect_err("not so sure");
    assert_eq!(told(&refused), (Code::NotFound, "PERSON_UNKNOWN".to_owned()));
    // A person is who they are, whatever else is said.
    let person = ResolvePersonRequest {
        person: ann.clone(),
        accounts: vec![by_native_id("did:2")],
        ..Default::default()
    };
    let found = resolve(&mut client, person).await.expect("by the id");
    assert_eq!(
        (found.person, found.likelihood, found.matched_on),
        (ann, 1.0, vec!["person".to_owned()])
    );
}

#[tokio::test]
async fn a_contact_belongs_to_one_person_and_bad_ones_to_nobody() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![]).await.person;
    let bob = join(&mut client, vec![]).await.person;
    add(&mut client, &ann, emails(&["ann@example.org"])).await.expect("added");

    let both = emails(&["bob@example.org", "ann@example.org"]);
    let refused = add(&mut client, &bob, both).await.expect_err("hers");
    assert_eq!(told(&refused), (Code::AlreadyExists, "CONTACT_TAKEN".to_owned()));
    let refused = by_contacts(&mut client, emails(&["bob@example.org"])).await;
    assert!(refused.is_err(), "nothing half done");
    for contacts in [
        Contacts::default(),
        emails(&["ann"]),
        Contacts { phones: vec!["030 123".to_owned()], ..Default::default() },
        Contacts { email_hashes: vec!["abc".to_owned()], ..Default::default() },
        Contacts { loyalty_numbers: vec![LoyaltyNumber::default()], ..Default::default() },
    ] {
        let refused = add(&mut client, &ann, contacts).await.expect_err("refused");
        assert_eq!(told(&refused), (Code::InvalidArgument, "FIELD_INVALID".to_owned()));
    }
    let refused = add(&mut client, "7", emails(&["eve@example.org"])).await.expect_err("nobody");
    assert_eq!(told(&refused), (Code::NotFound, "PERSON_UNKNOWN".to_owned()));
}

#[tokio::test]
async fn a_key_that_is_added_hashes_again_what_is_there_and_everybody_is_still_found() {
    let stores = Stores::fresh().await;
    let world = World::start_on(stores.clone(), Told::default(), Told::default()).await;
    let mut client = world.client();
    let ann = join(&mut client, vec![]).await.person;
    add(&mut client, &ann, emails(&["ann@example.org"])).await.expect("added");
    world.running.stop().await.expect("stopped in order");

    let key = "a second key for contacts, which is long enough".replace(' ', "-");
    let flags = [("social_graph.contact_keys", key.as_str())];
    let (scoring, topics) = (Told::default(), Told::default());
    let world = World::start_with(stores.clone(), scoring, topics, Known::default(), &flags).await;
    let mut client = world.client();
    assert_eq!(add(&mut client, &ann, emails(&["ann@example.org"])).await.expect("known"), 0);
    let found = by_contacts(&mut client, emails(&["ann@example.org"])).await.expect("found");
    assert_eq!(found.person, ann);
    let db = stores.db().await;
    until("contacts are hashed by both keys", async || {
        let versions: Vec<i32> = sqlx::query_scalar("select key_version from social_graph.contact")
            .fetch_all(&db)
            .await
            .expect("read");
        versions == [2]
    })
    .await;
    let found = by_contacts(&mut client, emails(&["ann@example.org"])).await.expect("found");
    assert_eq!(found.person, ann);
    assert_eq!(add(&mut client, &ann, emails(&["anna@example.org"])).await.expect("added"), 1);
}

#[tokio::test]
async fn contacts_follow_a_merge() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![]).await.person;
    let anna = join(&mut client, vec![]).await.person;
    add(&mut client, &ann, emails(&["ann@example.org"])).await.expect("added");
    let request =
        klout_proto::graph::v1::MergePeopleRequest { person: ann, into_person: anna.clone() };
    client.merge_people(request).await.expect("merged");
    let found = by_contacts(&mut client, emails(&["ann@example.org"])).await.expect("found");
    assert_eq!(found.person, anna);
}
