//! Who many customers are, hashes included.

use klout_proto::graph::v1::{
    AddContactsRequest, BatchIdentifyPeopleRequest, Contacts, IdentifyResult, LinkedAccount,
    ListLookupsRequest, ResolvePersonRequest,
    identify_result::Result::{Person, Status},
};
use klout_testkit::until;
use sha2::{Digest as _, Sha256};
use tonic::Code;

use crate::{
    lookups::{client_for, withhold},
    world::{Client, World, account, by_handle, join, told},
};

fn sha(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn by_email(email: &str) -> ResolvePersonRequest {
    let contacts = Contacts { emails: vec![email.to_owned()], ..Default::default() };
    ResolvePersonRequest { contacts: Some(contacts), ..Default::default() }
}

fn by_hash(email: &str) -> ResolvePersonRequest {
    let contacts = Contacts { email_hashes: vec![sha(email)], ..Default::default() };
    ResolvePersonRequest { contacts: Some(contacts), ..Default::default() }
}

fn by_person(person: &str) -> ResolvePersonRequest {
    ResolvePersonRequest { person: person.to_owned(), ..Default::default() }
}

/// Somebody with an account and an e-mail address of that name.
async fn member(client: &mut Client, name: &str) -> String {
    let person = join(client, vec![account(&format!("did:{name}"), name)]).await.person;
    let contacts = by_email(&format!("{name}@example.org")).contacts;
    let request = AddContactsRequest { person: person.clone(), contacts };
    client.add_contacts(request).await.expect("added");
    person
}

async fn ask(client: &mut Client, customers: Vec<ResolvePersonRequest>) -> Vec<IdentifyResult> {
    let request = BatchIdentifyPeopleRequest { customers, ..Default::default() };
    client.batch_identify_people(request).await.expect("answered").into_inner().results
}

/// The person, and whether nothing but hashes named them; or why there is none.
fn row(result: &IdentifyResult) -> Result<(String, bool), (Code, String)> {
    match result.result.as_ref().expect("either is there") {
        Person(it) => Ok((it.person_id.to_string(), it.by_hashes_alone)),
        Status(status) => Err(told(&klout_chassis::from_row(status))),
    }
}

#[tokio::test]
async fn each_of_many_customers_is_told_apart_by_what_is_known_of_them() {
    let world = World::start().await;
    let mut client = world.client();
    let (ann, bob) = (member(&mut client, "ann").await, member(&mut client, "bob").await);
    let both = Contacts {
        emails: vec!["ann@example.org".to_owned(), "bob@example.org".to_owned()],
        ..Default::default()
    };
    let customers = vec![
        by_email("ann@example.org"),
        by_hash("ann@example.org"),
        by_email("nobody@example.org"),
        by_email("no address"),
        ResolvePersonRequest { accounts: vec![by_handle("bob")], ..by_hash("ann@example.org") },
        ResolvePersonRequest { contacts: Some(both), ..Default::default() },
        ResolvePersonRequest { min_likelihood: Some(0.98), ..by_email("ann@example.org") },
        ResolvePersonRequest { min_likelihood: Some(2.0), ..by_email("ann@example.org") },
        by_person(&bob),
        by_person("7"),
    ];

    let results = ask(&mut client, customers).await;

    let unknown = Err((Code::NotFound, "PERSON_UNKNOWN".to_owned()));
    let invalid = Err((Code::InvalidArgument, "FIELD_INVALID".to_owned()));
    assert_eq!(
        results.iter().map(row).collect::<Vec<_>>(),
        [
            Ok((ann.clone(), false)),
            Ok((ann, true)),
            unknown.clone(),
            invalid.clone(),
            Ok((bob.clone(), false)),
            Err((Code::FailedPrecondition, "PEOPLE_AMBIGUOUS".to_owned())),
            unknown.clone(),
            invalid,
            Ok((bob, false)),
            unknown,
        ]
    );
    let Some(Person(first)) = &results[0].result else { panic!("ann") };
    assert_eq!(first.matched_on, ["email"]);
    assert!((first.likelihood - 0.97).abs() < 1e-9);
    let many =
        BatchIdentifyPeopleRequest { customers: vec![by_person("7"); 1_001], ..Default::default() };
    let refused = client.batch_identify_people(many).await.expect_err("too many");
    assert_eq!(told(&refused), (Code::InvalidArgument, "REQUESTS_TOO_MANY".to_owned()));
}

#[tokio::test]
async fn hashes_that_were_made_of_what_was_given_in_the_clear_count_as_that() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = member(&mut client, "ann").await;
    let both =
        || ResolvePersonRequest { accounts: vec![by_handle("ann")], ..by_hash("ann@example.org") };
    let customers = vec![by_hash("ann@example.org"), by_hash("ann@example.org"), both(), both()];
    let request = BatchIdentifyPeopleRequest { customers, clear: vec![1, 3] };
    let answered = client.batch_identify_people(request).await.expect("answered").into_inner();
    let found: Vec<_> = answered.results.iter().map(|it| row(it).expect("ann")).collect();
    let by = |hash: bool| (ann.clone(), hash);
    assert_eq!(found, [by(true), by(false), by(false), by(false)]);
    let matched = answered.results.into_iter().map(|it| match it.result {
        Some(Person(it)) => it.matched_on,
        _ => panic!("ann"),
    });
    let matched: Vec<_> = matched.collect();
    assert_eq!(matched[..2], [["email_hash"], ["email"]]);
    assert_eq!(
        (matched[2].len(), matched[3].len()),
        (1, 2),
        "an address beside a handle says more"
    );
}

