//! How signals and memberships become scores.

use klout_proto::{
    score::v1::ListScoresRequest,
    signal::v1::{BatchedCounter, BatchedPost, SignalBatch},
};
use klout_testkit::{Stores, evidence};
use tonic::Code;

use crate::world::{TODAY, World, likes, retracted, told};

/// The same reactions in three batches.
fn batches() -> [SignalBatch; 3] {
    [
        likes(1, &[(11, 90, 1), (12, 90, 2), (11, 91, 1)]),
        likes(2, &[(11, 92, 4), (11, 90, 1)]),
        likes(3, &[(12, 93, 1), (13, 90, 1)]),
    ]
}

/// The scores of 1, 2 and 3, who own 11, 12 and 13.
async fn scores(world: &World) -> Vec<Option<f64>> {
    let mut scores = Vec::new();
    for person in 1..=3 {
        scores.push(world.score(person).await.score);
    }
    scores
}

async fn own_all(world: &World) {
    for person in 1..=3 {
        world.own(10 + person, person, 1).await;
    }
}

#[tokio::test]
async fn a_signal_about_a_members_account_becomes_a_score_and_todays_history() {
    let world = World::start().await;
    world.own(11, 1, 1).await;

    world.apply(likes(1, &[(11, 90, 3)])).await.expect("applied");
    world.scored().await;

    let score = world.score(1).await;
    assert_eq!(score.state, "KNOWN");
    assert!(score.score.is_some_and(|score| score > 1.0 && score <= 100.0), "{score:?}");
    assert_eq!(score.percentile, Some(50.0), "half of those equal: the only member");
    let request = ListScoresRequest { person: "1".to_owned(), ..ListScoresRequest::default() };
    let history = world.client().list_scores(request).await.expect("history").into_inner();
    assert_eq!(history.scores, [score]);
}

#[tokio::test]
async fn neither_order_nor_repetition_of_what_is_pushed_changes_a_score() {
    let straight = World::start().await;
    own_all(&straight).await;
    for batch in batches() {
        assert!(!straight.apply(batch).await.expect("applied"));
    }
    straight.scored().await;

    let crooked = World::start().await;
    for batch in batches().into_iter().rev() {
        assert!(!crooked.apply(batch.clone()).await.expect("applied"));
        assert!(crooked.apply(batch).await.expect("applied"), "told that it was applied before");
    }
    own_all(&crooked).await;
    own_all(&crooked).await;
    crooked.scored().await;

    assert_eq!(scores(&straight).await, scores(&crooked).await);
    assert_eq!(
        evidence(&straight.stores.db().await).await,
        evidence(&crooked.stores.db().await).await
    );
}

#[tokio::test]
async fn a_scoring_that_is_restarted_and_sent_everything_again_ends_with_the_same_cells() {
    let stores = Stores::fresh().await;
    let world = World::start_on(stores.clone()).await;
    own_all(&world).await;
    for batch in batches() {
        world.apply(batch).await.expect("applied");
    }
    world.scored().await;
    let before = (evidence(&stores.db().await).await, scores(&world).await);
    world.running.stop().await.expect("stopped in order");

    let world = World::start_on(stores.clone()).await;
    for batch in batches() {
        assert!(world.apply(batch).await.expect("applied"));
    }
    own_all(&world).await;
    world.scored().await;

    assert_eq!((evidence(&stores.db().await).await, scores(&world).await), before);
}

#[tokio::test]
async fn batches_that_come_at_once_lose_nothing() {
    let world = World::start().await;
    own_all(&world).await;
    let many = (0..24).map(|id| {
        let mut batch = likes(id, &[(11, 90, 1), (12, 90, 1), (13, 90, 1)]);
        if id % 2 == 0 {
            batch.interactions.reverse();
        }
        world.apply(batch)
    });

    for applied in futures::future::join_all(many).await {
        assert!(!applied.expect("applied"));
    }

    let evidence = evidence(&world.stores.db().await).await;
    assert_eq!(evidence.len(), 3);
    for (account, (of_account, _)) in evidence {
        let counts: Vec<i64> = of_account.cells.iter().map(|cell| cell.count).collect();
        assert_eq!(counts, [24], "{account}");
    }
}

