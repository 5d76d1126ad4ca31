//! What people are influential about, and by what.

use std::collections::BTreeMap;

use klout_proto::{
    signal::v1::SignalBatch,
    topic::v1::{EvidenceFamilies, PersonTopic},
};
use klout_testkit::Stores;

use crate::{
    signals::{FANS, batch, interaction, known_for, likes, lists, retracted, says},
    world::{GARDEN, Members, World, slug},
};

async fn apply(world: &World, batches: impl IntoIterator<Item = SignalBatch>) {
    for batch in batches {
        world.apply(batch).await.expect("applied");
    }
    world.settled().await;
}

async fn families(world: &World, person: i64, topic: &str) -> EvidenceFamilies {
    let explained = world.explain(person, topic).await;
    explained.topic.expect("always present").families.unwrap_or_default()
}

#[tokio::test]
async fn who_is_reacted_to_for_it_on_several_days_is_known_for_a_topic_and_all_that_it_is_part_of()
{
    let world = World::in_the_garden().await;
    world.join(1, 71).await;
    apply(&world, known_for(1, "My tomatoes are ripe", 4)).await;

    let earned: Vec<String> = world.earned(71).await.into_iter().collect();
    assert_eq!(earned, ["food", "gardening", "nature", "tomatoes"]);
    for topic in ["tomatoes", "gardening", "nature", "food"] {
        let experts = world.experts(topic).await;
        assert_eq!(experts.len(), 1, "{topic}");
        let (expert, mostly) = (&experts[0], experts[0].mostly.as_ref().expect("always present"));
        assert_eq!((expert.person.as_str(), expert.rank, expert.people), ("71", 1, 4));
        assert_eq!(mostly.slug, "tomatoes");
        assert!((1.0..=100.0).contains(&expert.score));
    }
    let topics = world.topics(71).await;
    let tomatoes = topics.iter().find(|it| slug(it) == "tomatoes").expect("listed");
    assert_eq!((tomatoes.rank, tomatoes.percentile), (Some(1), Some(50.0)));
    assert_eq!((tomatoes.posts, tomatoes.networks.as_slice()), (3, &["bluesky".to_owned()][..]));
}

#[tokio::test]
async fn each_of_the_four_families_adds_strength() {
    let world = World::in_the_garden().await;
    for (account, person) in [(1, 71), (2, 2_000)] {
        world.join(account, person).await;
    }
    apply(&world, [says(1, 7, 0, "tomatoes")]).await;
    let written = families(&world, 71, "tomatoes").await;
    assert!(written.written > 0.0 && written.reacted == 0.0, "{written:?}");

    apply(&world, [likes(1, 7, 3)]).await;
    let reacted = families(&world, 71, "tomatoes").await;
    assert!(reacted.reacted > 0.0 && reacted.said == 0.0, "{reacted:?}");

    apply(&world, [lists(1, "tomatoes", 3)]).await;
    let said = families(&world, 71, "tomatoes").await;
    assert!(said.said > 0.0 && said.influencers == 0.0, "{said:?}");

    apply(&world, known_for(2, "tomatoes", 8)).await;
    let follows = SignalBatch { interactions: vec![interaction("follow", 1, 2, None)], ..batch() };
    apply(&world, [follows]).await;
    world.passed().await;
    let influenced = families(&world, 71, "tomatoes").await;
    assert!(influenced.influencers > 0.0, "{influenced:?}");
}

#[tokio::test]
async fn one_post_about_a_hurricane_makes_no_expert_on_hurricanes_however_many_react() {
    let world = World::in_the_garden().await;
    world.join(1, 71).await;
    apply(&world, [says(1, 7, 0, "what a tropical storm"), likes(1, 7, 500)]).await;

    assert!(world.earned(71).await.is_empty());
    assert!(world.experts("hurricanes").await.is_empty());
    let explained = world.explain(71, "hurricanes").await;
    assert!(!explained.missing.is_empty(), "it is told what is missing");
    assert_eq!(explained.posts[0].people, 500);
}

