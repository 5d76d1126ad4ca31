//! Who looked, and who is there for whom.

use klout_chassis::{Caller, Clock, reason};
use klout_proto::{
    convert::timestamp,
    graph::v1::{
        AccountName, BatchGetPeopleRequest, BatchResolvePeopleRequest, CallerLookups,
        GetPersonRequest, LinkedAccount, ListHandlesRequest, ListLookupsRequest,
        ListLookupsResponse, RecordLookupsRequest, ResolvePersonRequest, StartLinkRequest,
        UpdatePersonRequest, graph_service_client::GraphServiceClient, resolve_result,
    },
};
use klout_testkit::{link, until};
use time::Duration;
use tonic::Code;

use crate::world::{Client, World, account, by_handle, by_native_id, join, told};

/// A client that calls for somebody.
pub(crate) fn client_for(world: &World, name: &str, purpose: &str) -> Client {
    let caller = Caller::new(name, purpose).expect("a caller");
    GraphServiceClient::new(link(&world.running).on_behalf_of(&caller))
}

fn row(person: &str, caller: &str, day: i64, count: u64) -> CallerLookups {
    let time = Some(timestamp(Clock::running().now() - Duration::days(day)));
    CallerLookups {
        caller: caller.to_owned(),
        purpose: "crm".to_owned(),
        what: "score".to_owned(),
        first_time: time,
        last_time: time,
        person_ids: vec![person.parse().expect("a person")],
        counts: vec![count],
    }
}

async fn list(client: &mut Client, person: &str, size: i32, token: &str) -> ListLookupsResponse {
    let (person, page_token) = (person.to_owned(), token.to_owned());
    let request = ListLookupsRequest { person, page_size: size, page_token };
    client.list_lookups(request).await.expect("listed").into_inner()
}

pub(crate) async fn withhold(world: &World, person: &str, purpose: &str) {
    sqlx::query(
        "update social_graph.person set withheld_purposes = array[$1] where person_id = $2",
    )
    .bind(purpose)
    .bind(person.parse::<i64>().expect("a person"))
    .execute(&world.stores.db().await)
    .await
    .expect("withheld");
}

#[tokio::test]
async fn who_asks_what_somebody_was_called_is_in_the_log() {
    let world = World::start().await;
    let ann = join(&mut world.client(), vec![account("ann", "ann")]).await.person;
    let request = ListHandlesRequest { person: ann.clone(), ..Default::default() };
    let mut client = client_for(&world, "acme", "crm");
    client.list_handles(request).await.expect("listed");
    until("the look-up is in the log", async || {
        let listed = list(&mut world.client(), &ann, 0, "").await.lookups;
        listed.iter().any(|it| (it.caller.as_str(), it.what.as_str()) == ("acme", "profile"))
    })
    .await;
}

#[tokio::test]
async fn what_links_say_names_no_page_that_is_withheld() {
    let world = World::start().await;
    let home = LinkedAccount { network: "web".to_owned(), ..account("https://ann.example", "") };
    let ann = join(&mut world.client(), vec![home]).await.person;
    let request = || StartLinkRequest {
        person: ann.clone(),
        account: Some(LinkedAccount {
            network: "web".to_owned(),
            ..account("https://two.example", "")
        }),
        method: "REL_ME".to_owned(),
    };
    let mut customer = client_for(&world, "acme", "crm");
    let told_before = customer.start_link(request()).await.expect("started").into_inner();
    assert!(told_before.instructions.contains("https://ann.example/"));
    sqlx::query("update social_graph.person set withheld_networks = '{web}'")
        .execute(&world.stores.db().await)
        .await
        .expect("withheld");
    let refused = customer.start_link(request()).await.expect_err("as if there were none");
    assert_eq!(told(&refused), (Code::InvalidArgument, "FIELD_INVALID".to_owned()));
    assert!(!refused.message().contains("ann.example"));
    world.client().start_link(request()).await.expect("we see everybody");
}