#[tokio::test]
async fn an_account_takes_its_evidence_to_its_new_owner() {
    let world = World::start().await;
    world.apply(likes(1, &[(11, 90, 3)])).await.expect("applied");
    world.own(11, 1, 5).await;
    world.scored().await;
    let before = world.score(1).await.score;

    world.own(11, 2, 6).await;
    world.scored().await;
    assert_eq!(world.score(2).await.score, before);
    assert_eq!(world.score(1).await.state, "UNKNOWN");

    world.own(11, 1, 4).await;
    world.scored().await;
    assert_eq!(world.score(2).await.score, before, "an older revision changes nothing");
}

#[tokio::test]
async fn what_leaves_the_window_does_not_count_after_the_day_that_it_leaves() {
    let world = World::start().await;
    world.own(11, 1, 1).await;
    let mut batch = likes(1, &[(11, 90, 3), (11, 91, 3)]);
    batch.interactions[0].day = TODAY - 89;
    batch.interactions[1].day = TODAY - 90;

    world.apply(batch).await.expect("applied");
    world.scored().await;

    let mut alone = likes(2, &[(12, 90, 3)]);
    alone.interactions[0].day = TODAY - 89;
    world.own(12, 2, 1).await;
    world.apply(alone).await.expect("applied");
    world.scored().await;
    assert_eq!(world.score(1).await.score, world.score(2).await.score);
}

#[tokio::test]
async fn a_batch_that_cannot_be_is_refused_and_changes_nothing() {
    let world = World::start().await;
    let mut batch = likes(1, &[(11, 90, 1), (12, 90, 1)]);
    batch.interactions[1].kind = "adore".to_owned();

    let refused = world.apply(batch).await.expect_err("refused");

    assert_eq!(told(&refused), (Code::InvalidArgument, "BATCH_MALFORMED".to_owned()));
    assert!(evidence(&world.stores.db().await).await.is_empty());
    assert!(!world.apply(likes(1, &[(11, 90, 1)])).await.expect("applied"), "its id is free");
}

/// Followers of account 11, as read on the day so many days before today.
fn followers(id: u8, days_before: i64, value: f64) -> SignalBatch {
    let seconds = (i64::from(TODAY) - days_before) * 86_400;
    let counter = BatchedCounter {
        account_id: 11,
        network: "bluesky".to_owned(),
        name: "follower_count".to_owned(),
        read_time: Some(prost_types::Timestamp { seconds, nanos: 0 }),
        value,
        post_hash: None,
    };
    SignalBatch { counters: vec![counter], ..likes(id, &[]) }
}

#[tokio::test]
async fn what_is_taken_back_was_never_there_whichever_arrives_first() {
    let untouched = World::start().await;
    own_all(&untouched).await;
    untouched.apply(likes(1, &[(11, 90, 1), (12, 91, 2)])).await.expect("applied");
    untouched.scored().await;

    for retraction_first in [false, true] {
        let world = World::start().await;
        own_all(&world).await;
        world.apply(likes(1, &[(11, 90, 1), (12, 91, 2)])).await.expect("applied");
        let wrong = likes(2, &[(11, 92, 5), (12, 91, 3), (13, 90, 1)]);
        let mut batches = [wrong.clone(), retracted(3, &wrong)];
        if retraction_first {
            batches.reverse();
        }
        for batch in batches {
            world.apply(batch).await.expect("applied");
            world.scored().await;
        }
        assert_eq!(scores(&world).await, scores(&untouched).await);
        assert_eq!(world.score(3).await.state, "UNKNOWN", "evidence that is gone is none");
    }
}

#[tokio::test]
async fn who_has_no_evidence_left_has_no_score_of_today_in_the_history_either() {
    let world = World::start().await;
    own_all(&world).await;
    let told = likes(1, &[(11, 90, 3)]);
    world.apply(told.clone()).await.expect("applied");
    world.scored().await;
    world.apply(retracted(2, &told)).await.expect("applied");
    world.scored().await;

    let request = ListScoresRequest { person: "1".to_owned(), ..ListScoresRequest::default() };
    let history = world.client().list_scores(request).await.expect("history").into_inner();
    assert_eq!(history.scores, []);
}