#[tokio::test]
async fn who_is_nobody_makes_no_expert() {
    let world = World::in_the_garden().await;
    (FANS..FANS + 4).for_each(|account| world.epoch.doubt(account));
    world.join(1, 71).await;
    apply(&world, known_for(1, "tomatoes", 4)).await;

    assert!(world.earned(71).await.is_empty());
}

#[tokio::test]
async fn what_is_taken_back_has_no_effect_any_more() {
    let world = World::in_the_garden().await;
    world.join(1, 71).await;
    let told = known_for(1, "tomatoes", 4);
    apply(&world, told.clone()).await;
    let with_likes = families(&world, 71, "tomatoes").await;

    let called = lists(1, "tomatoes", 3);
    apply(&world, [called.clone()]).await;
    assert!(families(&world, 71, "tomatoes").await.said > 0.0);
    apply(&world, [retracted(&called)]).await;
    assert_eq!(families(&world, 71, "tomatoes").await, with_likes, "a label");

    for likes in [1, 3, 5] {
        apply(&world, [retracted(&told[likes])]).await;
    }
    let fewer = families(&world, 71, "tomatoes").await;
    assert!(fewer.reacted == 0.0 && fewer.written > 0.0, "likes");

    for post in [0, 2, 4] {
        apply(&world, [retracted(&told[post])]).await;
    }
    assert!(world.earned(71).await.is_empty(), "posts");
    let explained = world.explain(71, "tomatoes").await;
    assert!(explained.posts.is_empty());
    assert_eq!(world.rows("post_topic").await, 0);
}

