//! How people leave, and that nothing of them stays.

use std::sync::atomic::Ordering;

use klout_model::Day;
use klout_proto::{
    graph::v1::{
        ApplyPersonStatesRequest, ApplySignalsRequest, CallerLookups, ErasePersonRequest,
        GetConsentRequest, GetPersonRequest, GetReceiptRequest, LinkAccountRequest,
        ListPersonStatesRequest, MergePeopleRequest, PersonState, Receipt, RecordLookupsRequest,
        person_data_service_client::PersonDataServiceClient,
        signal_consumer_service_client::SignalConsumerServiceClient,
    },
    signal::v1::{BatchedInteraction, SignalBatch},
};
use klout_testkit::{link, until};
use sqlx::PgPool;
use tonic::{Code, Status};

use crate::{
    consent::{set, state},
    world::{Client, World, account, create, join, told},
};

pub(crate) async fn erase(client: &mut Client, person: &str) -> Result<Receipt, Status> {
    let request =
        ErasePersonRequest { person: person.to_owned(), note: "asked by mail".to_owned() };
    let answer = client.erase_person(request).await?.into_inner();
    Ok(answer.receipt.expect("always present"))
}

/// The receipt when it is complete.
async fn deleted(client: &mut Client, receipt: &str) -> Receipt {
    let mut found = Receipt::default();
    until("everything is deleted", async || {
        let request = GetReceiptRequest { receipt: receipt.to_owned() };
        let answer = client.get_receipt(request).await.expect("a receipt").into_inner();
        found = answer.receipt.expect("always present");
        found.delete_time.is_some()
    })
    .await;
    found
}

async fn states(client: &mut Client) -> Vec<PersonState> {
    let request = ListPersonStatesRequest::default();
    client.list_person_states(request).await.expect("states").into_inner().states
}

async fn count(db: &PgPool, statement: &'static str) -> i64 {
    sqlx::query_scalar(statement).fetch_one(db).await.expect("a count")
}

async fn react(world: &World, subject: i64, actor: i64, day: i32) {
    let interaction = BatchedInteraction {
        subject_account_id: subject,
        actor_account_id: Some(actor),
        kind: "like".to_owned(),
        day,
        count: 1,
        ..Default::default()
    };
    let batch = SignalBatch {
        batch_id: uuid::Uuid::new_v4().as_bytes().to_vec(),
        interactions: vec![interaction],
        ..Default::default()
    };
    SignalConsumerServiceClient::new(link(&world.running))
        .apply_signals(ApplySignalsRequest { batch: Some(batch) })
        .await
        .expect("applied");
}

const TIES: &str = "select count(*) from social_graph.tie";

fn today() -> i32 {
    Day::of(klout_chassis::Clock::running().now()).number()
}

