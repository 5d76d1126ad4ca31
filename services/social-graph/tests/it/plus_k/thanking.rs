//! Thanks, once, for all to see or not.

use klout_proto::graph::v1::{
    ListPlusKGivenRequest, ListPlusKReceivedRequest, PlusK, ThankForPlusKRequest,
};
use tonic::Code;

use super::world::{World, give, wish};
use crate::world::told;

#[tokio::test]
async fn thanks_are_given_once_and_private_ones_are_for_the_two() {
    let world = World::start().await;
    let (ann, bob) = (world.member("ann").await, world.member("bob").await);
    let cleo = world.member("cleo").await;
    let mut client = world.client();
    let given = give(&mut client, wish(&ann, &bob, "hiking")).await.expect("given");
    let plus_k = given.plus_k.expect("one").plus_k;
    let thank = ThankForPlusKRequest {
        receiver: bob.clone(),
        plus_k: plus_k.clone(),
        thanks: "see you on the trail".to_owned(),
        public: false,
    };

    let of_giver = ThankForPlusKRequest { receiver: ann.clone(), ..thank.clone() };
    let refused = client.thank_for_plus_k(of_giver).await.expect_err("not received");
    assert_eq!(told(&refused), (Code::NotFound, "PLUS_K_UNKNOWN".to_owned()));
    for thanks in ["x".repeat(513), "\u{7}".to_owned()] {
        let wrong = ThankForPlusKRequest { thanks, ..thank.clone() };
        let refused = client.thank_for_plus_k(wrong).await.expect_err("cannot be");
        assert_eq!(told(&refused), (Code::InvalidArgument, "FIELD_INVALID".to_owned()));
    }
    for _ in 0..2 {
        client.thank_for_plus_k(thank.clone()).await.expect("thanked");
    }
    let again = ThankForPlusKRequest { public: true, ..thank.clone() };
    let refused = client.thank_for_plus_k(again).await.expect_err("once");
    assert_eq!(told(&refused), (Code::FailedPrecondition, "THANKS_GIVEN".to_owned()));

    let received = async |viewer: &str| -> PlusK {
        let (person, viewer) = (bob.clone(), viewer.to_owned());
        let request = ListPlusKReceivedRequest { person, viewer, ..Default::default() };
        let listed = world.client().list_plus_k_received(request).await.expect("a list");
        listed.into_inner().plus_ks.remove(0)
    };
    for viewer in [ann.as_str(), bob.as_str()] {
        assert_eq!(received(viewer).await.thanks, thank.thanks);
    }
    for viewer in ["", cleo.as_str()] {
        let seen = received(viewer).await;
        assert_eq!((seen.thanks.as_str(), seen.thank_time), ("", None));
    }
    let given = ListPlusKGivenRequest { person: ann.clone(), viewer: ann, ..Default::default() };
    let given = client.list_plus_k_given(given).await.expect("a list").into_inner();
    assert_eq!(given.plus_ks[0].thanks, thank.thanks);
}

#[tokio::test]
async fn what_was_received_is_counted_by_topic_without_those_who_are_hidden() {
    let world = World::start().await;
    let (ann, bob) = (world.member("ann").await, world.member("bob").await);
    let cleo = world.member("cleo").await;
    let mut client = world.client();
    for (giver, topic) in [(&ann, "hiking"), (&cleo, "hiking"), (&ann, "board-games")] {
        give(&mut client, wish(giver, &bob, topic)).await.expect("given");
    }
    let all = ListPlusKReceivedRequest { person: bob.clone(), ..Default::default() };
    let counted = async |purpose: &str| {
        let mut client = world.client_for(purpose);
        let seen = client.list_plus_k_received(all.clone()).await.expect("a list").into_inner();
        let topics: Vec<_> = seen.topics.into_iter().map(|it| (it.topic, it.count)).collect();
        (seen.total, topics)
    };
    let on = |topic: &str, count| (topic.to_owned(), count);
    assert_eq!(counted("show").await, (3, vec![on("hiking", 2), on("board-games", 1)]));
    sqlx::query("update social_graph.person set withheld_purposes = '{show}' where person_id = $1")
        .bind(cleo.parse::<i64>().expect("a person"))
        .execute(&world.db)
        .await
        .expect("withheld");
    assert_eq!(counted("show").await, (2, vec![on("board-games", 1), on("hiking", 1)]));
    assert_eq!(counted("perks").await.0, 3);
    world.set(&ann, "state", "OPTED_OUT").await;
    assert_eq!(counted("show").await, (0, vec![]));

    let one = ListPlusKReceivedRequest { topic: "hiking".to_owned(), ..all.clone() };
    let seen = client.list_plus_k_received(one).await.expect("a list").into_inner();
    assert_eq!((seen.total, seen.topics.len()), (0, 0), "that is for all topics");
}

#[tokio::test]
async fn public_thanks_are_for_all() {
    let world = World::start().await;
    let (ann, bob) = (world.member("ann").await, world.member("bob").await);
    let mut client = world.client();
    let given = give(&mut client, wish(&ann, &bob, "hiking")).await.expect("given");
    let thank = ThankForPlusKRequest {
        receiver: bob.clone(),
        plus_k: given.plus_k.expect("one").plus_k,
        thanks: String::new(),
        public: true,
    };
    client.thank_for_plus_k(thank).await.expect("without a word");
    let list = ListPlusKReceivedRequest { person: bob, ..Default::default() };
    let seen = client.list_plus_k_received(list).await.expect("a list").into_inner();
    assert!(seen.plus_ks[0].thanks_public && seen.plus_ks[0].thank_time.is_some());
}
