//! Lists, page by page.

use klout_proto::score::v1::{ListScoresRequest, ListTopScoresRequest, Score};
use klout_testkit::Stores;
use tonic::Code;

use crate::world::{World, likes, told};

/// Seven members; some have the same score.
async fn world_of_seven() -> World {
    let world = World::start().await;
    let mut all = Vec::new();
    for person in 1..=7 {
        world.own(10 + person, person, 1).await;
        // By one each, or by five.
        all.extend((0..if person < 4 { 1 } else { 5 }).map(|actor| (10 + person, 90 + actor, 1)));
    }
    world.apply(likes(1, &all)).await.expect("applied");
    world.scored().await;
    world
}

async fn top(world: &World, page_size: i32) -> Vec<Score> {
    let (mut scores, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListTopScoresRequest { page_size, page_token, ..Default::default() };
        let page = world.client().list_top_scores(request).await.expect("a page").into_inner();
        assert!(page_size == 0 || page.scores.len() <= page_size.unsigned_abs() as usize);
        scores.extend(page.scores);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return scores;
        }
    }
}

#[tokio::test]
async fn the_ranking_is_complete_and_in_order_whatever_the_page() {
    let world = world_of_seven().await;
    let all = top(&world, 0).await;

    assert_eq!(all.len(), 7);
    assert!(all.windows(2).all(|pair| pair[0].score >= pair[1].score));
    for page_size in [1, 2, 3, 7, 1_000_000] {
        assert_eq!(top(&world, page_size).await, all, "{page_size} a page");
    }
}

#[tokio::test]
async fn a_ranking_within_bounds_begins_and_ends_there() {
    let world = world_of_seven().await;
    let all = top(&world, 0).await;
    let (high, low) = (all[0].score.expect("known"), all[6].score.expect("known"));
    let within = async |min_score, max_score, page_size| {
        let (mut scores, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = ListTopScoresRequest { page_size, page_token, min_score, max_score };
            let page = world.client().list_top_scores(request).await.expect("a page").into_inner();
            scores.extend(page.scores);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return scores;
            }
        }
    };
    for page_size in [1, 2, 1_000] {
        assert_eq!(within(Some(low), Some(high), page_size).await, all);
        assert_eq!(within(Some(high), None, page_size).await, all[..4]);
        assert_eq!(within(None, Some(low), page_size).await, all[4..]);
        let between = (low + high) / 2.0;
        assert_eq!(within(Some(between), Some(high), page_size).await, all[..4]);
        assert!(within(Some(between), Some(between), page_size).await.is_empty());
    }
    let request =
        ListTopScoresRequest { min_score: Some(f64::NAN), ..ListTopScoresRequest::default() };
    let refused = world.client().list_top_scores(request).await.expect_err("no number");
    assert_eq!(told(&refused), (Code::InvalidArgument, "FIELD_INVALID".to_owned()));
}

#[tokio::test]
async fn percentiles_count_those_below_and_half_of_the_equal() {
    let world = world_of_seven().await;
    let percentiles: Vec<_> =
        top(&world, 0).await.iter().map(|score| score.percentile.expect("known")).collect();
    let (high, low) = (100.0 * (3.0 + 2.0) / 7.0, 100.0 * 1.5 / 7.0);
    assert_eq!(percentiles, [high, high, high, high, low, low, low]);
}

#[tokio::test]
async fn a_page_that_cannot_be_is_refused() {
    let world = World::start().await;
    let invalid = (Code::InvalidArgument, "FIELD_INVALID".to_owned());
    for (page_size, page_token) in [(-1, ""), (1, "x"), (1, "1.x"), (1, ".")] {
        let page_token = page_token.to_owned();
        let request = ListTopScoresRequest {
            page_size,
            page_token: page_token.clone(),
            ..Default::default()
        };
        let refused = world.client().list_top_scores(request).await.expect_err("refused");
        assert_eq!(told(&refused), invalid);
        let person = "72".to_owned();
        let request = ListScoresRequest {
            person,
            page_size,
            page_token: page_token.clone(),
            ..Default::default()
        };
        let refused = world.client().list_scores(request).await;
        // Any text may be the name of a model, so only the day of such a token can be wrong.
        if page_token != "1.x" {
            assert_eq!(told(&refused.expect_err("refused")), invalid);
        }
    }
}

#[tokio::test]
async fn the_history_has_one_row_a_day_newest_first_and_closed_days_stay() {
    let stores = Stores::fresh().await;
    let mut day_scores = Vec::new();
    for day in 1..=3_u8 {
        let as_of = format!("2018-06-0{day}T12:00:00Z");
        let flags = [("server.as_of", as_of.as_str())];
        let world = World::start_with(stores.clone(), &flags).await;
        world.own(11, 1, 1).await;
        world.apply(likes(day, &[(11, i64::from(day), 5)])).await.expect("applied");
        world.scored().await;
        day_scores.push(world.score(1).await.score);
        world.running.stop().await.expect("stopped in order");
    }
    let world = World::start_with(stores, &[("server.as_of", "2018-06-03T18:00:00Z")]).await;
    world.scored().await;

    let (mut scores, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListScoresRequest {
            person: "1".to_owned(),
            page_size: 2,
            page_token,
            ..Default::default()
        };
        let page = world.client().list_scores(request).await.expect("a page").into_inner();
        scores.extend(page.scores);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }

    let listed: Vec<_> = scores.iter().map(|score| score.score).collect();
    assert_eq!(listed, [day_scores[2], day_scores[1], day_scores[0]]);
    let change = scores[0].day_change.expect("there is a day before");
    let difference = day_scores[2].expect("known") - day_scores[1].expect("known");
    assert!((change - difference).abs() < 1e-9, "{change} is not {difference}");
    assert_eq!(scores[2].day_change, None, "there is no day before the first");
}

#[tokio::test]
async fn the_history_of_nobody_is_not_found_and_that_of_a_newcomer_is_empty() {
    let world = World::start().await;
    let list = async |person: &str| {
        let person = person.to_owned();
        let request = ListScoresRequest { person, page_size: 0, ..Default::default() };
        world.client().list_scores(request).await
    };
    let refused = list("7").await.expect_err("nobody");
    assert_eq!(told(&refused), (Code::NotFound, "PERSON_UNKNOWN".to_owned()));
    assert!(list("72").await.expect("a member").into_inner().scores.is_empty());
}
