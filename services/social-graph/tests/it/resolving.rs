//! Who owns an account.

use klout_chassis::from_row;
use klout_proto::graph::v1::{
    AccountName, BatchResolvePeopleRequest, LinkedAccount, ResolvePersonRequest,
    resolve_result::Result as Row,
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::world::{Client, World, account, by_handle, by_native_id, join, told};

async fn resolve(client: &mut Client, account: AccountName) -> Result<String, Status> {
    let request = ResolvePersonRequest { account: Some(account), ..Default::default() };
    Ok(client.resolve_person(request).await?.into_inner().person)
}

#[tokio::test]
async fn a_person_is_found_by_native_id_and_by_handle_letter_for_letter() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann.example")]).await.person;

    assert_eq!(resolve(&mut client, by_native_id("did:1")).await.expect("found"), ann);
    assert_eq!(resolve(&mut client, by_handle("ann.example")).await.expect("found"), ann);
    for stranger in [by_handle("ann-example"), by_handle("did:1"), by_native_id("ann.example")] {
        let refused = resolve(&mut client, stranger).await.expect_err("nobody");
        assert_eq!(told(&refused), (Code::NotFound, "PERSON_UNKNOWN".to_owned()));
    }
}

#[tokio::test]
async fn capitals_of_a_handle_make_a_difference_where_the_network_makes_one() {
    let world = World::start().await;
    let mut client = world.client();
    let on = |network: &str, account| AccountName { network: network.to_owned(), ..account };
    let mut joined = Vec::new();
    for (network, id, handle) in
        [("twitter", "1", "AnnB"), ("wikipedia", "2", "AnnB"), ("wikipedia", "3", "Annb")]
    {
        let account = LinkedAccount { network: network.to_owned(), ..account(id, handle) };
        joined.push(join(&mut client, vec![account]).await.person);
    }

    for handle in ["AnnB", "annb", "ANNB"] {
        let found = resolve(&mut client, on("twitter", by_handle(handle))).await;
        assert_eq!(found.expect("found"), joined[0], "{handle}");
    }
    for (handle, person) in [("AnnB", &joined[1]), ("Annb", &joined[2])] {
        let found = resolve(&mut client, on("wikipedia", by_handle(handle))).await;
        assert_eq!(&found.expect("found"), person);
    }
    let nobody = resolve(&mut client, on("wikipedia", by_handle("annb"))).await;
    assert_eq!(told(&nobody.expect_err("nobody")).1, "PERSON_UNKNOWN");

    // Who told us of two where the network has one is believed, and asked which one is meant.
    for (id, handle) in [("4", "AnnB"), ("5", "annb")] {
        let account = LinkedAccount { network: "x".to_owned(), ..account(id, handle) };
        let person = join(&mut client, vec![account]).await.person;
        let found = resolve(&mut client, on("x", by_handle(handle))).await;
        assert_eq!(found.expect("found"), person);
    }
    let several = resolve(&mut client, on("x", by_handle("ANNB"))).await;
    assert_eq!(told(&several.expect_err("which one")).1, "HANDLE_AMBIGUOUS");

    let accounts = ["annB", "ANNB"].map(|handle| on("twitter", by_handle(handle))).to_vec();
    let rows = client.batch_resolve_people(BatchResolvePeopleRequest { accounts }).await;
    let rows = rows.expect("resolved").into_inner().results;
    assert!(rows.into_iter().all(|row| row.result == Some(Row::Person(joined[0].clone()))));
}

#[tokio::test]
async fn a_handle_of_two_people_is_ambiguous_and_of_one_is_not() {
    let world = World::start().await;
    let mut client = world.client();
    let network = || "stackexchange".to_owned();
    let account = |id, handle| LinkedAccount { network: network(), ..account(id, handle) };
    let by_handle = |handle| AccountName { network: network(), ..by_handle(handle) };
    let ann = join(&mut client, vec![account("did:1", "ann"), account("did:2", "ann")]).await;
    assert_eq!(resolve(&mut client, by_handle("ann")).await.expect("found"), ann.person);

    join(&mut client, vec![account("did:3", "ann")]).await;

    let refused = resolve(&mut client, by_handle("ann")).await.expect_err("which one");
    assert_eq!(told(&refused), (Code::FailedPrecondition, "HANDLE_AMBIGUOUS".to_owned()));
    let metadata = refused.get_details_error_info().expect("details").metadata;
    assert_eq!(metadata["native_ids"], "did:1 did:2 did:3");
}

#[tokio::test]
async fn a_batch_is_resolved_in_order_with_a_status_for_each_that_nobody_owns() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann")]).await.person;
    let bob = join(&mut client, vec![account("did:2", "bob")]).await.person;

    let nameless = AccountName { network: "bluesky".to_owned(), name: None };
    let accounts =
        vec![by_handle("bob"), by_handle("eve"), nameless, by_native_id("did:1"), by_handle("bob")];
    let response = client.batch_resolve_people(BatchResolvePeopleRequest { accounts }).await;

    let rows: Vec<_> = response
        .expect("resolved")
        .into_inner()
        .results
        .into_iter()
        .map(|row| match row.result.expect("either") {
            Row::Person(person) => person,
            Row::Status(status) => told(&from_row(&status)).1,
        })
        .collect();
    let reasons = ["PERSON_UNKNOWN".to_owned(), "FIELD_INVALID".to_owned()];
    assert_eq!(rows, [bob.clone(), reasons[0].clone(), reasons[1].clone(), ann, bob]);
}

#[tokio::test]
async fn more_than_a_thousand_accounts_at_once_are_refused() {
    let world = World::start().await;
    let accounts = vec![by_handle("ann"); 1_001];

    let refused = world.client().batch_resolve_people(BatchResolvePeopleRequest { accounts }).await;

    let refused = refused.expect_err("too many");
    assert_eq!(told(&refused), (Code::InvalidArgument, "REQUESTS_TOO_MANY".to_owned()));
}
