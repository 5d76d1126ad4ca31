//! Who may give what to whom.

use klout_proto::graph::v1::{
    BatchCountPlusKRequest, BlockPersonRequest, GetPlusKBudgetRequest, GivePlusKRequest,
    ListBlockedRequest, ListPlusKGivenRequest, ListPlusKReceivedRequest, TakeBackPlusKRequest,
    UnblockPersonRequest,
};
use tonic::Code;

use super::world::{World, give, locked, wish};
use crate::world::told;

#[tokio::test]
async fn a_plus_k_is_given_on_what_the_receiver_is_known_for() {
    let world = World::start().await;
    let (ann, bob) = (world.member("ann").await, world.member("bob").await);
    let mut client = world.client();

    let given = give(&mut client, wish(&ann, &bob, "hiking")).await.expect("given");
    let (plus_k, budget) = (given.plus_k.expect("one"), given.budget.expect("a budget"));
    assert_eq!((plus_k.giver.as_str(), plus_k.receiver.as_str()), (ann.as_str(), bob.as_str()));
    assert_eq!((plus_k.topic.as_str(), budget.daily, budget.left), ("hiking", 10, 9));
    // By its number too.
    let given = give(&mut client, wish(&ann, &bob, "12")).await.expect("given");
    assert_eq!(given.plus_k.expect("one").topic, "board-games");

    let refused =
        async |request| told(&give(&mut world.client(), request).await.expect_err("refused"));
    let topic_unknown = (Code::NotFound, "TOPIC_UNKNOWN".to_owned());
    assert_eq!(refused(wish(&ann, &bob, "chess")).await, topic_unknown, "not bob's");
    assert_eq!(refused(wish(&ann, &bob, "no-such-topic")).await, topic_unknown);
    let invalid = (Code::InvalidArgument, "FIELD_INVALID".to_owned());
    for request in [
        wish(&ann, &ann, "hiking"),
        wish("ann", &bob, "hiking"),
        wish(&ann, "", "hiking"),
        wish(&ann, &bob, ""),
        GivePlusKRequest { request_id: "x".repeat(129), ..wish(&ann, &bob, "hiking") },
    ] {
        assert_eq!(refused(request).await, invalid);
    }
    let person_unknown = (Code::NotFound, "PERSON_UNKNOWN".to_owned());
    assert_eq!(refused(wish(&ann, "1", "hiking")).await, person_unknown);
    assert_eq!(refused(wish("1", &ann, "hiking")).await, person_unknown);
    *locked(&world.topics.is_down) = true;
    let away = (Code::Unavailable, "PEER_UNAVAILABLE".to_owned());
    assert_eq!(refused(wish(&bob, &ann, "hiking")).await, away);
}

#[tokio::test]
async fn services_count_what_people_received_lately() {
    let world = World::start().await;
    let (ann, bob, cem) =
        (world.member("ann").await, world.member("bob").await, world.member("cem").await);
    let mut client = world.client();
    give(&mut client, wish(&ann, &bob, "hiking")).await.expect("given");
    world.let_pass("90 days").await;
    give(&mut client, wish(&ann, &bob, "hiking")).await.expect("given");
    give(&mut client, wish(&cem, &bob, "hiking")).await.expect("given");
    give(&mut client, wish(&cem, &bob, "board-games")).await.expect("given");
    let taken = give(&mut client, wish(&ann, &cem, "hiking")).await.expect("given").plus_k;
    let plus_k = taken.expect("one").plus_k;
    let request = TakeBackPlusKRequest { giver: ann.clone(), plus_k };
    client.take_back_plus_k(request).await.expect("taken back");

    let since = klout_chassis::Clock::running().now() - time::Duration::days(89);
    let start_time = Some(klout_proto::convert::timestamp(since));
    let count = async |people: &[&str]| {
        let people = people.iter().map(|it| (*it).to_owned()).collect();
        let request = BatchCountPlusKRequest { people, start_time };
        let counted = world.client().batch_count_plus_k(request).await;
        counted.map(|it| it.into_inner().counts)
    };
    assert_eq!(count(&[&cem, &bob, "1", &bob]).await.expect("counted"), [0, 3, 0, 3]);
    // What who has left gave is not told of any more.
    world.set(&cem, "state", "OPTED_OUT").await;
    assert_eq!(count(&[&bob]).await.expect("counted"), [1]);
    let refused = count(&["bob"]).await.expect_err("no person");
    assert_eq!(told(&refused), (Code::InvalidArgument, "FIELD_INVALID".to_owned()));
}

