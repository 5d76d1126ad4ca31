//! Joining, and linking accounts.

use klout_chassis::{Host, from_row};
use klout_proto::graph::v1::{
    BatchCreatePeopleRequest, BatchGetPeopleRequest, CreatePersonRequest, CreatePersonResponse,
    GetPersonRequest, LinkAccountRequest, LinkedAccount, create_person_result::Result as Row,
};
use klout_social_graph::SocialGraph;
use klout_testkit::{Stores, configuration};
use tonic::{Code, Status};

use crate::world::{Client, Told, World, account, create, join, names, told};

async fn link_account(
    client: &mut Client,
    person: &str,
    account: LinkedAccount,
) -> Result<Vec<LinkedAccount>, Status> {
    let request = LinkAccountRequest { person: person.to_owned(), account: Some(account) };
    let response = client.link_account(request).await?.into_inner();
    Ok(response.person.expect("a person").accounts)
}

async fn create_all(client: &mut Client, requests: Vec<CreatePersonRequest>) -> Vec<Row> {
    let response = client.batch_create_people(BatchCreatePeopleRequest { requests }).await;
    let results = response.expect("created").into_inner().results;
    results.into_iter().map(|row| row.result.expect("either")).collect()
}

fn created(row: &Row) -> &CreatePersonResponse {
    match row {
        Row::Created(created) => created,
        Row::Status(status) => panic!("not created: {status:?}"),
    }
}

fn request(native_id: &str) -> CreatePersonRequest {
    CreatePersonRequest { accounts: vec![account(native_id, "")], ..Default::default() }
}

#[tokio::test]
async fn a_person_owns_the_accounts_that_it_joined_with() {
    let world = World::start().await;
    let mut client = world.client();

    let ann = join(&mut client, vec![account("did:1", "ann"), account("did:2", "")]).await;

    assert_eq!(names(&ann.accounts), [account("did:1", "ann"), account("did:2", "did:2")]);
    assert!(ann.accounts.iter().all(|it| it.proof == "OPERATOR" && it.link_time.is_some()));
    let request = GetPersonRequest { person: ann.person.clone() };
    let found = client.get_person(request).await.expect("found").into_inner().person;
    assert_eq!(found, Some(ann));
}

#[tokio::test]
async fn joining_again_with_the_same_accounts_finds_the_same_person() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann"), account("did:2", "")]).await;

    let again =
        create(&mut client, vec![account("did:2", ""), account("did:1", "ann")]).await.expect("ok");

    assert_eq!((again.created, again.person), (false, Some(ann)));
}

#[tokio::test]
async fn an_account_of_somebody_with_other_accounts_is_refused() {
    let world = World::start().await;
    let mut client = world.client();
    join(&mut client, vec![account("did:1", "ann"), account("did:2", "")]).await;
    join(&mut client, vec![account("did:3", "bob")]).await;

    for accounts in [
        vec![account("did:1", "ann")],
        vec![account("did:3", "bob"), account("did:4", "")],
        vec![account("did:1", ""), account("did:2", ""), account("did:3", "")],
    ] {
        let refused = create(&mut client, accounts).await.expect_err("refused");
        assert_eq!(told(&refused), (Code::AlreadyExists, "ACCOUNT_LINKED".to_owned()));
    }
}

#[tokio::test]
async fn people_without_accounts_are_always_new() {
    let world = World::start().await;
    let mut client = world.client();

    let (ann, bob) = (join(&mut client, vec![]).await, join(&mut client, vec![]).await);

    assert_ne!(ann.person, bob.person);
}

#[tokio::test]
async fn many_who_join_with_one_account_at_once_are_one_person() {
    let world = World::start().await;
    let joining = (0..16).map(|_| {
        let mut client = world.client();
        async move { create(&mut client, vec![account("did:1", "ann")]).await.expect("created") }
    });

    let joined = futures::future::join_all(joining).await;

    assert_eq!(joined.iter().filter(|response| response.created).count(), 1);
    assert!(joined.iter().all(|response| response.person == joined[0].person));
}

#[tokio::test]
async fn a_batch_answers_row_by_row() {
    let world = World::start().await;
    let mut client = world.client();
    join(&mut client, vec![account("did:1", "ann"), account("did:2", "")]).await;

    let network = LinkedAccount { network: "Blue Sky".to_owned(), ..account("did:5", "") };
    let rows = create_all(
        &mut client,
        vec![
            request("did:3"),
            CreatePersonRequest { accounts: vec![network], ..Default::default() },
            request("did:1"),
            request("did:3"),
            CreatePersonRequest::default(),
        ],
    )
    .await;

    assert!(created(&rows[0]).created);
    assert_eq!(created(&rows[3]).person, created(&rows[0]).person);
    assert!(!created(&rows[3]).created, "the row before made it");
    assert!(created(&rows[4]).created);
    let refused: Vec<_> = rows
        .iter()
        .filter_map(|row| match row {
            Row::Status(status) => Some(told(&from_row(status)).1),
            Row::Created(_) => None,
        })
        .collect();
    assert_eq!(refused, ["FIELD_INVALID", "ACCOUNT_LINKED"]);
}

