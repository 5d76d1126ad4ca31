//! Why a score is what it is, and what it would be.

use klout_proto::{
    convert::timestamp,
    score::v1::{
        Contribution, ExplainScoreRequest, Explanation, ListMomentsRequest, SimulateScoreRequest,
        SimulatedEvent, explain_score_request, simulate_score_request,
    },
    signal::v1::{BatchedCounter, BatchedInteraction, BatchedPost, SignalBatch},
};
use time::Duration;
use tonic::{Code, Status};

use crate::world::{TODAY, World, likes, retracted, told};

/// Of `kind`, by each of these actors, on account 11; about a post or none.
fn by(id: u8, kind: &str, actors: &[i64], days_ago: i32, post: Option<u8>) -> SignalBatch {
    let each: Vec<(i64, i64, u32)> = actors.iter().map(|actor| (11, *actor, 1)).collect();
    let mut batch = likes(id, &each);
    for it in &mut batch.interactions {
        it.kind = kind.to_owned();
        it.day = TODAY - days_ago;
        it.post_hash = post.map(|post| vec![post; 16]);
    }
    batch
}

/// Member 1 owns 11; 2 to 6 own 22 to 66 and react, as does 90, whom nobody knows; there are followers.
async fn town(world: &World) -> Vec<(&'static str, SignalBatch)> {
    world.own(11, 1, 1).await;
    for person in 2..=6 {
        world.own(person * 11, person, 1).await;
    }
    let mut parts = vec![
        ("like", by(1, "like", &[22, 33, 44], 2, Some(7))),
        ("reshare", by(2, "reshare", &[22, 55, 66, 90], 20, Some(8))),
        ("reply", by(3, "reply", &[33], 40, None)),
    ];
    let followers = BatchedCounter {
        account_id: 11,
        network: "bluesky".to_owned(),
        name: "follower_count".to_owned(),
        read_time: Some(prost_types::Timestamp { seconds: i64::from(TODAY) * 86_400, nanos: 0 }),
        value: 1_000.0,
        post_hash: None,
    };
    parts.push(("counters", SignalBatch { counters: vec![followers], ..likes(4, &[]) }));
    let unnamed = BatchedInteraction {
        actor_account_id: None,
        ..by(5, "like", &[0], 1, None).interactions.remove(0)
    };
    parts.push(("unnamed", SignalBatch { interactions: vec![unnamed], ..likes(5, &[]) }));
    for (_, batch) in &parts {
        world.apply(batch.clone()).await.expect("applied");
    }
    let post = |hash: u8, day| BatchedPost {
        account_id: 11,
        network: "bluesky".to_owned(),
        post_hash: vec![hash; 16],
        day,
        signal: 0,
    };
    let posts = vec![post(7, TODAY - 2), post(8, TODAY - 20)];
    world.apply(SignalBatch { posts, ..likes(6, &[]) }).await.expect("applied");
    world.passed().await;
    parts
}

async fn explain(world: &World, person: &str, since_days: i64) -> Result<Explanation, Status> {
    let since = world.running.clock.now() - Duration::days(since_days);
    let request = ExplainScoreRequest {
        subject: Some(explain_score_request::Subject::Person(person.to_owned())),
        since_time: (since_days != 0).then(|| timestamp(since)),
    };
    let response = world.client().explain_score(request).await?.into_inner();
    Ok(response.explanation.expect("always present"))
}

fn sum(contributions: &[Contribution]) -> f64 {
    contributions.iter().map(|it| it.points).sum()
}

#[tokio::test]
async fn every_list_of_contributions_adds_up_to_the_score() {
    let world = World::start().await;
    town(&world).await;
    let score = world.score(1).await;
    let explanation = explain(&world, "1", 0).await.expect("explained");
    let points = score.score.expect("known");
    for (name, list) in [
        ("networks", &explanation.networks),
        ("dimensions", &explanation.dimensions),
        ("kinds", &explanation.kinds),
        ("posts", &explanation.posts),
        ("actor_classes", &explanation.actor_classes),
    ] {
        assert!((sum(list) - points).abs() < 0.01, "{name}: {list:?} for {points}");
        assert!(list.iter().all(|it| it.points >= 0.0), "{name}: {list:?}");
    }
    assert_eq!(explanation.score, Some(score), "what is explained is what is read");
    assert!(explanation.low_score <= points && points <= explanation.high_score);
    assert!(!explanation.counterfactuals.is_empty());
    assert!(explanation.counterfactuals.iter().all(|it| it.change > 0.0));
}

