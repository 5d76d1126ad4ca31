//! Ten a day, on however many devices.

use futures::{StreamExt as _, future::join_all};
use klout_proto::graph::v1::{GetPlusKBudgetRequest, GivePlusKRequest, TakeBackPlusKRequest};
use time::{OffsetDateTime, Time};
use tonic::Code;

use super::world::{World, give, wish};
use crate::world::told;

#[tokio::test]
async fn the_eleventh_is_refused_until_the_day_is_over_where_the_giver_lives() {
    let world = World::start().await;
    let ann = world.member("ann").await;
    let mut client = world.client();
    for place in 0..5 {
        let other = world.member(&format!("other{place}")).await;
        for topic in ["hiking", "board-games"] {
            give(&mut client, wish(&ann, &other, topic)).await.expect("one of ten");
        }
    }
    let other = world.member("one more").await;

    let refused = give(&mut client, wish(&ann, &other, "hiking")).await.expect_err("the eleventh");
    assert_eq!(told(&refused), (Code::ResourceExhausted, "BUDGET_SPENT".to_owned()));
    let budget = async || {
        let request = GetPlusKBudgetRequest { person: ann.clone() };
        let mut client = world.client();
        let answer = client.get_plus_k_budget(request).await.expect("a budget").into_inner();
        answer.budget.expect("one")
    };
    let spent = budget().await;
    assert_eq!((spent.daily, spent.left), (10, 0));
    let reset = spent.reset_time.expect("a time").seconds;
    assert_eq!(reset % 86_400, 0, "midnight");
    // Wherever Ann moves, it was the same day.
    for zone in ["Pacific/Kiritimati", "Pacific/Pago_Pago", "America/St_Johns"] {
        world.set(&ann, "time_zone", zone).await;
        give(&mut client, wish(&ann, &other, "hiking")).await.expect_err("still the eleventh");
    }
    world.let_pass("49 hours").await;
    assert_eq!(budget().await.left, 10);
}

/// 64 givers at once on two replicas, who also take back, and whose time zone changes: of what is left that was
/// given, no more than ten are of one day, whatever the zone.
#[tokio::test(flavor = "multi_thread")]
async fn no_interleaving_gives_an_eleventh() {
    let world = World::with_replicas(2).await;
    let ann = world.member("ann").await;
    let mut receivers = Vec::new();
    for place in 0..64 {
        receivers.push(world.member(&format!("receiver{place}")).await);
    }

    let givers = receivers.iter().enumerate().map(|(place, receiver)| {
        let (world, ann) = (&world, &ann);
        async move {
            let mut client = world.client_of(place % 2);
            let mut kept = 0;
            for topic in ["hiking", "board-games"] {
                let request_id = format!("{place} {topic}");
                let request = GivePlusKRequest { request_id, ..wish(ann, receiver, topic) };
                // Each request twice, on both replicas.
                let (mut one, mut other) = (client.clone(), world.client_of((place + 1) % 2));
                let answers = tokio::join!(
                    give(&mut one, request.clone()),
                    give(&mut other, request.clone())
                );
                let ids: Vec<String> = [answers.0, answers.1]
                    .into_iter()
                    .filter_map(|answer| match answer {
                        Ok(given) => Some(given.plus_k.expect("one").plus_k),
                        Err(status) => {
                            assert_eq!(told(&status).1, "BUDGET_SPENT");
                            None
                        }
                    })
                    .collect();
                let Some(id) = ids.first() else { continue };
                assert!(ids.iter().all(|it| it == id), "one request gives one");
                if place % 8 == 3 {
                    let giver = ann.clone();
                    let back = TakeBackPlusKRequest { giver, plus_k: id.clone() };
                    client.take_back_plus_k(back).await.expect("taken back");
                } else {
                    kept += 1;
                }
            }
            kept
        }
    });
    let moves = async {
        for zone in ["Pacific/Kiritimati", "", "Pacific/Pago_Pago", "Asia/Tokyo"].repeat(8) {
            world.set(&ann, "time_zone", zone).await;
        }
        0
    };
    let (kept, _) = tokio::join!(join_all(givers), moves);

    let kept: i64 = kept.into_iter().sum();
    let left: i64 = sqlx::query_scalar(
        "select count(*) from social_graph.plus_k where giver_id = $1 and take_back_time is null",
    )
    .bind(ann.parse::<i64>().expect("a number"))
    .fetch_one(&world.db)
    .await
    .expect("a count");
    assert!(left == kept && (1..=10).contains(&left), "{left} of {kept}");
}

#[tokio::test]
async fn giving_and_taking_back_has_an_end() {
    let world = World::start().await;
    let (ann, bob) = (world.member("ann").await, world.member("bob").await);
    let mut client = world.client();
    let id = give(&mut client, wish(&ann, &bob, "hiking")).await.expect("given");
    let plus_k = id.plus_k.expect("one").plus_k;
    let back = TakeBackPlusKRequest { giver: ann.clone(), plus_k };
    client.take_back_plus_k(back).await.expect("taken back");
    // As if that had happened a hundred times.
    sqlx::query(
        "insert into social_graph.plus_k (giver_id, plus_k_id, receiver_id, topic_id, topic, give_time, time_zone, \
             giver_native, receiver_native, take_back_time) \
         select giver_id, number, receiver_id, topic_id, topic, give_time, time_zone, giver_native, receiver_native, \
             take_back_time \
         from social_graph.plus_k, generate_series(1, 99) as number",
    )
    .execute(&world.db)
    .await
    .expect("written");

    let refused = give(&mut client, wish(&ann, &bob, "hiking")).await.expect_err("enough");
    assert_eq!(told(&refused), (Code::ResourceExhausted, "BUDGET_SPENT".to_owned()));
}

/// Whoever asks and asks gets what they have, and nothing grows.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_requests_is_ten_given_and_the_rest_refused() {
    let world = World::with_replicas(2).await;
    let ann = world.member("ann").await;
    let mut receivers = Vec::new();
    for place in 0..20 {
        receivers.push(world.member(&format!("receiver{place}")).await);
    }
    let storm = (0..2_000_usize).map(|place| {
        let (client, receiver) = (world.client_of(place % 2), &receivers[place % 20]);
        let request = wish(&ann, receiver, "hiking");
        async move {
            let mut client = client;
            match give(&mut client, request).await {
                Ok(_) => 1,
                Err(status) => {
                    let reason = told(&status).1;
                    assert!(
                        ["BUDGET_SPENT", "PLUS_K_GIVEN"].contains(&reason.as_str()),
                        "{reason}"
                    );
                    0
                }
            }
        }
    });
    let given: u32 =
        futures::stream::iter(storm).buffer_unordered(64).collect::<Vec<_>>().await.iter().sum();

    let rows: i64 = sqlx::query_scalar("select count(*) from social_graph.plus_k")
        .fetch_one(&world.db)
        .await
        .expect("a count");
    assert_eq!((given, rows), (10, 10));
}

#[tokio::test]
async fn midnight_is_the_givers() {
    let world = World::start().await;
    let ann = world.member("ann").await;
    world.set(&ann, "time_zone", "Asia/Kathmandu").await;
    let request = GetPlusKBudgetRequest { person: ann };
    let budget = world.client().get_plus_k_budget(request).await.expect("a budget").into_inner();
    let reset = budget.budget.expect("one").reset_time.expect("a time").seconds;
    let reset = OffsetDateTime::from_unix_timestamp(reset).expect("a time");
    assert_eq!(reset.time(), Time::from_hms(18, 15, 0).expect("a time"), "5:45 ahead of UTC");
}