#[tokio::test]
async fn look_ups_of_a_day_add_up_and_are_listed_newest_day_first() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("ann", "ann")]).await.person;
    let lookups = vec![
        row(&ann, "acme", 2, 1),
        row(&ann, "acme", 0, 2),
        row(&ann, "acme", 0, 3),
        row(&ann, "zoo", 1, 7),
        // There is nobody of that number.
        row("4611686018427387904", "acme", 0, 1),
    ];
    for _ in 0..2 {
        let request = RecordLookupsRequest { lookups: lookups.clone() };
        client.record_lookups(request).await.expect("recorded");
    }

    let mut rows = Vec::new();
    let mut token = String::new();
    loop {
        let page = list(&mut client, &ann, 1, &token).await;
        rows.extend(page.lookups.into_iter().map(|it| (it.caller, it.count)));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    let told: Vec<_> = rows.iter().map(|(caller, count)| (caller.as_str(), *count)).collect();
    assert_eq!(told, [("acme", 10), ("zoo", 14), ("acme", 2)]);
}

#[tokio::test]
async fn whoever_asks_for_a_person_is_written_down_with_why() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("ann", "ann")]).await.person;
    let mut crm = client_for(&world, "acme", "customer care");
    let mut operator = client_for(&world, "root", "operator");

    let get = GetPersonRequest { person: ann.clone() };
    crm.get_person(get.clone()).await.expect("there");
    operator.get_person(get.clone()).await.expect("there");
    // Our own services look for somebody else.
    client.get_person(get).await.expect("there");
    let account = Some(by_handle("ann"));
    let resolve = ResolvePersonRequest { account, ..Default::default() };
    crm.resolve_person(resolve).await.expect("there");

    let mut told = Vec::new();
    until("they are written down", async || {
        let rows = list(&mut world.client(), &ann, 0, "").await.lookups;
        told = rows.into_iter().map(|it| (it.caller, it.purpose, it.what, it.count)).collect();
        told.len() >= 3
    })
    .await;
    let row = |caller: &str, purpose: &str, what: &str| {
        (caller.to_owned(), purpose.to_owned(), what.to_owned(), 1)
    };
    told.sort();
    assert_eq!(
        told,
        [
            row("acme", "customer care", "identity"),
            row("acme", "customer care", "profile"),
            row("root", "operator", "profile"),
        ]
    );
}

#[tokio::test]
async fn a_change_of_nothing_is_a_look_at_the_profile_and_stands_in_the_log() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("ann", "ann")]).await.person;
    let nothing = UpdatePersonRequest { person: ann.clone(), ..Default::default() };
    // Our own services look for somebody else.
    client.update_person(nothing.clone()).await.expect("updated");
    let mut crm = client_for(&world, "acme", "crm");
    let told = crm.update_person(nothing).await.expect("updated").into_inner().person;
    assert_eq!(told.expect("ann").accounts.len(), 1, "the whole profile");

    let mut rows = Vec::new();
    until("it is written down", async || {
        let listed = list(&mut world.client(), &ann, 0, "").await.lookups;
        rows = listed.into_iter().map(|it| (it.caller, it.what, it.count)).collect();
        !rows.is_empty()
    })
    .await;
    assert_eq!(rows, [("acme".to_owned(), "profile".to_owned(), 1)]);
}

