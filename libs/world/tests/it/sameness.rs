//! The same seed, the same bits; another seed, another world.

use klout_model::{Day, Kind};
use klout_world::{
    Account, Attack, Attacks, Content, DAYS, Edge, Event, Interactions, Recipe, World,
};
use proptest::prelude::*;
use time::macros::date;

use crate::{recipe, world};

/// Golden: whoever changes a world on purpose puts the new value here. Whoever did not mean to has
/// broken every figure that was measured on it.
const EVENTS: &str = "bde5ced858aa9839";
const ROWS: &str = "384934c6fc3c5c84";

/// Everything that an event says, in a form that no upgrade changes.
fn describe(event: &Event<'_>) -> String {
    let name = |account: &Account| format!("{} {}", account.native_id, account.handle);
    let content = match &event.content {
        Content::Interaction { actor, subject, kind, count, post, label } => {
            let actor = actor.map_or_else(String::new, name);
            let post = post.as_deref().unwrap_or_default();
            // What has no label is described as it was before there were labels.
            let label = label.as_ref().map(|label| format!(" {label}")).unwrap_or_default();
            format!("{actor} {kind} {} {} {post}{label}", name(subject), count.get())
        }
        Content::Post { account, post, text, tags } => {
            format!("{} {post} {text} {}", name(account), tags.join(" "))
        }
        Content::Counter { account, name: counter, value } => {
            format!("{} {counter} {:x}", name(account), value.get().to_bits())
        }
    };
    let time = event.time.unix_timestamp_nanos();
    format!("{time} {} {} {content}", event.network, event.signal_id)
}

#[test]
fn the_same_seed_gives_the_same_bits_on_every_machine() {
    let world = world(1);
    let mut hasher = blake3::Hasher::new();
    for influence in world.accounts().filter_map(Account::influence) {
        hasher.update(&influence.to_bits().to_le_bytes());
    }
    for day in [0, 60, DAYS - 6, DAYS - 1] {
        world.day(day).for_each(|event| {
            hasher.update(describe(&event).as_bytes());
        });
    }
    assert_eq!(hasher.finalize().to_hex()[..16], *EVENTS);

    let mut hasher = blake3::Hasher::new();
    for edge in Interactions::new(1, 100_000, 100_000) {
        let Edge { subject, actor, kind, age, count } = edge;
        hasher.update(format!("{subject} {actor} {kind} {age} {count};").as_bytes());
    }
    assert_eq!(hasher.finalize().to_hex()[..16], *ROWS);
}

#[test]
fn what_people_say_of_one_another_leaves_all_else_as_it_is() {
    let without = world(1);
    let recipe = Recipe { said: 0.1, ..recipe(1) };
    let with = World::new(&recipe).expect("in range");
    let mut more = 0;
    for day in [0, 60, DAYS - 6, DAYS - 1] {
        let events: Vec<_> = without.day(day).map(|it| describe(&it)).collect();
        let mut left = events.iter().peekable();
        for event in with.day(day) {
            let description = describe(&event);
            if left.next_if(|it| **it == description).is_some() {
                continue;
            }
            more += 1;
            let Content::Interaction { actor, subject, kind, label, .. } = &event.content else {
                panic!("{event:?} is of the world without it")
            };
            assert!(matches!(kind, Kind::List | Kind::Endorse), "{event:?}");
            let label = label.as_deref().expect("people say something");
            let topics = subject.topics().iter().map(|it| it.name().replace('-', " "));
            assert!(topics.into_iter().any(|it| label.contains(&it)), "{event:?}");
            assert!(actor.is_some_and(|actor| actor.truth.person != subject.truth.person));
        }
        assert_eq!(left.next(), None, "nothing of the world without it is missing");
    }
    assert!(more > 20, "{more}");
}

#[test]
fn people_say_where_they_live_and_bots_do_not() {
    let world = world(1);
    let homes: Vec<_> = world.members().map(|member| (member, member.home())).collect();
    let told = homes.iter().filter(|(_, home)| home.is_some()).count();
    assert!((60..80).contains(&(100 * told / homes.len())), "{told} of {}", homes.len());
    let cities = homes.iter().filter_map(|(_, home)| home.as_ref()?.city).count();
    assert!(cities > told / 2 && cities < told);
    let countries = homes.iter().filter_map(|(_, home)| Some(home.as_ref()?.country));
    let countries: std::collections::BTreeSet<_> = countries.collect();
    assert!(countries.len() > 10, "{countries:?}");
    for (member, home) in homes {
        let noisy = |account: &Account| account.truth.bought == Some(Attack::NoiseBot);
        assert!(home.is_none() || !member.accounts().any(noisy));
    }
}

#[test]
fn another_seed_gives_another_world() {
    let events = |seed| world(seed).day(60).map(|it| describe(&it)).collect::<Vec<_>>();
    assert_eq!(events(1), events(1));
    assert_ne!(events(1), events(2));
    let handles = |seed| world(seed).accounts().map(|it| it.handle.clone()).collect::<Vec<_>>();
    assert_ne!(handles(1), handles(2));
}

#[test]
fn days_asked_alone_are_the_days_of_all_in_a_row() {
    let world = world(1);
    let mut row = world.events();
    for day in 0..DAYS {
        for event in world.day(day) {
            assert_eq!(row.next(), Some(event));
        }
    }
    assert_eq!(row.next(), None);
}

/// Whether no attack made it.
fn is_honest(event: &Event<'_>, attacked: impl Fn(&Account) -> bool) -> bool {
    let accounts = match &event.content {
        Content::Interaction { actor, subject, .. } => [*actor, Some(*subject)],
        Content::Post { account, .. } | Content::Counter { account, .. } => [Some(*account), None],
    };
    !accounts.into_iter().flatten().any(attacked)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn attacks_leave_honest_people_as_they_are(
        seed: u64,
        day in 0..DAYS,
        fakes in 1_u32..60,
        repeats in 1_u32..9,
    ) {
        let mut with = Recipe::new(seed, 400, Day::from_date(date!(2026 - 10 - 31)));
        let without = Recipe { attacks: Attacks::NONE, ..with.clone() };
        with.attacks = Attacks { fakes, repeats, ..with.attacks };
        let (with, without) =
            (World::new(&with).expect("in range"), World::new(&without).expect("in range"));
        let buys = |account: &Account| account.truth.bought.is_some() || account.is_fake();

        let attacked: Vec<_> = with.day(day).collect();
        for event in without.day(day) {
            let account = |it: &Account| {
                with.accounts().any(|other| other.native_id == it.native_id && buys(other))
            };
            // Whom an attack touches differs in its truth; what it did is still there.
            let ids = attacked.iter().any(|it| it.signal_id == event.signal_id);
            prop_assert!(ids, "{event:?} is missing");
            if is_honest(&event, account) {
                prop_assert!(attacked.contains(&event), "{event:?} differs");
            }
        }
    }
}

#[test]
fn a_recipe_out_of_range_makes_no_world() {
    let invalid = |change: fn(&mut Recipe)| {
        let mut recipe = recipe(1);
        change(&mut recipe);
        World::new(&recipe).is_err()
    };
    assert!(invalid(|it| it.people = 10));
    assert!(invalid(|it| it.people = 2_000_000));
    assert!(invalid(|it| it.joined = f64::NAN));
    assert!(invalid(|it| it.joined = 1.5));
    assert!(invalid(|it| it.said = -0.1));
    assert!(invalid(|it| it.last_day = Day::from_date(date!(1970 - 02 - 01))));
    assert!(invalid(|it| it.attacks.buyers = 500));
    assert!(invalid(|it| it.attacks.pod = 100));
}