#[tokio::test]
async fn the_order_of_batches_does_not_change_a_bit() {
    let mut all: Vec<SignalBatch> = known_for(1, "tomatoes and the lambing season", 5);
    all.extend(known_for(2, "gardening in a tropical storm", 4));
    all.push(lists(1, "gardening", 3));
    all.push(lists(2, "food", 4));
    let taken_back = says(1, 999, 1, "food");
    all.push(taken_back.clone());
    all.push(retracted(&taken_back));
    all.push(SignalBatch { interactions: vec![interaction("follow", 1, 2, None)], ..batch() });

    let mut seen: Vec<BTreeMap<(i64, String), Vec<u64>>> = Vec::new();
    for order in 0..3 {
        let world = World::in_the_garden().await;
        let mut batches = all.clone();
        match order {
            0 => {}
            1 => batches.reverse(),
            _ => batches.rotate_left(5),
        }
        // Some are told again, and people join before, between and after.
        for (place, batch) in batches.iter().enumerate() {
            match place {
                2 => world.join(1, 71).await,
                9 => world.join(2, 2_000).await,
                _ => {}
            }
            world.apply(batch.clone()).await.expect("applied");
            if place % 3 == 0 {
                assert!(world.apply(batch.clone()).await.expect("repeated"));
                world.settled().await;
            }
        }
        world.passed().await;
        let mut bits = BTreeMap::new();
        for person in [71, 2_000] {
            for topic in world.topics(person).await {
                bits.insert((person, slug(&topic)), bits_of(&topic));
            }
        }
        assert!(!bits.is_empty());
        seen.push(bits);
    }
    for other in &seen[1..] {
        assert_eq!(seen[0].keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
        for (topic, bits) in &seen[0] {
            assert_eq!(Some(bits), other.get(topic), "{topic:?}");
        }
    }
}

fn bits_of(topic: &PersonTopic) -> Vec<u64> {
    let families = topic.families.unwrap_or_default();
    let numbers = [
        topic.strength,
        topic.score.unwrap_or(0.0),
        families.written,
        families.reacted,
        families.said,
        families.influencers,
        topic.percentile.unwrap_or(0.0),
    ];
    numbers.map(f64::to_bits).to_vec()
}

#[tokio::test]
async fn experts_of_a_part_are_experts_of_the_whole() {
    let world = World::in_the_garden().await;
    let words = [
        "tomatoes",
        "the lambing season",
        "gardening",
        "food",
        "a tropical storm",
        "tomatoes in the lambing season",
    ];
    for (account, words) in (1..).zip(words) {
        world.join(account, 100 + account).await;
        let fans = 3 + account;
        apply(&world, known_for(account, words, fans)).await;
    }
    for (part, whole) in [
        ("tomatoes", "gardening"),
        ("tomatoes", "food"),
        ("gardening", "nature"),
        ("lambs", "animals"),
        ("animals", "nature"),
        ("hurricanes", "nature"),
    ] {
        let of_part = world.people(part).await;
        let of_whole = world.people(whole).await;
        assert!(!of_part.is_empty(), "{part}");
        for person in of_part {
            assert!(of_whole.contains(&person), "{person} of {part} in {whole}");
        }
    }
}

#[tokio::test]
async fn what_is_sensitive_is_neither_kept_nor_shown_unless_declared() {
    let world = World::in_the_garden().await;
    world.join(1, 71).await;
    apply(&world, known_for(1, "diabetes and tomatoes", 4)).await;
    apply(&world, [lists(1, "diabetes", 4)]).await;

    let kept: i64 =
        sqlx::query_scalar("select count(*) from topics.post_topic where topic_id = $1")
            .bind(10_000_000_000_000_020_305_u64.cast_signed())
            .fetch_one(&world.stores.db().await)
            .await
            .expect("a count");
    assert_eq!(kept, 0);
    assert!(world.experts("diabetes").await.is_empty());
    assert!(world.experts("health").await.is_empty());
    let explained = world.explain(71, "diabetes").await;
    assert!(explained.posts.is_empty() && explained.labels.is_empty());
    assert!(world.earned(71).await.contains("tomatoes"));

    world.declare(71, &["diabetes"]).await.expect("declared");
    world.settled().await;
    assert_eq!(world.people("diabetes").await, [71]);
    assert!(world.experts("health").await.is_empty(), "only what was declared");

    world.declare(71, &[]).await.expect("declared");
    assert!(world.experts("diabetes").await.is_empty(), "at once");
    world.settled().await;
    assert!(world.experts("diabetes").await.is_empty());
}

#[tokio::test]
async fn two_replicas_share_the_work_and_agree() {
    let stores = Stores::fresh().await;
    let one = World::start_on(stores, Members::default(), &[]).await;
    one.import("1", &[("garden.toml", GARDEN)]).await.expect("an ontology");
    let other = one.beside().await;
    for account in 1..=20 {
        let (world, rest) = if account % 2 == 0 { (&one, &other) } else { (&other, &one) };
        rest.members.know(klout_proto::graph::v1::Membership::default());
        world.join(account, 100 + account).await;
        for batch in known_for(account, "tomatoes", 3 + account % 5) {
            world.apply(batch).await.expect("applied");
        }
    }
    one.settled().await;

    assert_eq!(one.people("tomatoes").await.len(), 20);
    assert_eq!(one.experts("gardening").await, other.experts("gardening").await);
    other.veto(101, "gardening").await.expect("vetoed");
    assert!(!one.people("tomatoes").await.contains(&101), "at once, everywhere");
}

#[tokio::test]
async fn a_post_of_ten_thousand_hashtags_and_one_of_64_kib_are_read_like_any_other() {
    let world = World::in_the_garden().await;
    world.join(1, 71).await;
    let tags: String = (0..10_000).map(|it| format!("#tag{it} ")).collect();
    let long = "tomatoes 🍅 ".repeat(64 * 1024 / 14);
    apply(
        &world,
        [says(1, 7, 0, &tags), says(1, 8, 0, &long), says(1, 9, 0, "🍅"), says(1, 10, 0, "")],
    )
    .await;

    let read: i64 =
        sqlx::query_scalar("select count(*) from topics.post where read_generation > 0")
            .fetch_one(&world.stores.db().await)
            .await
            .expect("a count");
    assert_eq!(read, 4);
}