#[tokio::test]
async fn who_withholds_a_purpose_is_nobody_to_those_who_ask_for_it() {
    let world = World::start().await;
    let mut client = world.client();
    let namesake = |native_id: &str| LinkedAccount {
        network: "stackexchange".to_owned(),
        ..account(native_id, "ann")
    };
    let ann = join(&mut client, vec![namesake("1"), account("ann", "ann")]).await.person;
    let bob = join(&mut client, vec![namesake("2")]).await.person;
    withhold(&world, &ann, "research").await;
    let mut lab = client_for(&world, "lab", "research");
    let mut crm = client_for(&world, "acme", "crm");
    let mut operator = client_for(&world, "root", "operator");

    let get = GetPersonRequest { person: ann.clone() };
    let refused = lab.get_person(get.clone()).await.expect_err("withheld");
    assert_eq!(
        (refused.code(), reason(&refused).as_deref()),
        (Code::NotFound, Some("PERSON_UNKNOWN"))
    );
    crm.get_person(get.clone()).await.expect("only research is withheld");
    operator.get_person(get).await.expect("operators see every member");
    let both = BatchGetPeopleRequest { people: vec![ann.clone(), bob.clone()] };
    let found = lab.batch_get_people(both).await.expect("answered").into_inner().people;
    assert_eq!(found.iter().map(|it| it.person.as_str()).collect::<Vec<_>>(), [bob.as_str()]);

    // Of two people of one name, one is nobody: the name is not ambiguous, and does not tell of the other.
    let account = AccountName { network: "stackexchange".to_owned(), ..by_handle("ann") };
    let resolve = ResolvePersonRequest { account: Some(account.clone()), ..Default::default() };
    let resolved = lab.resolve_person(resolve.clone()).await.expect("bob").into_inner();
    assert_eq!(resolved.person, bob);
    let refused = crm.resolve_person(resolve).await.expect_err("ambiguous");
    assert_eq!(reason(&refused).as_deref(), Some("HANDLE_AMBIGUOUS"));
    let batch = BatchResolvePeopleRequest { accounts: vec![account] };
    let results = lab.batch_resolve_people(batch).await.expect("answered").into_inner().results;
    assert_eq!(results[0].result, Some(resolve_result::Result::Person(bob)));
    let account = Some(by_native_id("ann"));
    let resolve = ResolvePersonRequest { account, ..Default::default() };
    let refused = lab.resolve_person(resolve.clone()).await.expect_err("withheld");
    assert_eq!(reason(&refused).as_deref(), Some("PERSON_UNKNOWN"));
    assert!(!format!("{refused:?}").contains(&ann), "not even the number: {refused:?}");
    crm.resolve_person(resolve).await.expect("ann");
    let asked = ListLookupsRequest { person: ann, ..Default::default() };
    let refused = lab.list_lookups(asked).await.expect_err("withheld");
    assert_eq!(reason(&refused).as_deref(), Some("PERSON_UNKNOWN"));
}

#[tokio::test]
async fn look_ups_that_cannot_be_are_refused_as_a_whole() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("ann", "ann")]).await.person;
    let good = row(&ann, "acme", 0, 1);
    let of_nobody = CallerLookups { person_ids: vec![0], ..good.clone() };
    let never = row(&ann, "acme", 0, 0);
    let uneven = CallerLookups { counts: vec![1, 1], ..good.clone() };
    let untold = CallerLookups { what: String::new(), ..good.clone() };
    let timeless = CallerLookups { last_time: None, ..good.clone() };
    for bad in [of_nobody, never, uneven, untold, timeless] {
        let request = RecordLookupsRequest { lookups: vec![good.clone(), bad] };
        let refused = client.record_lookups(request).await.expect_err("bad");
        assert_eq!(reason(&refused).as_deref(), Some("FIELD_INVALID"));
    }
    let request = RecordLookupsRequest { lookups: vec![good; 10_001] };
    let refused = client.record_lookups(request).await.expect_err("too many");
    assert_eq!(reason(&refused).as_deref(), Some("REQUESTS_TOO_MANY"));
    assert!(list(&mut client, &ann, 0, "").await.lookups.is_empty());

    for (size, token) in [(-1, ""), (0, "%"), (0, "AAAA"), (0, "EgEA")] {
        let request = ListLookupsRequest {
            person: ann.clone(),
            page_size: size,
            page_token: token.to_owned(),
        };
        let refused = client.list_lookups(request).await.expect_err("bad");
        assert_eq!(reason(&refused).as_deref(), Some("FIELD_INVALID"), "{size} {token}");
    }
    for person in ["4611686018427387904", "0"] {
        let request = ListLookupsRequest { person: person.to_owned(), ..Default::default() };
        client.list_lookups(request).await.expect_err("nobody");
    }
}

#[tokio::test]
async fn what_is_older_than_the_retention_is_forgotten() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("ann", "ann")]).await.person;
    let lookups = [0, 2, 5, 40].map(|day| row(&ann, "acme", day, 1)).to_vec();
    client.record_lookups(RecordLookupsRequest { lookups }).await.expect("recorded");
    assert_eq!(list(&mut client, &ann, 0, "").await.lookups.len(), 4);

    let World { stores, scoring, topics, running, .. } = world;
    running.stop().await.expect("it goes down");
    let world = World::start_on_with(
        stores,
        scoring,
        topics,
        &[("social_graph.lookup_retention", "3days")],
    )
    .await;

    until("old ones are gone", async || {
        list(&mut world.client(), &ann, 0, "").await.lookups.len() == 2
    })
    .await;
}