#[tokio::test]
async fn who_is_hidden_from_the_one_for_whom_it_is_asked_is_nobody_and_others_are_noted() {
    let world = World::start().await;
    let mut client = world.client();
    let (ann, bob) = (member(&mut client, "ann").await, member(&mut client, "bob").await);
    withhold(&world, &ann, "crm").await;
    let by_all = |name: &str, person: &str| {
        let email = format!("{name}@example.org");
        let accounts = vec![by_handle(name)];
        let by_account = ResolvePersonRequest { accounts, ..Default::default() };
        vec![by_email(&email), by_hash(&email), by_account, by_person(person)]
    };
    let mut customer = client_for(&world, "acme", "customer care");

    let hidden = ask(&mut customer, by_all("ann", &ann)).await;
    let nobody = ask(&mut customer, by_all("eve", "7")).await;
    let shown = ask(&mut customer, by_all("bob", &bob)).await;

    let with_other_names = |results: &[IdentifyResult]| {
        format!("{results:?}").replace("ann", "eve").replace(&ann, "7")
    };
    assert_eq!(
        hidden.iter().map(row).collect::<Vec<_>>(),
        nobody.iter().map(row).collect::<Vec<_>>()
    );
    assert_eq!(with_other_names(&hidden[..2]), with_other_names(&nobody[..2]));
    assert!(shown.iter().map(row).all(|row| row.is_ok_and(|(person, _)| person == bob)));
    let others = ask(&mut client_for(&world, "lab", "research"), by_all("ann", &ann)).await;
    assert!(others.iter().map(row).all(|row| row.is_ok_and(|(person, _)| person == ann)));

    let lookups = async |person: &str| {
        let request = ListLookupsRequest { person: person.to_owned(), ..Default::default() };
        let listed = world.client().list_lookups(request).await.expect("listed").into_inner();
        listed.lookups.into_iter().map(|it| (it.caller, it.what, it.count)).collect::<Vec<_>>()
    };
    until("look-ups are in the log", async || {
        lookups(&bob).await == [("acme".to_owned(), "identity".to_owned(), 4)]
            && lookups(&ann).await == [("lab".to_owned(), "identity".to_owned(), 4)]
    })
    .await;
}

#[tokio::test]
async fn a_network_that_is_withheld_leads_to_nobody_in_a_batch_either() {
    let world = World::start().await;
    let mut client = world.client();
    let other = LinkedAccount { network: "github".to_owned(), ..account("7", "ann-codes") };
    join(&mut client, vec![account("did:1", "ann"), other]).await;
    sqlx::query("update social_graph.person set withheld_networks = '{bluesky}'")
        .execute(&world.stores.db().await)
        .await
        .expect("withheld");
    let by_account =
        ResolvePersonRequest { accounts: vec![by_handle("ann")], ..Default::default() };
    let results = ask(&mut client_for(&world, "acme", "crm"), vec![by_account]).await;
    assert_eq!(row(&results[0]), Err((Code::NotFound, "PERSON_UNKNOWN".to_owned())));
}
