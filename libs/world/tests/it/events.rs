//! Every event is one that a network could tell.

use std::collections::HashSet;

use klout_model::Day;
use klout_world::{Account, Content, DAYS, Recipe, World};
use proptest::prelude::*;
use time::macros::date;

use crate::world;

/// What identifies an account.
fn key(account: &Account) -> (&str, &str) {
    (account.network.as_str(), account.native_id.as_str())
}

fn check_every_event(world: &World) {
    let accounts: HashSet<_> = world.accounts().map(key).collect();
    let mut signals = HashSet::new();
    let mut posts = HashSet::new();
    for number in 0..DAYS {
        let day = Day::from_date(world.first_day().to_date() + time::Duration::days(number.into()));
        let mut before = None;
        for event in world.day(number) {
            assert_eq!(Day::of(event.time), day, "an event is within its day");
            assert!(before <= Some(event.time), "events come in the order of time");
            before = Some(event.time);
            assert!(
                signals.insert(event.signal_id.clone()),
                "signal {} comes twice",
                event.signal_id
            );
            let (account, other) = match &event.content {
                Content::Interaction { actor, subject, count, post, .. } => {
                    assert_ne!(*actor, Some(*subject), "nobody reacts to themselves");
                    assert!(count.get() >= 1);
                    if let Some(post) = post {
                        assert!(posts.contains(&(key(subject), post.clone())), "posts come first");
                    }
                    (*subject, *actor)
                }
                Content::Post { account, post, text, tags } => {
                    assert!(posts.insert((key(account), post.clone())), "post {post} comes twice");
                    assert!((1..300).contains(&text.len()) && !tags.is_empty());
                    (*account, None)
                }
                Content::Counter { account, .. } => (*account, None),
            };
            for account in [Some(account), other].into_iter().flatten() {
                assert_eq!(account.network, *event.network, "an event stays on its network");
                assert!(accounts.contains(&key(account)));
            }
        }
    }
    assert!(!signals.is_empty());
}

#[test]
fn every_event_of_a_world_is_valid() {
    check_every_event(&world(1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn every_event_is_valid_whatever_the_recipe(
        seed: u64,
        people in 200_u32..400,
        joined in 0.0..=1.0,
        last_day in 365..84_000_i32,
    ) {
        let last_day = date!(1970 - 01 - 01) + time::Duration::days(last_day.into());
        let mut recipe = Recipe::new(seed, people, Day::from_date(last_day));
        recipe.joined = joined;
        check_every_event(&World::new(&recipe).expect("a recipe in range"));
    }
}

#[test]
fn accounts_differ_and_look_like_those_of_their_networks() {
    let world = world(1);
    let mut keys = HashSet::new();
    let mut handles = HashSet::new();
    for account in world.accounts() {
        let (network, id) = key(account);
        let handle = account.handle.as_str();
        assert!(keys.insert((network, id)), "{id} comes twice");
        assert!(handles.insert((network, handle)), "{handle} comes twice");
        let (good_id, made_up) = match network {
            "bluesky" => {
                (id.starts_with("did:plc:") && id.len() == 32, handle.ends_with(".example"))
            }
            "mastodon" => (id.starts_with("https://"), handle.ends_with(".example")),
            "github" => (id == format!("login/{handle}"), handle.contains("--")),
            _ => panic!("no such network"),
        };
        assert!(good_id && made_up, "{id} {handle}");
    }
}

#[test]
fn a_member_has_up_to_three_accounts_on_different_networks() {
    let world = world(1);
    let mut owned = 0;
    let mut numbers = HashSet::new();
    for member in world.members() {
        assert!(numbers.insert(member.number()));
        assert!(member.name().contains(' '));
        let networks: HashSet<_> = member.accounts().map(|account| &account.network).collect();
        assert_eq!(networks.len(), member.accounts().len());
        assert!((1..=3).contains(&networks.len()));
        assert!(member.accounts().all(|it| it.truth.member == Some(member.number())));
        owned += networks.len();
    }
    assert_eq!(owned, world.accounts().filter(|it| it.truth.member.is_some()).count());
    assert!((550..650).contains(&numbers.len()), "six in ten joined: {}", numbers.len());
}