#[tokio::test]
async fn who_is_erased_is_gone_at_once_and_everywhere_within_a_day() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann"), account("did:2", "")]).await.person;
    let accounts: Vec<_> = world.told().await.iter().map(|it| it.account_id).collect();
    react(&world, accounts[0], 7, today()).await;
    react(&world, 7, accounts[1], today()).await;
    react(&world, 7, 8, today()).await;

    let receipt = erase(&mut client, &ann).await.expect("erased");

    assert_eq!((receipt.kind.as_str(), receipt.masked.len()), ("ERASURE", 6));
    assert!(receipt.masked.iter().all(|it| it.mask_time.is_some()), "{receipt:?}");
    let request = receipt.request_time.expect("always present");
    let deadline = receipt.delete_by_time.expect("always present");
    assert_eq!(deadline.seconds - request.seconds, 24 * 60 * 60);
    let unknown = (Code::NotFound, "PERSON_UNKNOWN".to_owned());
    let got = client.get_person(GetPersonRequest { person: ann.clone() }).await;
    assert_eq!(told(&got.expect_err("nobody")), unknown);
    let got = client.get_consent(GetConsentRequest { person: ann.clone(), ..Default::default() });
    assert_eq!(told(&got.await.expect_err("nobody")), unknown);
    for (name, peer) in world.peers.all() {
        let state = peer.newest(&ann).expect(name);
        let mut erased: Vec<_> = state.erased_accounts.iter().map(|it| it.account_id).collect();
        erased.sort_unstable();
        let mut accounts = accounts.clone();
        accounts.sort_unstable();
        assert_eq!((state.state.as_str(), erased), ("ERASED", accounts), "{name}");
        assert!(state.erased_accounts.iter().all(|it| it.through_day.is_none()), "{name}");
    }

    let complete = deleted(&mut client, &receipt.receipt).await;

    let of = |service: &str, name: &str| {
        let found = complete.deleted.iter().find(|it| it.service == service && it.name == name);
        found.map_or(0, |it| it.count)
    };
    assert_eq!(of("scoring", "thing"), 4, "of two calls: {complete:?}");
    assert_eq!([of("social_graph", "account"), of("social_graph", "tie")], [2, 2]);
    assert_eq!([of("social_graph", "person"), of("social_graph", "consent")], [1, 1]);
    assert!(world.told().await.iter().rev().take(2).all(|it| it.person_id == 0));
    let db = world.stores.db().await;
    for table in ["person", "account", "consent_entry", "forgetting", "person_state_outbox"] {
        let statement = format!("select count(*) from social_graph.{table}");
        let left: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(statement))
            .fetch_one(&db)
            .await
            .expect("a count");
        assert_eq!(left, 0, "{table}");
    }
    assert_eq!(count(&db, TIES).await, 1, "of others");
    let again = erase(&mut client, &ann).await.expect("the same, though nobody is left");
    assert_eq!(again, complete);
    assert_eq!(states(&mut client).await[0].state, "ERASED");
}

#[tokio::test]
async fn signals_of_who_was_erased_change_nothing() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann")]).await.person;
    let theirs = world.told().await[0].account_id;
    erase(&mut client, &ann).await.expect("erased");

    react(&world, theirs, 7, today()).await;
    react(&world, 7, theirs, today()).await;

    assert_eq!(count(&world.stores.db().await, TIES).await, 0);
}

#[tokio::test]
async fn who_joins_again_with_an_erased_account_is_new_and_starts_anew_tomorrow() {
    let world = World::start().await;
    let mut client = world.client();
    let first = join(&mut client, vec![account("did:1", "ann"), account("did:2", "")]).await.person;
    let theirs = world.told().await;
    world.peers.of("connector").refusing.store(true, Ordering::SeqCst);
    erase(&mut client, &first)
        .await
        .expect_err("the connector is down, so that nothing is deleted yet");

    let second = join(&mut client, vec![account("did:1", "ann")]).await.person;
    let request =
        LinkAccountRequest { person: second.clone(), account: Some(account("did:2", "")) };
    client.link_account(request).await.expect("linked");

    assert_ne!(first, second);
    world.peers.of("connector").refusing.store(false, Ordering::SeqCst);
    until("through which day it was theirs", async || {
        let state = world.peers.of("connector").newest(&first);
        state.is_some_and(|it| it.erased_accounts.iter().all(|it| it.through_day.is_some()))
    })
    .await;
    let state = world.peers.of("connector").newest(&first).expect("told");
    assert_eq!(state.state, "ERASED");
    assert!(state.erased_accounts.iter().all(|it| it.through_day == Some(today())), "{state:?}");
    let newest = |account: i64| {
        let told = world.scoring.all();
        let of = told.iter().filter(|it| it.account_id == account);
        of.max_by_key(|it| it.revision).map(|it| it.person_id.to_string())
    };
    world.told().await;
    for membership in &theirs {
        assert_eq!(newest(membership.account_id), Some(second.clone()));
    }
    let receipt = erase(&mut client, &first).await.expect("the same");
    deleted(&mut client, &receipt.receipt).await;
    let person = client.get_person(GetPersonRequest { person: second.clone() }).await;
    let person = person.expect("untouched").into_inner().person.expect("always present");
    assert_eq!(person.accounts.len(), 2);
    react(&world, theirs[0].account_id, 7, today()).await;
    let db = world.stores.db().await;
    assert_eq!(count(&db, TIES).await, 0, "still of who was erased");
    react(&world, theirs[0].account_id, 7, today() + 1).await;
    assert_eq!(count(&db, TIES).await, 1);

    let erased = erase(&mut client, &second).await.expect("erased too");
    assert_ne!(erased.receipt, receipt.receipt);
    deleted(&mut client, &erased.receipt).await;
    assert_eq!(count(&db, TIES).await, 0);
    let third = join(&mut client, vec![account("did:1", "ann")]).await.person;
    assert!(third != first && third != second, "rows that are gone do not hinder");
}