#[tokio::test]
async fn a_thousand_people_join_at_once_and_not_one_more() {
    let world = World::start().await;
    let mut client = world.client();
    let requests: Vec<_> = (0..1_000).map(|id| request(&format!("did:{id}"))).collect();

    let rows = create_all(&mut client, requests.clone()).await;
    assert!(rows.iter().all(|row| created(row).created));
    let again = create_all(&mut client, requests.clone()).await;
    assert!(again.iter().all(|row| !created(row).created));

    let requests = [requests, vec![request("one more")]].concat();
    let refused = client.batch_create_people(BatchCreatePeopleRequest { requests }).await;
    let refused = refused.expect_err("too many");
    assert_eq!(told(&refused), (Code::InvalidArgument, "REQUESTS_TOO_MANY".to_owned()));
}

#[tokio::test]
async fn what_cannot_be_an_account_or_a_person_is_refused_with_its_field() {
    let world = World::start().await;
    let mut client = world.client();
    let long = "x".repeat(300);

    let accounts = vec![account("did:1", ""), account(&long, "")];
    let refused = create(&mut client, accounts).await.expect_err("too long");
    assert_eq!(told(&refused), (Code::InvalidArgument, "FIELD_INVALID".to_owned()));
    assert!(refused.message().contains("accounts[1].native_id"), "{}", refused.message());

    let accounts = (0..101).map(|id| account(&format!("did:{id}"), "")).collect();
    let refused = create(&mut client, accounts).await.expect_err("too many");
    assert_eq!(told(&refused), (Code::InvalidArgument, "FIELD_INVALID".to_owned()));

    let request = GetPersonRequest { person: "ann".to_owned() };
    let refused = client.get_person(request).await.expect_err("no number");
    assert_eq!(told(&refused), (Code::InvalidArgument, "FIELD_INVALID".to_owned()));

    let request = GetPersonRequest { person: "7".to_owned() };
    let refused = client.get_person(request).await.expect_err("nobody");
    assert_eq!(told(&refused), (Code::NotFound, "PERSON_UNKNOWN".to_owned()));
}

#[tokio::test]
async fn an_account_is_linked_to_one_person_and_linking_again_renews_its_handle() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![]).await.person;
    let bob = join(&mut client, vec![]).await.person;

    let linked = link_account(&mut client, &ann, account("did:1", "ann")).await.expect("linked");
    assert_eq!(names(&linked), [account("did:1", "ann")]);
    let linked = link_account(&mut client, &ann, account("did:1", "anna")).await.expect("linked");
    assert_eq!(names(&linked), [account("did:1", "anna")]);

    let refused = link_account(&mut client, &bob, account("did:1", "")).await.expect_err("taken");
    assert_eq!(told(&refused), (Code::AlreadyExists, "ACCOUNT_LINKED".to_owned()));
    let refused = link_account(&mut client, "7", account("did:2", "")).await.expect_err("nobody");
    assert_eq!(told(&refused), (Code::NotFound, "PERSON_UNKNOWN".to_owned()));
    let linked = link_account(&mut client, &bob, account("did:2", "")).await.expect("still free");
    assert_eq!(names(&linked), [account("did:2", "did:2")]);
}

#[tokio::test]
async fn of_many_people_those_who_exist_are_returned() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann")]).await;
    let bob = join(&mut client, vec![]).await;

    let people = vec![bob.person.clone(), "7".to_owned(), ann.person.clone()];
    let response = client.batch_get_people(BatchGetPeopleRequest { people }).await.expect("found");

    let mut found = response.into_inner().people;
    found.sort_by_key(|person| person.accounts.len());
    assert_eq!(found, [bob, ann]);
}

#[tokio::test]
async fn a_database_of_another_account_key_is_refused() {
    let stores = Stores::fresh().await;
    let world = World::start_on(stores.clone(), Told::default(), Told::default()).await;
    world.running.stop().await.expect("stopped in order");

    let host = Host::new("test").with::<SocialGraph>();
    let key = "ab".repeat(32);
    let configuration = configuration(&host, &stores, &[("server.account_key", &key)]);
    let refused = host.start(&configuration).await.expect_err("another key");

    assert!(klout_chassis::Chain(&refused).to_string().contains("account_key"), "{refused}");
}
