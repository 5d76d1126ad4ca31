//! Sentence 15: a score can be explained. Of every person of a random town, by a portrait of what the town
//! and a pass over it know.

use klout_model::{CounterName, Kind, Network, WINDOW_DAYS};
use klout_score_engine::Pass;
use klout_score_math::{
    Factors, Model, Portrait, PortraitActor, PortraitPlusK, PortraitPresence, PortraitReaction,
    PostHash, PostTally, Share,
    explain::{
        ActorClass, COUNTERS, Contribution, FLOOR, Moment, NO_POST, NONE, OTHER_POSTS, PLUS_K,
        UNNAMED,
    },
    simulate::{By, Event, What},
};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::town::{Town, any_age, any_count, any_kind, any_town, cases, number};

/// How much is tallied to which of a few posts, of which presence.
type Tallies = Vec<(Index, u8, Kind, u8, u64)>;

fn any_tallies() -> impl Strategy<Value = Tallies> {
    vec((any::<Index>(), 0_u8..40, any_kind(), any_age(), any_count()), 0..60)
}

fn network(presence: u32) -> Network {
    format!("network-{presence:03}").parse().expect("a network")
}

impl Town {
    fn portrait(&self, pass: &Pass, person: u32, tallies: &Tallies) -> Portrait {
        let mut actors: Vec<u32> = Vec::new();
        let mut portrait = Portrait::default();
        let gave = |giver: u32, receiver: u32| {
            self.reactions.iter().any(|row| {
                let (by, to) = (row.actor == Some(giver), self.owner(row.presence) == receiver);
                by && to && row.kind == Kind::PlusK && row.count > 0 && row.age < WINDOW_DAYS
            })
        };
        for presence in 0..number(self.presences.len()) {
            let (owner, vouched) = self.presences[presence as usize];
            if owner != person {
                continue;
            }
            let mut found = PortraitPresence {
                network: network(presence),
                vouched,
                reactions: Vec::new(),
                unnamed: Vec::new(),
                posts: Vec::new(),
                tallies: Vec::new(),
                counters: Vec::new(),
            };
            for row in self.reactions.iter().filter(|row| row.presence == presence) {
                let (kind, age, count) = (row.kind, row.age, row.count);
                let mut place = |actor: u32| {
                    let found = actors.iter().position(|it| *it == actor);
                    number(found.unwrap_or_else(|| {
                        actors.push(actor);
                        actors.len() - 1
                    }))
                };
                match row.actor {
                    actor if count == 0 || actor == Some(person) => {
                        portrait.seen |= age < WINDOW_DAYS;
                    }
                    None => found.unnamed.push((kind, age, count)),
                    Some(giver) if kind == Kind::PlusK => {
                        let given_back = gave(person, giver);
                        let actor = place(giver);
                        portrait.plus_k.push(PortraitPlusK { actor, age, count, given_back });
                    }
                    Some(actor) => {
                        let actor = place(actor);
                        found.reactions.push(PortraitReaction { actor, kind, age, count });
                    }
                }
            }
            let posts = self.posts.iter().filter(|(it, _)| *it == presence).zip(0..);
            found.posts = posts.map(|((_, age), post)| (PostHash(post), *age)).collect();
            for (of, post, kind, age, count) in tallies {
                if of.index(self.presences.len()) == presence as usize {
                    let post = PostHash(u128::from(*post));
                    found.tallies.push(PostTally { post, kind: *kind, age: *age, count: *count });
                }
            }
            portrait.presences.push(found);
        }
        let counters = self.counters.iter().filter(|(it, _)| *it == person);
        portrait.presences[0].counters = counters.map(|(_, counters)| *counters).collect();
        portrait.actors = actors
            .into_iter()
            .map(|actor| {
                let pair = (person.min(actor), person.max(actor));
                let closed = pass.epoch.closed.iter().find(|it| (it.one, it.other) == pair);
                let mut rounds = pass.epoch.rounds.iter();
                let round = rounds.find(|it| (it.receiver, it.giver) == (person, actor));
                PortraitActor {
                    factors: pass.epoch.actors[actor as usize],
                    registered: self.registered[actor as usize],
                    discount: closed.map_or(Share::NONE, |it| it.discount),
                    come_round: round.map_or(Share::NONE, |it| it.part),
                }
            })
            .collect();
        portrait
    }