#[tokio::test]
async fn of_readings_the_newest_counts_in_any_order_and_the_one_before_when_it_is_taken_back() {
    let alone = World::start().await;
    alone.own(11, 1, 1).await;
    alone.apply(followers(1, 5, 1_000.0)).await.expect("applied");
    alone.scored().await;
    let at_a_thousand = alone.score(1).await.score;
    alone.apply(followers(2, 1, 10.0)).await.expect("applied");
    alone.scored().await;
    let at_ten = alone.score(1).await.score;
    assert!(at_ten < at_a_thousand);

    let late = World::start().await;
    late.own(11, 1, 1).await;
    late.apply(followers(1, 1, 10.0)).await.expect("applied");
    late.apply(followers(2, 5, 1_000.0)).await.expect("applied");
    late.scored().await;
    assert_eq!(late.score(1).await.score, at_ten, "a late reading is an old one");

    late.apply(retracted(3, &followers(0, 1, 10.0))).await.expect("applied");
    late.scored().await;
    assert_eq!(late.score(1).await.score, at_a_thousand);
}

#[tokio::test]
async fn a_day_that_comes_in_the_middle_of_everything_scores_everybody_as_of_it() {
    let world = World::start().await;
    own_all(&world).await;
    let noon = world.running.clock.now();
    for day in 1..=20 {
        let today = noon + time::Duration::days(i64::from(day));
        // Work goes on while the clock moves.
        let newcomer = 100 + i64::from(day);
        let applied = async {
            world.apply(likes(day, &[(11, 90, 1), (newcomer, 90, 1)])).await.expect("applied");
            world.own(newcomer, newcomer, 1).await;
        };
        tokio::join!(applied, async { world.running.clock.set(today) });
        world.scored().await;
        for person in [1, 2, newcomer] {
            let scored = world.score(person).await.score_time.expect("a time");
            assert_eq!(scored.seconds, today.unix_timestamp(), "person {person}");
        }
    }
}

#[tokio::test]
async fn a_post_that_is_told_of_two_days_and_taken_back_on_one_ends_the_same_in_any_order() {
    let post = |day| BatchedPost {
        account_id: 11,
        network: "bluesky".to_owned(),
        post_hash: vec![7; 16],
        day,
        signal: 0,
    };
    let told = |id, day| SignalBatch { posts: vec![post(day)], ..likes(id, &[(11, 90, 9)]) };
    let early = TODAY - 89;
    let retracted = SignalBatch { retracted_posts: vec![post(early)], ..likes(3, &[]) };
    let batches = [told(1, early), told(2, TODAY), retracted];
    let mut scores = Vec::new();
    for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
        let world = World::start().await;
        world.own(11, 1, 1).await;
        for index in order {
            world.apply(batches[index].clone()).await.expect("applied");
        }
        world.scored().await;
        scores.push(world.score(1).await.amplification);
    }
    assert!(scores.iter().all(|score| *score == scores[0]), "{scores:?}");
}

#[tokio::test]
async fn what_belongs_to_a_post_is_moved_when_the_reaction_is_about_another_one() {
    let world = World::start().await;
    world.own(11, 1, 1).await;
    let about = |id, post: u8| {
        let mut batch = likes(id, &[(11, 90, 1)]);
        batch.interactions[0].post_hash = Some(vec![post; 16]);
        batch
    };
    world.apply(about(1, 7)).await.expect("applied");
    // In one batch the cell comes and goes, and what belongs to posts does not.
    let moved = SignalBatch { retracted_interactions: about(0, 7).interactions, ..about(2, 8) };
    world.apply(moved).await.expect("applied");
    let (_, tallies) = &evidence(&world.stores.db().await).await[&11];
    let posts: Vec<_> = tallies.iter().map(|it| (it.post, it.count)).collect();
    assert_eq!(posts, [([8; 16], 1)]);
}