#[tokio::test]
async fn a_handle_of_somebody_hidden_does_not_fall_back_to_who_had_it_before() {
    let world = World::start().await;
    let mut client = world.client();
    let bob = join(&mut client, vec![account("did:1", "ann")]).await.person;
    let ann = join(&mut client, vec![account("did:2", "ann")]).await.person;
    withhold(&world, &ann, "research").await;
    let account = Some(by_handle("ann"));
    let resolve = ResolvePersonRequest { account, ..Default::default() };
    let found = client.resolve_person(resolve.clone()).await.expect("ann").into_inner();
    assert_eq!(found.person, ann);
    let refused = client_for(&world, "lab", "research").resolve_person(resolve).await;
    let refused = refused.expect_err("it is not bob's any more");
    assert_eq!(reason(&refused).as_deref(), Some("PERSON_UNKNOWN"), "{bob}");
}

#[tokio::test]
async fn who_is_hidden_is_nobody_to_links_handles_and_changes_either() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("ann", "ann")]).await.person;
    withhold(&world, &ann, "research").await;
    let mut lab = client_for(&world, "lab", "research");

    let update = UpdatePersonRequest {
        person: ann.clone(),
        display_name: Some("Anna".to_owned()),
        ..Default::default()
    };
    let start = StartLinkRequest {
        person: ann.clone(),
        account: Some(account("ann2", "ann2")),
        method: "CHALLENGE".to_owned(),
    };
    let handles = ListHandlesRequest { person: ann.clone(), ..Default::default() };
    let refused = [
        lab.update_person(update.clone()).await.expect_err("withheld"),
        lab.start_link(start).await.expect_err("withheld"),
        lab.list_handles(handles.clone()).await.expect_err("withheld"),
    ];
    for refused in refused {
        assert_eq!(reason(&refused).as_deref(), Some("PERSON_UNKNOWN"), "{refused:?}");
    }
    let mut crm = client_for(&world, "acme", "crm");
    let told = crm.update_person(update).await.expect("only research is withheld").into_inner();
    assert!(told.person.expect("ann").withheld_purposes.is_empty(), "that is not told");
    crm.list_handles(handles).await.expect("to nobody else");
}

#[tokio::test]
async fn an_account_of_a_network_that_its_owner_withholds_leads_to_nobody() {
    let world = World::start().await;
    let mut client = world.client();
    let other = LinkedAccount { network: "github".to_owned(), ..account("7", "ann-codes") };
    let ann = join(&mut client, vec![account("ann", "ann"), other]).await.person;
    sqlx::query(
        "update social_graph.person set withheld_networks = '{bluesky}', age_band = '25_34'",
    )
    .execute(&world.stores.db().await)
    .await
    .expect("withheld");
    let mut crm = client_for(&world, "acme", "crm");
    let mut operator = client_for(&world, "root", "operator");

    for name in [by_handle("ann"), by_native_id("ann")] {
        let resolve = ResolvePersonRequest { account: Some(name), ..Default::default() };
        let refused = crm.resolve_person(resolve.clone()).await.expect_err("withheld");
        assert_eq!(reason(&refused).as_deref(), Some("PERSON_UNKNOWN"), "{refused:?}");
        let found = operator.resolve_person(resolve).await.expect("ann").into_inner();
        assert_eq!(found.person, ann);
    }
    let get = GetPersonRequest { person: ann.clone() };
    let told = crm.get_person(get.clone()).await.expect("ann").into_inner().person.expect("ann");
    assert_eq!(told.accounts.iter().map(|it| &it.network).collect::<Vec<_>>(), ["github"]);
    assert!(told.withheld_networks.is_empty() && told.age_band.is_empty(), "{told:?}");
    let told = operator.get_person(get).await.expect("ann").into_inner().person.expect("ann");
    assert_eq!((told.accounts.len(), told.age_band.as_str()), (2, "25_34"));
    let handles = ListHandlesRequest { person: ann, ..Default::default() };
    let listed = crm.list_handles(handles).await.expect("listed").into_inner().handles;
    assert!(listed.iter().all(|it| it.network == "github"), "{listed:?}");
}