/// Whoever gets an account in the moment in which its owner is erased gets it from tomorrow on, or not at all.
#[tokio::test]
async fn an_account_that_is_taken_over_while_its_owner_is_erased_is_let_in_again() {
    let world = World::start().await;
    let mut client = world.client();
    let bea = join(&mut client, vec![account("did:bea", "bea")]).await.person;
    let mut taken = 0;
    for round in 0..20 {
        let theirs = account(&format!("did:{round}"), "");
        let ann = join(&mut client, vec![theirs.clone()]).await.person;
        let request = LinkAccountRequest { person: bea.clone(), account: Some(theirs) };
        let (mut one, mut other) = (world.client(), world.client());
        let (erased, linked) = tokio::join!(erase(&mut one, &ann), other.link_account(request));
        erased.expect("erased");
        taken += i32::from(linked.is_ok());
    }
    let db = world.stores.db().await;
    let shut_out = count(
        &db,
        "select count(*) from social_graph.erased_account
            join social_graph.account using (account_id)
            join social_graph.person on person.person_id = account.person_id
            where person.state = 'MEMBER' and through_day is null",
    );
    assert_eq!(shut_out.await, 0, "of {taken} that were taken over");
}

#[tokio::test]
async fn who_is_erased_by_many_at_once_has_one_receipt() {
    let world = World::start().await;
    let ann = join(&mut world.client(), vec![account("did:1", "ann")]).await.person;
    let erased = futures::future::join_all((0..8).map(|_| {
        let (mut client, ann) = (world.client(), ann.clone());
        async move { erase(&mut client, &ann).await.expect("erased").receipt }
    }))
    .await;
    assert!(erased.iter().all(|receipt| *receipt == erased[0]), "{erased:?}");
}

#[tokio::test]
async fn who_is_erased_while_a_service_answers_that_they_opted_out_is_forgotten_once_more() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann")]).await.person;
    let topics = world.peers.of("topics");
    let asked = |state: &str| {
        let asked = topics.forgotten.lock().expect("not poisoned");
        asked.iter().any(|it| it.state == state)
    };
    let waiting = topics.answering.clone().write_owned().await;
    set(&mut client, state(&ann, "OPTED_OUT")).await.expect("out");
    until("the service is asked", async || asked("OPTED_OUT")).await;

    let receipt = erase(&mut client, &ann).await.expect("erased").receipt;
    drop(waiting);

    let complete = deleted(&mut client, &receipt).await;
    assert!(asked("ERASED"));
    let of_topics = complete.deleted.iter().find(|it| it.service == "topics");
    assert_eq!(of_topics.map(|it| it.count), Some(4), "of the two calls for it: {complete:?}");
}

#[tokio::test]
async fn a_receipt_tells_what_had_already_left() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann")]).await.person;
    let time = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let lookup = |purpose: &str, what: &str, seconds| CallerLookups {
        caller: "acme".to_owned(),
        purpose: purpose.to_owned(),
        what: what.to_owned(),
        first_time: time(seconds),
        last_time: time(seconds),
        person_ids: vec![ann.parse().expect("a number")],
        counts: vec![2],
    };
    let lookups = vec![
        lookup("crm", "score", 1_795_000_000),
        lookup("crm", "topics", 1_795_000_009),
        lookup("show", "score", 1_795_000_003),
    ];
    client.record_lookups(RecordLookupsRequest { lookups }).await.expect("recorded");

    let receipt = erase(&mut client, &ann).await.expect("erased");

    let left: Vec<_> = receipt
        .already_left
        .iter()
        .map(|it| (it.caller.as_str(), it.purpose.as_str(), it.count, it.last_time))
        .collect();
    let crm = ("acme", "crm", 4, time(1_795_000_009));
    assert_eq!(left, [crm, ("acme", "show", 2, time(1_795_000_003))]);
}