    /// One of everybody.
    fn portraits(&self, tallies: &Tallies) -> Vec<Portrait> {
        let pass = self.pass();
        let people = 0..number(self.registered.len());
        people.map(|person| self.portrait(&pass, person, tallies)).collect()
    }

    /// Of those of whom there is evidence.
    fn known(&self, tallies: &Tallies) -> Vec<Portrait> {
        let mut portraits = self.portraits(tallies);
        portraits.retain(|it| it.score(Model::current()).is_some());
        portraits
    }
}

fn points(portrait: &Portrait) -> f64 {
    portrait.score(Model::current()).map_or(1.0, |it| it.score.points())
}

#[test]
fn what_comes_round_is_explained_too() {
    let mut town = Town::default();
    let presences: Vec<u32> = (0..6).map(|it| town.somebody(it < 5).1).collect();
    town.audience(presences[0], 3, true);
    for giver in 0..5 {
        for apart in 1..3 {
            let receiver = presences[(giver as usize + apart) % 5];
            town.react(giver, receiver, Kind::PlusK, 0, 1);
        }
    }
    let pass = town.pass();
    assert!(pass.epoch.rounds.len() >= 5, "{:?}", pass.epoch.rounds);
    for person in 0..5 {
        let portrait = town.portrait(&pass, person, &Vec::new());
        let score = portrait.score(Model::current());
        assert_eq!(score, pass.scores[person as usize]);
        let points = score.expect("evidence").score.points();
        let explained = portrait.explain(Model::current()).expect("evidence");
        for list in
            [&explained.networks, &explained.dimensions, &explained.kinds, &explained.actor_classes]
        {
            let sum: f64 = list.iter().map(|it| it.points).sum();
            assert!((sum - points).abs() < 0.01, "{sum} of {points}: {list:?}");
        }
    }
}