#[tokio::test]
async fn the_same_once_in_seven_days() {
    let world = World::start().await;
    let (ann, bob) = (world.member("ann").await, world.member("bob").await);
    let mut client = world.client();
    give(&mut client, wish(&ann, &bob, "hiking")).await.expect("given");

    let refused = give(&mut client, wish(&ann, &bob, "hiking")).await.expect_err("again");
    assert_eq!(told(&refused), (Code::FailedPrecondition, "PLUS_K_GIVEN".to_owned()));
    world.let_pass("6 days 23 hours").await;
    give(&mut client, wish(&ann, &bob, "hiking")).await.expect_err("not yet");
    world.let_pass("1 hour").await;
    give(&mut client, wish(&ann, &bob, "hiking")).await.expect("given again");
}

#[tokio::test]
async fn a_repeated_request_is_answered_and_another_one_is_not() {
    let world = World::start().await;
    let (ann, bob) = (world.member("ann").await, world.member("bob").await);
    let mut client = world.client();
    let request = GivePlusKRequest { request_id: "first".into(), ..wish(&ann, &bob, "hiking") };

    let first = give(&mut client, request.clone()).await.expect("given");
    assert_eq!(give(&mut client, request.clone()).await.expect("the same"), first);
    // Its topic by number is the same.
    let by_number = GivePlusKRequest { topic: "11".into(), ..request.clone() };
    assert_eq!(give(&mut client, by_number).await.expect("the same"), first);
    let other = GivePlusKRequest { topic: "board-games".into(), ..request.clone() };
    let refused = give(&mut client, other).await.expect_err("another");
    assert_eq!(told(&refused), (Code::InvalidArgument, "REQUEST_ID_REUSED".to_owned()));
    // The names of requests are each giver's own.
    let of_bob = GivePlusKRequest { request_id: "first".into(), ..wish(&bob, &ann, "hiking") };
    give(&mut client, of_bob).await.expect("given");
}

#[tokio::test]
async fn whoever_is_blocked_gives_nothing() {
    let world = World::start().await;
    let (ann, bob) = (world.member("ann").await, world.member("bob").await);
    let mut client = world.client();
    let block = BlockPersonRequest { person: bob.clone(), blocked: ann.clone() };
    for _ in 0..2 {
        client.block_person(block.clone()).await.expect("blocked");
    }
    let oneself = BlockPersonRequest { person: bob.clone(), blocked: bob.clone() };
    let refused = client.block_person(oneself).await.expect_err("oneself");
    assert_eq!(told(&refused), (Code::InvalidArgument, "FIELD_INVALID".to_owned()));

    let refused = give(&mut client, wish(&ann, &bob, "hiking")).await.expect_err("blocked");
    assert_eq!(told(&refused), (Code::PermissionDenied, "GIVER_BLOCKED".to_owned()));
    give(&mut client, wish(&bob, &ann, "hiking")).await.expect("the other way");
    let list = ListBlockedRequest { person: bob.clone(), ..Default::default() };
    let listed = client.list_blocked(list.clone()).await.expect("a list").into_inner();
    assert_eq!(listed.people, std::slice::from_ref(&ann));

    let unblock = UnblockPersonRequest { person: bob.clone(), blocked: ann.clone() };
    for _ in 0..2 {
        client.unblock_person(unblock.clone()).await.expect("unblocked");
    }
    give(&mut client, wish(&ann, &bob, "hiking")).await.expect("given");
    assert!(client.list_blocked(list).await.expect("a list").into_inner().people.is_empty());
}