#[tokio::test]
async fn nobody_and_what_is_no_receipt_is_told_as_such() {
    let world = World::start().await;
    let mut client = world.client();
    let nobody = erase(&mut client, "7").await.expect_err("nobody");
    assert_eq!(told(&nobody), (Code::NotFound, "PERSON_UNKNOWN".to_owned()));
    for (receipt, refusal) in [
        ("x", (Code::InvalidArgument, "FIELD_INVALID")),
        ("6ba7b810-9dad-11d1-80b4-00c04fd430c8", (Code::NotFound, "RECEIPT_UNKNOWN")),
    ] {
        let request = GetReceiptRequest { receipt: receipt.to_owned() };
        let refused = client.get_receipt(request).await.expect_err("none");
        assert_eq!(told(&refused), (refusal.0, refusal.1.to_owned()), "{receipt}");
    }
}

#[tokio::test]
async fn who_left_after_a_backup_was_made_is_gone_again_when_states_are_replayed() {
    let world = World::start().await;
    let mut client = world.client();
    let mut people = Vec::new();
    for id in 0..5 {
        people.push(join(&mut client, vec![account(&format!("did:{id}"), "")]).await.person);
    }
    let request = MergePeopleRequest { person: people[3].clone(), into_person: people[4].clone() };
    client.merge_people(request).await.expect("merged");
    let receipt = erase(&mut client, &people[0]).await.expect("erased").receipt;
    deleted(&mut client, &receipt).await;
    crate::consent::set(&mut client, crate::consent::state(&people[1], "OPTED_OUT"))
        .await
        .expect("out");
    let kept = states(&mut client).await;

    // As if the backup had been made before: the two are there again, and nobody remembers.
    let restored = World::start().await;
    let db = restored.stores.db().await;
    let mut client = restored.client();
    for (id, person) in people.iter().enumerate() {
        let new = join(&mut client, vec![account(&format!("did:{id}"), "")]).await.person;
        for table in ["person", "account"] {
            let statement = format!(
                "update social_graph.{table} set person_id = {person} where person_id = {new}"
            );
            sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&db).await.expect("moved");
        }
    }
    let mut replay = PersonDataServiceClient::new(link(&restored.running));
    for _ in 0..2 {
        let request = ApplyPersonStatesRequest { states: kept.clone() };
        replay.apply_person_states(request).await.expect("replayed");
    }

    let there = async |person: &String| {
        let request = GetPersonRequest { person: person.clone() };
        restored.client().get_person(request).await.is_ok()
    };
    assert!(!there(&people[0]).await && !there(&people[1]).await && there(&people[2]).await);
    let request = GetPersonRequest { person: people[3].clone() };
    let merged = client.get_person(request).await.expect("there").into_inner().person;
    let merged = merged.expect("always present");
    assert_eq!((&merged.person, merged.accounts.len()), (&people[4], 2), "with both accounts");
    let (numbers, before): (Vec<_>, Vec<_>) = (
        states(&mut client).await.iter().map(|it| it.number).collect(),
        kept.iter().map(|it| it.number).collect(),
    );
    assert_eq!(numbers, before);
    until("its rows are gone", async || {
        count(&db, "select count(*) from social_graph.person").await == 4
    })
    .await;
    for (name, peer) in restored.peers.all() {
        assert_eq!(peer.newest(&people[0]).expect(name).state, "ERASED", "{name}");
    }
    let taken = create(&mut client, vec![account("did:1", "")]).await.expect_err("taken");
    assert_eq!(told(&taken), (Code::AlreadyExists, "ACCOUNT_LINKED".to_owned()));
}