/// What is said to be lost without something is what is lost when the portrait has none of it.
fn loses(
    whole: &Portrait,
    list: &[Contribution],
    name: &str,
    leave_out: impl FnOnce(&mut Portrait),
) -> Result<(), TestCaseError> {
    let mut left = whole.clone();
    leave_out(&mut left);
    let lost = points(whole) - points(&left);
    let said = list.iter().find(|it| it.name == name).map_or(0.0, |it| it.without);
    prop_assert!((lost - said).abs() < 1e-9, "{name}: {lost} and {said} in {list:?}");
    Ok(())
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn a_portrait_has_the_score_of_the_pass_to_the_bit(town in any_town()) {
        let pass = town.pass();
        for (person, score) in (0..).zip(&pass.scores) {
            let portrait = town.portrait(&pass, person, &Vec::new());
            let found = portrait.score(Model::current());
            prop_assert_eq!(format!("{found:?}"), format!("{score:?}"), "{:?}", portrait);
        }
    }

    #[test]
    fn every_breakdown_adds_up_to_the_score_in_the_order_of_leaving_out(
        town in any_town(), tallies in any_tallies(),
    ) {
        for portrait in town.known(&tallies) {
            let explained = portrait.explain(Model::current()).expect("evidence");
            let score = explained.score.score.points();
            for list in [
                &explained.networks, &explained.dimensions, &explained.kinds, &explained.posts,
                &explained.actor_classes,
            ] {
                let sum: f64 = list.iter().map(|it| it.points).sum();
                prop_assert!((sum - score).abs() < 1e-9, "{sum} of {score}: {list:?}");
                prop_assert!(list.iter().all(|it| it.points >= 0.0), "{list:?}");
                prop_assert!(list.iter().all(|it| it.without > -1e-9), "{list:?}");
                let (floor, groups) = list.split_last().expect("a floor");
                let floor = (floor.name.as_str(), floor.points.to_bits());
                prop_assert_eq!(floor, (FLOOR, 1.0_f64.to_bits()));
                for pair in groups.windows(2) {
                    prop_assert!(pair[0].points >= pair[1].points, "{list:?}");
                    prop_assert!(pair[0].without >= pair[1].without - 1e-3, "{list:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_lost_without_something_is_what_a_portrait_without_it_loses(
        town in any_town(), tallies in any_tallies(),
    ) {
        for whole in town.known(&tallies) {
            let explained = whole.explain(Model::current()).expect("evidence");
            for presence in &whole.presences {
                loses(&whole, &explained.networks, presence.network.as_str(), |left| {
                    left.presences.retain(|it| it.network != presence.network);
                })?;
            }
            for list in [&explained.networks, &explained.dimensions, &explained.kinds] {
                loses(&whole, list, PLUS_K, |left| left.plus_k.clear())?;
            }
            for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::PlusK) {
                loses(&whole, &explained.kinds, kind.as_str(), |left| {
                    for presence in &mut left.presences {
                        presence.reactions.retain(|row| row.kind != kind);
                    }
                })?;
            }
            for (list, name) in [(&explained.kinds, COUNTERS), (&explained.actor_classes, NONE)] {
                loses(&whole, list, name, |left| {
                    left.presences.iter_mut().for_each(|it| it.counters.clear());
                })?;
            }
            for (list, name) in [(&explained.kinds, UNNAMED), (&explained.actor_classes, UNNAMED)] {
                loses(&whole, list, name, |left| {
                    left.presences.iter_mut().for_each(|it| it.unnamed.clear());
                })?;
            }
            for class in ActorClass::ALL {
                let of_class = |actor: u32| {
                    let actor = &whole.actors[actor as usize];
                    ActorClass::of(&actor.factors, actor.registered) == class
                };
                loses(&whole, &explained.actor_classes, class.as_str(), |left| {
                    left.plus_k.retain(|row| !of_class(row.actor));
                    for presence in &mut left.presences {
                        presence.reactions.retain(|row| !of_class(row.actor));
                    }
                })?;
            }
        }
    }

    #[test]
    fn what_no_post_is_told_of_belongs_to_none(town in any_town()) {
        for whole in town.known(&Vec::new()) {
            let explained = whole.explain(Model::current()).expect("evidence");
            loses(&whole, &explained.posts, NO_POST, |left| *left = Portrait::default())?;
            prop_assert!(explained.posts.len() <= 2, "{:?}", explained.posts);
        }
    }

    #[test]
    fn a_post_to_which_everything_of_a_day_belongs_is_that_day(
        town in any_town(), presence in any::<Index>(), day in 0_u8..3,
    ) {
        let mut town = town;
        town.reactions.iter_mut().for_each(|row| row.age %= 3);
        let presence = presence.index(town.presences.len());
        let pass = town.pass();
        let person = town.presences[presence].0;
        let mut whole = town.portrait(&pass, person, &Vec::new());
        let post = PostHash(7);
        let name = network(number(presence));
        let here = whole.presences.iter_mut().find(|it| it.network == name).expect("is there");
        for row in here.reactions.clone() {
            let (kind, age, count) = (row.kind, row.age, row.count);
            here.tallies.push(PostTally { post, kind, age, count });
        }
        for (kind, age, count) in here.unnamed.clone() {
            here.tallies.push(PostTally { post, kind, age, count });
        }
        here.tallies.retain(|it| it.age == day);
        if here.tallies.is_empty() {
            return Ok(());
        }
        let explained = whole.explain(Model::current()).expect("evidence");
        loses(&whole, &explained.posts, &format!("{name}:{post}"), |left| {
            let here = left.presences.iter_mut().find(|it| it.network == name).expect("is there");
            here.reactions.retain(|row| row.age != day);
            here.unnamed.retain(|it| it.1 != day);
        })?;
    }

    #[test]
    fn moments_are_the_posts_of_the_explanation_best_first(
        town in any_town(), tallies in any_tallies(),
    ) {
        for portrait in town.known(&tallies) {
            let explained = portrait.explain(Model::current()).expect("evidence");
            let moments = portrait.moments(Model::current());
            let sum: f64 = moments.iter().map(|it| it.points).sum();
            let rest = [NO_POST, FLOOR];
            let of_posts = explained.posts.iter().filter(|it| !rest.contains(&it.name.as_str()));
            let expected: f64 = of_posts.clone().map(|it| it.points).sum();
            prop_assert!((sum - expected).abs() < 1e-9, "{sum} and {expected}");
            prop_assert!(moments.windows(2).all(|pair| pair[0].points >= pair[1].points));
            for post in of_posts.filter(|it| it.name != OTHER_POSTS) {
                let is = |it: &&Moment| format!("{}:{}", it.network, it.post) == post.name;
                let moment = moments.iter().find(is).expect("every post is a moment");
                prop_assert_eq!(moment.points.to_bits(), post.points.to_bits());
                prop_assert_eq!(moment.counts.iter().map(|it| it.1).sum::<u64>(), post.count);
            }
        }
    }

    #[test]
    fn changes_add_up_to_the_difference_of_the_scores(
        town in any_town(), days in 0_u8..40, tallies in any_tallies(),
    ) {
        let model = Model::current();
        let (then, now) = (town.portraits(&tallies), town.days_later(days).portraits(&tallies));
        for (then, now) in then.iter().zip(&now) {
            let changes = now.changes(model, then);
            let (Some(old), Some(new)) = (then.score(model), now.score(model)) else {
                prop_assert!(changes.is_empty());
                continue;
            };
            let sum: f64 = changes.iter().map(|it| it.points).sum();
            let change = new.score.points() - old.score.points();
            prop_assert!((sum - change).abs() < 1e-6, "{sum} and {change}: {changes:?}");
            if days == 0 {
                prop_assert!(changes.is_empty(), "{changes:?}");
            }
        }
    }

    #[test]
    fn nothing_more_is_the_score_and_events_are_what_the_portrait_has_with_them(
        town in any_town(), kind in any_kind(), count in 1_u32..40,
        by in prop::sample::select(&By::ALL), place in any::<Index>(),
    ) {
        let model = Model::current();
        for portrait in town.known(&Vec::new()) {
            let score = portrait.score(model).expect("evidence");
            prop_assert_eq!(format!("{:?}", portrait.simulate(model, &[])), format!("{score:?}"));
            let place = place.index(portrait.presences.len() + 1);
            let known = portrait.presences.get(place).map(|it| it.network.clone());
            let network = known.unwrap_or_else(|| network(999));
            let event = Event { network: network.clone(), what: What::Interaction(kind), count, by };
            let simulated = portrait.simulate(model, &[event]);
            if by == By::Unknown {
                let gained = simulated.score.points() - score.score.points();
                prop_assert!(gained <= 3.0, "{gained}");
            }
            if by == By::LikeMine {
                continue;
            }
            let mut with = portrait.clone();
            if place == portrait.presences.len() {
                with.presences.push(PortraitPresence {
                    network,
                    vouched: false,
                    reactions: Vec::new(),
                    unnamed: Vec::new(),
                    posts: Vec::new(),
                    tallies: Vec::new(),
                    counters: Vec::new(),
                });
            }
            for _ in 0..count {
                let actor = number(with.actors.len());
                with.actors.push(PortraitActor { factors: factors(by), ..PortraitActor::default() });
                let (age, count) = (0, 1);
                if kind == Kind::PlusK {
                    with.plus_k.push(PortraitPlusK { actor, age, count, given_back: false });
                } else {
                    let reaction = PortraitReaction { actor, kind, age, count };
                    with.presences[place].reactions.push(reaction);
                }
            }
            let with = with.score(model).expect("evidence");
            prop_assert_eq!(format!("{simulated:?}"), format!("{with:?}"));
        }
    }

    #[test]
    fn what_would_raise_a_score_does_by_as_much_as_is_said(town in any_town()) {
        let model = Model::current();
        for portrait in town.known(&Vec::new()) {
            let found = portrait.counterfactuals(model);
            prop_assert!(found.len() <= 5);
            prop_assert!(found.windows(2).all(|pair| pair[0].change >= pair[1].change));
            for it in found {
                let raised = portrait.simulate(model, &[it.event]).score.points();
                let change = raised - points(&portrait);
                prop_assert_eq!(change.to_bits(), it.change.to_bits(), "{}", it.text);
                prop_assert!(change > 0.0, "{}", it.text);
            }
        }
    }
}

fn factors(by: By) -> Factors {
    let of = |credibility, prestige, worth| {
        klout_score_math::Repute { credibility, prestige, worth }.factors()
    };
    match by {
        By::LikeMine | By::Member => of(1.0, 0.0, 1.0),
        By::Influential => of(1.0, 0.5, 1.25),
        By::Unknown => of(0.0, 0.0, 1.0),
    }
}

#[test]
fn posts_without_reactions_raise_no_score() {
    let mut town = Town::default();
    let (person, presence) = town.registered();
    town.audience(presence, 10, true);
    let portrait = town.portrait(&town.pass(), person, &Vec::new());
    let network = network(presence);
    let event = Event { network, what: What::Post, count: 5, by: By::default() };
    let simulated = portrait.simulate(Model::current(), &[event]);
    assert!(simulated.score < portrait.score(Model::current()).expect("evidence").score);
}

#[test]
fn what_two_kinds_both_bring_is_of_both_though_neither_is_missed() {
    let mut town = Town::default();
    let (person, presence) = town.registered();
    for _ in 0..30 {
        let (actor, _) = town.registered();
        town.react(actor, presence, Kind::Like, 0, 1);
        town.react(actor, presence, Kind::Reshare, 0, 1);
    }
    let portrait = town.portrait(&town.pass(), person, &Vec::new());
    let explained = portrait.explain(Model::current()).expect("evidence");
    let [like, reshare, floor] = &explained.kinds[..] else { panic!("{:?}", explained.kinds) };
    assert_eq!((like.without, reshare.without, floor.points), (0.0, 0.0, 1.0));
    assert!((like.points - reshare.points).abs() < 1e-9 && like.points > 20.0);
}

#[test]
fn an_account_without_evidence_has_no_explanation_and_can_be_simulated() {
    let model = Model::current();
    let nobody = Portrait::default();
    assert_eq!((nobody.explain(model), nobody.moments(model)), (None, Vec::new()));
    assert!(nobody.counterfactuals(model).is_empty());
    let event = Event {
        network: "bluesky".parse().expect("a network"),
        what: What::Interaction(Kind::Like),
        count: 20,
        by: By::LikeMine,
    };
    assert!(nobody.simulate(model, &[event]).score.points() > 40.0);
    let mut counted = nobody;
    counted.seen = true;
    let explained = counted.explain(model).expect("evidence");
    assert_eq!(explained.kinds.len(), 1, "the floor alone: {explained:?}");
}

#[test]
fn a_network_of_which_nothing_is_new_loses_by_getting_older() {
    let mut town = Town::default();
    let (person, still) = town.registered();
    town.audience(still, 20, true);
    let lively = town.presence(person);
    town.audience(lively, 20, true);
    let model = Model::current();
    let portrait = |town: &Town| town.portrait(&town.pass(), person, &Vec::new());
    let then = portrait(&town);
    let mut later = town.days_later(20);
    later.audience(lively, 50, true);
    let changes = portrait(&later).changes(model, &then);
    let of = |presence| {
        let name = network(presence);
        changes.iter().find(|it| it.name == name.as_str()).expect("it changed")
    };
    assert!(of(still).points < -0.5 && of(still).without < -0.5, "{changes:?}");
    assert!(of(lively).points > 5.0 && of(lively).without > 5.0, "{changes:?}");
    assert_eq!((of(still).count, of(lively).count), (0, 50));
}

#[test]
fn like_mine_is_who_is_in_the_middle_and_a_member_where_nobody_is() {
    let mut town = Town::default();
    let (person, presence) = town.registered();
    town.audience(presence, 2, false);
    town.audience(presence, 1, true);
    let second = town.presence(person);
    town.posts.push((second, 0));
    let portrait = town.portrait(&town.pass(), person, &Vec::new());
    let model = Model::current();
    let gained = |presence, by| {
        let what = What::Interaction(Kind::Like);
        let event = Event { network: network(presence), what, count: 10, by };
        portrait.simulate(model, &[event]).score
    };
    assert_eq!(gained(presence, By::LikeMine), gained(presence, By::Unknown));
    assert_eq!(gained(second, By::LikeMine), gained(second, By::Member));
    assert!(gained(second, By::Influential) > gained(second, By::Member));
    assert!(gained(second, By::Member) > gained(second, By::Unknown));
}

#[test]
fn what_would_raise_a_score_is_told_in_words() {
    let mut town = Town::default();
    let (person, presence) = town.registered();
    for kind in [Kind::Reply, Kind::Reply, Kind::Follow] {
        let (actor, _) = town.registered();
        town.react(actor, presence, kind, 0, 1);
    }
    let second = town.presence(person);
    town.posts.push((second, 0));
    let portrait = town.portrait(&town.pass(), person, &Vec::new());
    let found = portrait.counterfactuals(Model::current());
    let texts: Vec<_> = found.iter().map(|it| it.text.as_str()).collect();
    let (first, other) = (network(presence), network(second));
    let mine = |things| {
        format!("20 more {things} on {first}, by people like those who react to you there")
    };
    assert_eq!(
        texts,
        [
            mine("replies"),
            mine("reshares"),
            format!("the first 20 likes on {other}, by members whom you do not reach yet"),
            mine("followers"),
            format!("a reshare on {first}, by one influential member"),
        ]
    );
}

#[test]
fn bursts_are_those_of_the_pass() {
    let mut town = Town::default();
    let (person, presence) = town.registered();
    for (strangers, age) in [(1_200, 3), (300, 5)] {
        for _ in 0..strangers {
            let (actor, _) = town.stranger();
            town.react(actor, presence, Kind::Like, age, 1);
            town.react(actor, presence, Kind::Like, 0, 1);
        }
    }
    let second = town.presence(person);
    town.unnamed(second, Kind::Like, 7, 5_000);
    let third = town.vouched_presence(person);
    town.unnamed(third, Kind::Like, 7, 5_000);
    let few = town.presence(person);
    town.unnamed(few, Kind::Like, 7, 999);
    let pass = town.pass();
    let found = town.portrait(&pass, person, &Vec::new()).bursts(Model::current());
    let found: Vec<_> = found.iter().map(|it| (it.age, it.strangers)).collect();
    let expected: Vec<_> = pass.bursts.iter().map(|it| (it.age, it.strangers)).collect();
    assert_eq!((&found, expected.len()), (&expected, 2));
}

/// Ada of docs/scoring.md, section 15.
fn ada() -> Portrait {
    let mut town = Town::default();
    let (ada, bluesky) = town.registered();
    let (bob, of_bob) = town.registered();
    let (cleo, _) = town.registered();
    let (dan, of_dan) = town.stranger();
    let stack_exchange = town.vouched_presence(ada);
    town.like(bob, bluesky);
    town.react(bob, of_dan, Kind::Reshare, 0, 1);
    town.react(cleo, bluesky, Kind::Reply, 15, 1);
    town.react(dan, bluesky, Kind::Like, 30, 1);
    town.like(ada, of_bob);
    town.like(ada, of_dan);
    town.react(cleo, bluesky, Kind::PlusK, 0, 1);
    town.unnamed(stack_exchange, Kind::Like, 0, 2);
    town.posts.extend([(bluesky, 0), (bluesky, 15)]);
    town.count(ada, &[(CounterName::FollowerCount, 100.0)]);
    let mut portrait = town.portrait(&town.pass(), ada, &Vec::new());
    for (presence, name) in portrait.presences.iter_mut().zip(["bluesky", "stackexchange"]) {
        presence.network = name.parse().expect("a network");
    }
    // All that Bob and Cleo did, and nothing of Dan's, was about the post of two weeks ago.
    let post = portrait.presences[0].posts[1].0;
    for (kind, age) in [(Kind::Like, 0), (Kind::Reply, 15)] {
        portrait.presences[0].tallies.push(PostTally { post, kind, age, count: 1 });
    }
    portrait
}

#[test]
fn the_example_of_the_page_is_explained_as_the_page_says() {
    let page = include_str!("../../../../docs/scoring.md");
    let (_, section) = page.split_once("## 16.").expect("a section");
    let model = Model::current();
    let ada = ada();
    let explained = ada.explain(model).expect("evidence");
    let mut lines = Vec::new();
    for list in [
        &explained.networks,
        &explained.dimensions,
        &explained.kinds,
        &explained.posts,
        &explained.actor_classes,
    ] {
        lines.extend(list.iter().map(|it| {
            let name = it.name.split_once(":000000").map_or(it.name.as_str(), |_| "the older post");
            format!("| {name} | {:.2} | {:.2} | {} |", it.points, it.without, it.count)
        }));
    }
    for it in ada.counterfactuals(model) {
        lines.push(format!("| {} | {:+.2} |", it.text, it.change));
    }
    let missing: Vec<_> = lines.iter().filter(|line| !section.contains(*line)).collect();
    assert!(missing.is_empty(), "not on the page:\n{}", lines.join("\n"));
}