#[tokio::test]
async fn what_is_taken_back_returns_to_the_budget() {
    let world = World::start().await;
    let (ann, bob) = (world.member("ann").await, world.member("bob").await);
    let mut client = world.client();
    let given = give(&mut client, wish(&ann, &bob, "hiking")).await.expect("given");
    let id = given.plus_k.expect("one").plus_k;

    let take = |giver: &str, plus_k: &str| TakeBackPlusKRequest {
        giver: giver.to_owned(),
        plus_k: plus_k.to_owned(),
    };
    let unknown = (Code::NotFound, "PLUS_K_UNKNOWN".to_owned());
    let refused = client.take_back_plus_k(take(&bob, &id)).await.expect_err("not bob's");
    assert_eq!(told(&refused), unknown);
    let refused = client.take_back_plus_k(take(&ann, "7")).await.expect_err("none");
    assert_eq!(told(&refused), unknown);
    for _ in 0..2 {
        let answer = client.take_back_plus_k(take(&ann, &id)).await.expect("taken back");
        assert_eq!(answer.into_inner().budget.expect("a budget").left, 10);
    }
    let list = ListPlusKReceivedRequest { person: bob.clone(), ..Default::default() };
    let listed = client.list_plus_k_received(list).await.expect("a list").into_inner();
    assert!(listed.plus_ks.is_empty());

    let given = give(&mut client, wish(&ann, &bob, "hiking")).await.expect("given again");
    world.let_pass("25 hours").await;
    let refused = client.take_back_plus_k(take(&ann, &given.plus_k.expect("one").plus_k)).await;
    let refused = refused.expect_err("too late");
    assert_eq!(told(&refused), (Code::FailedPrecondition, "PLUS_K_FINAL".to_owned()));
}

#[tokio::test]
async fn a_merged_id_is_the_other_and_nobody_else_is_there() {
    let world = World::start().await;
    let (ann, bob) = (world.member("ann").await, world.member("bob").await);
    let (old, gone) = (world.member("old").await, world.member("gone").await);
    sqlx::query(
        "update social_graph.person set state = 'MERGED', merged_into = $2 where person_id = $1",
    )
    .bind(old.parse::<i64>().expect("a number"))
    .bind(bob.parse::<i64>().expect("a number"))
    .execute(&world.db)
    .await
    .expect("merged");
    world.set(&gone, "state", "OPTED_OUT").await;
    let mut client = world.client();

    let given = give(&mut client, wish(&ann, &old, "hiking")).await.expect("given to bob");
    assert_eq!(given.plus_k.expect("one").receiver, bob);
    let refused = give(&mut client, wish(&bob, &old, "hiking")).await.expect_err("to himself");
    assert_eq!(told(&refused), (Code::InvalidArgument, "FIELD_INVALID".to_owned()));
    for request in [wish(&ann, &gone, "hiking"), wish(&gone, &ann, "hiking")] {
        let refused = give(&mut client, request).await.expect_err("no member");
        assert_eq!(told(&refused), (Code::NotFound, "PERSON_UNKNOWN".to_owned()));
    }
    let list = ListPlusKReceivedRequest { person: old, ..Default::default() };
    assert_eq!(
        client.list_plus_k_received(list).await.expect("bob's").into_inner().plus_ks.len(),
        1
    );
    // Whoever leaves is in no list.
    world.set(&bob, "state", "OPTED_OUT").await;
    let list = ListPlusKGivenRequest { person: ann.clone(), ..Default::default() };
    assert!(client.list_plus_k_given(list).await.expect("ann's").into_inner().plus_ks.is_empty());
    let budget = client.get_plus_k_budget(GetPlusKBudgetRequest { person: ann }).await;
    let budget = budget.expect("a budget").into_inner().budget.expect("one");
    assert_eq!(budget.left, 9, "what was given was given");
}

#[tokio::test]
async fn lists_have_pages_newest_first() {
    let world = World::start().await;
    let bob = world.member("bob").await;
    let mut client = world.client();
    let mut givers = Vec::new();
    for name in ["ann", "cleo", "dan", "eve", "fay"] {
        let giver = world.member(name).await;
        give(&mut client, wish(&giver, &bob, "hiking")).await.expect("given");
        givers.insert(0, giver);
    }
    give(&mut client, wish(&givers[0], &bob, "board-games")).await.expect("given");

    let mut listed = Vec::new();
    let mut request = ListPlusKReceivedRequest {
        person: bob.clone(),
        topic: "hiking".to_owned(),
        page_size: 2,
        ..Default::default()
    };
    loop {
        let page = client.list_plus_k_received(request.clone()).await.expect("a page").into_inner();
        assert!(page.plus_ks.len() <= 2);
        listed.extend(page.plus_ks.into_iter().map(|it| it.giver));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(listed, givers);
    let wrong = ListPlusKReceivedRequest { page_token: "elsewhere".to_owned(), ..request };
    let refused = client.list_plus_k_received(wrong).await.expect_err("not ours");
    assert_eq!(told(&refused), (Code::InvalidArgument, "FIELD_INVALID".to_owned()));
}
