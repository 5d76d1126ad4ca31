//! Percentiles, published in steps while people are rescored.

use klout_proto::score::v1::{ListScoresRequest, ListTopScoresRequest, Score};
use klout_score_math::percentile;
use sqlx::PgPool;

use crate::world::{World, likes};

/// More than two steps place.
const PEOPLE: i64 = 2_500;

/// Accounts are numbered from here.
const ACCOUNTS: i64 = 100_000;

/// Members who got 1 to 50 likes, each like of another actor.
async fn world_of_many() -> World {
    let world = World::start().await;
    let members: Vec<_> = (1..=PEOPLE).map(|person| (ACCOUNTS + person, person)).collect();
    world.own_all(&members).await;
    for (id, some) in (1..).zip(members.chunks(100)) {
        let all: Vec<_> = some
            .iter()
            .flat_map(|(account, person)| (0..=person % 50).map(|actor| (*account, actor, 1)))
            .collect();
        world.apply(likes(id, &all)).await.expect("applied");
    }
    world
}

async fn everybody(world: &World) -> Vec<Score> {
    let (mut scores, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListTopScoresRequest { page_size: 1_000, page_token, ..Default::default() };
        let page = world.client().list_top_scores(request).await.expect("a page").into_inner();
        scores.extend(page.scores);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return scores;
        }
    }
}

async fn publications(db: &PgPool) -> i64 {
    sqlx::query_scalar("select publication from scoring.standing")
        .fetch_one(db)
        .await
        .expect("the standing")
}

#[tokio::test]
async fn percentiles_are_exact_once_nothing_is_on_its_way_whatever_came_while_they_were_published()
{
    let world = world_of_many().await;
    for id in 50..90 {
        let person = 1 + i64::from(id) * 31 % PEOPLE;
        let more: Vec<_> = (100..400).map(|actor| (ACCOUNTS + person, actor, 2)).collect();
        world.apply(likes(id, &more)).await.expect("applied");
    }
    world.scored().await;

    let scores = everybody(&world).await;
    assert_eq!(i64::try_from(scores.len()), Ok(PEOPLE));
    let mut ranking: Vec<f64> = scores.iter().map(|score| score.score.expect("known")).collect();
    ranking.sort_by(f64::total_cmp);
    for score in &scores {
        let exact = percentile(&ranking, score.score.expect("known"));
        assert_eq!(score.percentile, Some(exact), "{score:?}");
        assert_eq!(world.score(score.person.parse().expect("a number")).await, *score, "cached");
    }
    for score in scores.iter().step_by(100) {
        let request =
            ListScoresRequest { person: score.person.clone(), ..ListScoresRequest::default() };
        let history = world.client().list_scores(request).await.expect("a page").into_inner();
        assert_eq!(history.scores[0].percentile, score.percentile, "today's row");
    }
}

#[tokio::test]
async fn a_publication_that_nothing_is_heard_of_is_taken_over() {
    let world = World::start().await;
    let db = world.stores.db().await;
    sqlx::query(
        "update scoring.standing set publication = 7, publishing_until = now() + interval '1 s'",
    )
    .execute(&db)
    .await
    .expect("somebody publishes");
    world.own(11, 1, 1).await;
    world.apply(likes(1, &[(11, 90, 1)])).await.expect("applied");

    world.scored().await;

    assert!(publications(&db).await > 7, "under a number of its own");
}