#[tokio::test]
async fn what_a_kind_is_said_to_be_worth_is_lost_when_it_is_taken_back() {
    let world = World::start().await;
    let parts = town(&world).await;
    let before = world.score(1).await.score.expect("known");
    let explanation = explain(&world, "1", 0).await.expect("explained");
    let mut told = Vec::new();
    for ((kind, batch), id) in parts.into_iter().zip(100..) {
        world.apply(retracted(id, &batch)).await.expect("applied");
        world.scored().await;
        let lost = before - world.score(1).await.score.expect("known");
        world.apply(SignalBatch { batch_id: vec![id + 50; 16], ..batch }).await.expect("applied");
        world.scored().await;
        let named = explanation.kinds.iter().find(|it| it.name == kind);
        let named = named.unwrap_or_else(|| panic!("{kind} is not in {:?}", explanation.kinds));
        assert!((named.without - lost).abs() < 1e-9, "{kind}: {lost} and {named:?}");
        told.push((lost, kind));
    }
    told.sort_by(|one, other| other.0.total_cmp(&one.0));
    let lost: Vec<_> = told.iter().map(|(_, kind)| *kind).collect();
    let listed = explanation.kinds.iter().map(|it| it.name.as_str());
    let listed: Vec<_> = listed.filter(|name| *name != "floor").collect();
    assert_eq!(listed, lost, "in the order of what is lost");
}

#[tokio::test]
async fn what_changed_since_a_day_adds_up_to_the_change() {
    let world = World::start().await;
    town(&world).await;
    let before = world.score(1).await.score.expect("known");
    let noon = world.running.clock.now();
    world.running.clock.set(noon + Duration::days(1));
    let more = by(7, "like", &[44, 55, 66], -1, None);
    world.apply(more).await.expect("applied");
    world.passed().await;
    let after = world.score(1).await.score.expect("known");
    let explanation = explain(&world, "1", 1).await.expect("explained");
    assert_eq!(explanation.since_score, Some(before));
    assert!((sum(&explanation.changes) - (after - before)).abs() < 0.01, "{explanation:?}");
}

#[tokio::test]
async fn a_score_that_was_simulated_comes_true() {
    let world = World::start().await;
    town(&world).await;
    let event = SimulatedEvent {
        network: "bluesky".to_owned(),
        kind: "reshare".to_owned(),
        count: 3,
        actor_class: "unknown".to_owned(),
    };
    let simulate = async |person: &str, events: Vec<SimulatedEvent>| {
        let subject = Some(simulate_score_request::Subject::Person(person.to_owned()));
        let request = SimulateScoreRequest { subject, events };
        Ok::<_, Status>(world.client().simulate_score(request).await?.into_inner())
    };
    let simulated = simulate("1", vec![event.clone()]).await.expect("simulated");
    assert_eq!(simulated.score.as_ref().and_then(|it| it.score), world.score(1).await.score);
    // Strangers nobody has seen, so no pass is needed to know them.
    world.apply(by(8, "reshare", &[801, 802, 803], 0, None)).await.expect("applied");
    world.scored().await;
    assert_eq!(world.score(1).await.score, Some(simulated.simulated_score));

    let of = |kind: &str, network: &str, count| SimulatedEvent {
        kind: kind.to_owned(),
        network: network.to_owned(),
        count,
        ..event.clone()
    };
    for (person, events, code, reason) in [
        ("1", vec![], Code::InvalidArgument, "FIELD_INVALID"),
        ("1", vec![event.clone(); 101], Code::InvalidArgument, "FIELD_INVALID"),
        ("1", vec![of("adore", "bluesky", 1)], Code::InvalidArgument, "FIELD_INVALID"),
        ("1", vec![of("like", "Not a network!", 1)], Code::InvalidArgument, "FIELD_INVALID"),
        ("1", vec![of("like", "bluesky", 0)], Code::InvalidArgument, "FIELD_INVALID"),
        ("404", vec![event.clone()], Code::NotFound, "PERSON_UNKNOWN"),
    ] {
        let refused = simulate(person, events).await.expect_err("refused");
        assert_eq!(told(&refused), (code, reason.to_owned()), "{person}");
    }
}

#[tokio::test]
async fn posts_are_listed_by_what_they_earned() {
    let world = World::start().await;
    town(&world).await;
    let (mut moments, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListMomentsRequest { person: "1".to_owned(), page_size: 1, page_token };
        let page = world.client().list_moments(request).await.expect("a page").into_inner();
        assert!(page.moments.len() <= 1);
        moments.extend(page.moments);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let posts: Vec<_> = moments.iter().map(|it| it.post.as_str()).collect();
    // Three whole people; four are left of reactions of twenty days ago, one of them a stranger.
    assert_eq!(posts, ["07".repeat(16), "08".repeat(16)]);
    assert!(moments[0].points > moments[1].points && moments[1].points > 0.0);
    assert_eq!(moments[1].counts[0].count, 4);
}

#[tokio::test]
async fn what_cannot_be_explained_is_refused() {
    let world = World::start().await;
    town(&world).await;
    for (person, since_days, code, reason) in [
        ("404", 0, Code::NotFound, "PERSON_UNKNOWN"),
        ("2", 0, Code::FailedPrecondition, "SCORE_UNKNOWN"),
        ("x", 0, Code::InvalidArgument, "FIELD_INVALID"),
        ("1", -2, Code::InvalidArgument, "FIELD_INVALID"),
    ] {
        let refused = explain(&world, person, since_days).await.expect_err("refused");
        assert_eq!(told(&refused), (code, reason.to_owned()), "{person} {since_days}");
    }
}
