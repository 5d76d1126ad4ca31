use klout_score_math::Repute;
use proptest::prelude::*;

use super::*;
use crate::{
    related::RelatedTopic,
    testing::{GARDENING, LAMBS, NATURE, TOMATOES, TOPICS, id, ontology},
};

fn somebody() -> Actor {
    let factors = Repute { credibility: 1.0, ..Repute::UNSEEN }.factors();
    Actor { factors, discount: Share::NONE }
}

fn stranger() -> Actor {
    Actor { factors: Repute::UNSEEN.factors(), discount: Share::NONE }
}

fn post(age: u8, topic: u64) -> Post {
    Post { network: 0, age, topics: vec![(id(topic), 1.0)] }
}

const fn like(post: u32, actor: u32) -> Reaction {
    Reaction { post, actor: Some(actor), kind: Kind::Like, age: 0, count: 1 }
}

fn of(evidence: &PersonEvidence) -> Vec<Expertise> {
    expertise(Model::current(), &ontology(), &RelatedTopics::default(), evidence)
}

fn find(found: &[Expertise], topic: u64) -> Option<&Expertise> {
    found.iter().find(|it| it.topic == id(topic) && it.network.is_none())
}

fn gardener() -> PersonEvidence {
    PersonEvidence {
        posts: vec![post(0, TOMATOES), post(1, TOMATOES), post(2, GARDENING)],
        reactions: vec![like(0, 0), like(1, 1), like(2, 2), like(2, 0)],
        actors: vec![somebody(); 3],
        ..PersonEvidence::default()
    }
}

#[test]
fn a_gardener_is_known_for_gardening_and_what_it_is_part_of() {
    let found = of(&gardener());
    let gardening = find(&found, GARDENING).expect("evidence");
    assert!(gardening.is_shown() && gardening.direct, "{gardening:?}");
    assert_eq!((gardening.people, gardening.posts), (3, 3));
    // Ann reacted to both topics, and is one person for what they are part of.
    assert!((gardening.reacted - 3.0).abs() < 1e-9, "{gardening:?}");
    let nature = find(&found, NATURE).expect("of gardening");
    assert!(nature.is_shown() && !nature.direct, "{nature:?}");
    assert_eq!(nature.mostly, id(TOMATOES));
    let tomatoes = find(&found, TOMATOES).expect("evidence");
    assert_eq!(tomatoes.missing, [Missing::People(1), Missing::Occasions(1)]);
    assert_eq!(tomatoes.missing[0].to_string(), "1 more person who reacts to it or says it");
    assert!(find(&found, LAMBS).is_none());
}

#[test]
fn a_hurricane_of_one_post_is_not_shown_however_many_react() {
    let evidence = PersonEvidence {
        posts: vec![post(0, NATURE)],
        reactions: (0..500).map(|actor| like(0, actor)).collect(),
        actors: vec![somebody(); 500],
        ..PersonEvidence::default()
    };
    let found = of(&evidence);
    let nature = find(&found, NATURE).expect("evidence");
    assert_eq!((nature.people, &*nature.missing), (500, &[Missing::Occasions(2)][..]));
}

#[test]
fn strangers_are_nobody_however_many() {
    let mut evidence = gardener();
    evidence.actors = vec![stranger(); 1000];
    evidence.reactions = (0..1000).map(|actor| like(actor % 3, actor)).collect();
    let found = of(&evidence);
    let gardening = find(&found, GARDENING).expect("posts");
    assert_eq!((gardening.people, gardening.reacted.to_bits()), (0, 0.0_f64.to_bits()));
    assert!(!gardening.is_shown());
}

#[test]
fn a_circle_that_always_reacts_to_one_another_makes_nobody_an_expert() {
    let mut evidence = gardener();
    evidence.actors = vec![Actor { discount: Share::WHOLE, ..somebody() }; 3];
    let found = of(&evidence);
    let gardening = find(&found, GARDENING).expect("posts");
    let (people, occasions) = (Missing::People(3), Missing::Occasions(3));
    assert_eq!(gardening.missing, [people, occasions, Missing::Strength(1.0)]);
}

#[test]
fn neither_writing_nor_influencers_alone_are_shown() {
    let known = vec![(id(LAMBS), 100.0)];
    let evidence = PersonEvidence {
        posts: (0..90).map(|age| post(age, TOMATOES)).collect(),
        influencers: vec![Influencer { tie: 1.0, topics: known }; 1000],
        ..PersonEvidence::default()
    };
    for it in of(&evidence) {
        assert!(!it.is_shown() && it.strength <= WRITTEN_MOST + INFLUENCERS_MOST, "{it:?}");
    }
}

#[test]
fn three_who_say_it_are_enough_and_count_more_than_three_who_react() {
    let label = |actor| Label {
        network: 0,
        actor: Some(actor),
        kind: Kind::List,
        age: 0,
        count: 1,
        topics: vec![(id(LAMBS), 1.0)],
    };
    let mut evidence = gardener();
    evidence.labels = (0..3).map(label).collect();
    let found = of(&evidence);
    let lambs = find(&found, LAMBS).expect("said");
    assert!(lambs.is_shown() && lambs.posts == 0, "{lambs:?}");
    assert!(lambs.strength > 2.0 * find(&found, GARDENING).expect("evidence").strength);
}

#[test]
fn a_crowd_that_gives_k_adds_less_than_five_people() {
    let plus_k = |actor| Label {
        network: 0,
        actor: Some(actor),
        kind: Kind::PlusK,
        age: 0,
        count: 1,
        topics: vec![(id(LAMBS), 1.0)],
    };
    let evidence = PersonEvidence {
        labels: (0..500).map(plus_k).collect(),
        actors: vec![somebody(); 500],
        ..PersonEvidence::default()
    };
    let found = of(&evidence);
    let lambs = find(&found, LAMBS).expect("said");
    assert_eq!(lambs.people, 500);
    assert!(lambs.said > 0.9 * PLUS_K_MOST && lambs.said <= PLUS_K_MOST, "{lambs:?}");
}

#[test]
fn votes_count_where_they_are_vouched_for_and_tell_of_as_many_people_as_one_post_has() {
    let vote = |post, count| Reaction { post, actor: None, kind: Kind::Like, age: 0, count };
    let mut evidence = gardener();
    evidence.reactions = vec![vote(0, 4), vote(1, 3), vote(2, 1)];
    assert_eq!(find(&of(&evidence), GARDENING).expect("posts").people, 0);
    evidence.vouching = vec![0];
    let found = of(&evidence);
    let gardening = find(&found, GARDENING).expect("votes");
    assert!(gardening.is_shown() && gardening.people == 4, "{gardening:?}");
    assert!((gardening.reacted - Model::current().unnamed_worth(8.0)).abs() < 1e-3);
}

#[test]
fn what_supports_a_part_supports_the_whole() {
    let related = [(id(TOMATOES), vec![RelatedTopic { topic: id(LAMBS), closeness: 0.5 }])];
    let related: RelatedTopics = related.into_iter().collect();
    let mut evidence = gardener();
    evidence.posts = vec![post(0, TOMATOES), post(1, TOMATOES), post(2, LAMBS)];
    let found = expertise(Model::current(), &ontology(), &related, &evidence);
    let score = |topic| find(&found, topic).expect("evidence").score;
    let alone = find(&of(&evidence), TOMATOES).expect("evidence").score;
    assert!(score(TOMATOES) > alone);
    assert_eq!(score(GARDENING).to_bits(), score(TOMATOES).to_bits());
}

#[test]
fn what_is_related_and_what_one_is_influential_with_support_a_topic() {
    let related = [(id(GARDENING), vec![RelatedTopic { topic: id(LAMBS), closeness: 0.5 }])];
    let related: RelatedTopics = related.into_iter().collect();
    let mut evidence = gardener();
    let score = |related: &RelatedTopics, evidence: &PersonEvidence| {
        let found = expertise(Model::current(), &ontology(), related, evidence);
        find(&found, GARDENING).expect("evidence").score
    };
    let alone = score(&related, &evidence);
    evidence.posts.push(post(0, LAMBS));
    evidence.reactions.push(like(3, 0));
    assert!(score(&related, &evidence) > alone);
    assert_eq!(score(&RelatedTopics::default(), &evidence).to_bits(), alone.to_bits());
    evidence.influence = 50.0;
    assert!(score(&RelatedTopics::default(), &evidence) > alone);
}

fn any_topics() -> impl Strategy<Value = Vec<(TopicId, f32)>> {
    let weights = prop::collection::btree_map(1..=TOPICS, 0.01_f32..=1.0, 0..4);
    weights.prop_map(|topics| topics.into_iter().map(|(it, weight)| (id(it), weight)).collect())
}

fn any_actor() -> impl Strategy<Value = Actor> {
    (0.0..=1.0, 0.0..=1.0, 0.01..=1.5, 0_u16..=32_768).prop_map(
        |(credibility, prestige, worth, discount)| Actor {
            factors: Repute { credibility, prestige, worth }.factors(),
            discount: Share::of_parts(discount),
        },
    )
}

const POSTS: u32 = 8;
const ACTORS: u32 = 9;

fn any_reaction() -> impl Strategy<Value = Reaction> {
    let kind = (0..Kind::ALL.len()).prop_map(|it| Kind::ALL[it]);
    (0..POSTS, prop::option::of(0..ACTORS), kind, 0_u8..90, 0_u64..20)
        .prop_map(|(post, actor, kind, age, count)| Reaction { post, actor, kind, age, count })
}

fn any_label() -> impl Strategy<Value = Label> {
    let kind = (0..Kind::ALL.len()).prop_map(|it| Kind::ALL[it]);
    (0_u32..2, prop::option::of(0..ACTORS), kind, 0_u8..90, 0_u64..20, any_topics()).prop_map(
        |(network, actor, kind, age, count, topics)| Label {
            network,
            actor,
            kind,
            age,
            count,
            topics,
        },
    )
}

fn any_influencer() -> impl Strategy<Value = Influencer> {
    let topics = prop::collection::btree_map(1..=TOPICS, 1.0..=100.0, 0..4);
    (0.0..=1.0, topics).prop_map(|(tie, topics)| Influencer {
        tie,
        topics: topics.into_iter().map(|(it, score)| (id(it), score)).collect(),
    })
}

fn any_evidence() -> impl Strategy<Value = PersonEvidence> {
    let count = POSTS as usize;
    let post = (0_u32..2, 0_u8..90, any_topics()).prop_map(|(network, age, topics)| Post {
        network,
        age,
        topics,
    });
    (
        prop::collection::vec(post, count..=count),
        prop::collection::vec(any_reaction(), 0..60),
        prop::collection::vec(any_label(), 0..9),
        prop::collection::vec(any_influencer(), 0..5),
        prop::collection::vec(any_actor(), ACTORS as usize..=ACTORS as usize),
        prop::collection::vec(0_u32..2, 0..2),
        prop::collection::vec((1..=TOPICS).prop_map(id), 0..2),
        0.0..100.0,
    )
        .prop_map(
            |(posts, reactions, labels, influencers, actors, vouching, vetoed, influence)| {
                PersonEvidence {
                    posts,
                    reactions,
                    labels,
                    influencers,
                    actors,
                    vouching,
                    vetoed,
                    influence,
                }
            },
        )
}

fn any_related() -> impl Strategy<Value = RelatedTopics> {
    let related = prop::collection::vec((1..=TOPICS, 1..=TOPICS, 0.01..=1.0), 0..9);
    related.prop_map(|all| {
        let pair =
            |(one, topic, closeness)| (id(one), vec![RelatedTopic { topic: id(topic), closeness }]);
        all.into_iter().map(pair).collect()
    })
}

/// The same in another order, posts and actors with other numbers.
fn shuffled(evidence: &PersonEvidence, posts: &[u32], actors: &[u32]) -> PersonEvidence {
    let mut other = evidence.clone();
    for (place, number) in posts.iter().enumerate() {
        other.posts[*number as usize] = evidence.posts[place].clone();
        other.posts[*number as usize].topics.reverse();
    }
    for (place, number) in actors.iter().enumerate() {
        other.actors[*number as usize] = evidence.actors[place];
    }
    for it in &mut other.reactions {
        it.post = posts[it.post as usize];
        it.actor = it.actor.map(|actor| actors[actor as usize]);
    }
    for it in &mut other.labels {
        it.actor = it.actor.map(|actor| actors[actor as usize]);
        it.topics.reverse();
    }
    other.reactions.reverse();
    other.labels.reverse();
    other.influencers.reverse();
    other
}

proptest! {
    #[test]
    fn the_order_of_posts_reactions_and_labels_does_not_matter_to_the_bit(
        evidence in any_evidence(),
        related in any_related(),
        posts in Just((0..POSTS).collect::<Vec<_>>()).prop_shuffle(),
        actors in Just((0..ACTORS).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let of = |evidence| expertise(Model::current(), &ontology(), &related, evidence);
        prop_assert_eq!(of(&evidence), of(&shuffled(&evidence, &posts, &actors)));
    }

    #[test]
    fn a_reaction_that_is_told_in_two_parts_is_one(evidence in any_evidence()) {
        let mut parts = evidence.clone();
        for it in &mut parts.reactions {
            it.count -= it.count / 3;
        }
        parts.reactions.extend(evidence.reactions.iter().map(|it| Reaction { count: it.count / 3, ..*it }));
        prop_assert_eq!(of(&evidence), of(&parts));
    }

    #[test]
    fn a_veto_is_never_overridden(evidence in any_evidence(), vetoed in (1..=TOPICS).prop_map(id)) {
        let vetoed_too = PersonEvidence { vetoed: vec![vetoed], ..evidence.clone() };
        let ontology = ontology();
        let is_hidden = |topic| topic == vetoed || ontology.ancestors(topic).contains(&vetoed);
        let found = of(&vetoed_too);
        prop_assert!(found.iter().all(|it| !is_hidden(it.topic) && !is_hidden(it.mostly)));

        // It is as if nothing had ever been about it.
        let mut without = PersonEvidence { vetoed: Vec::new(), ..evidence };
        without.posts.iter_mut().for_each(|it| it.topics.retain(|it| !is_hidden(it.0)));
        without.labels.iter_mut().for_each(|it| it.topics.retain(|it| !is_hidden(it.0)));
        without.influencers.iter_mut().for_each(|it| it.topics.retain(|it| !is_hidden(it.0)));
        prop_assert_eq!(found, of(&without));
    }

    #[test]
    fn experts_of_a_topic_are_experts_of_what_it_is_part_of(
        evidence in any_evidence(), related in any_related(),
    ) {
        let ontology = ontology();
        let found = expertise(Model::current(), &ontology, &related, &evidence);
        for it in &found {
            for ancestor in ontology.ancestors(it.topic) {
                let above = found.iter().find(|other| other.topic == *ancestor && other.network == it.network);
                let above = above.expect("evidence of a topic is evidence of its ancestors");
                prop_assert!(above.is_shown() || !it.is_shown());
                prop_assert!(above.strength >= it.strength && above.people >= it.people && above.posts >= it.posts);
                prop_assert!(above.score >= it.score - 1e-9, "{} {}", above.score, it.score);
            }
        }
    }

    #[test]
    fn one_more_reaction_label_or_influencer_lowers_nothing(
        evidence in any_evidence(), related in any_related(),
        reaction in any_reaction(), label in any_label(), influencer in any_influencer(), more in 0.0..50.0,
    ) {
        let of = |evidence: &PersonEvidence| expertise(Model::current(), &ontology(), &related, evidence);
        let before = of(&evidence);
        let mut with = [evidence.clone(), evidence.clone(), evidence.clone(), evidence];
        with[0].reactions.push(reaction);
        with[1].labels.push(label);
        with[2].influencers.push(influencer);
        with[3].influence += more;
        for after in with.iter().map(of) {
            for one in &before {
                let found = after.iter().find(|it| (it.topic, it.network) == (one.topic, one.network));
                let found = found.expect("what there was is there");
                prop_assert!(found.is_shown() || !one.is_shown());
                prop_assert!(found.strength >= one.strength && found.people >= one.people);
                // `cbrt` and the curve are right to the last bits, not beyond.
                prop_assert!(found.score >= one.score - 1e-9, "{} {}", found.score, one.score);
            }
        }
    }

    #[test]
    fn the_posts_and_people_behind_a_topic_add_up_to_its_strength(evidence in any_evidence()) {
        let unnamed = PersonEvidence {
            reactions: evidence.reactions.iter().copied().filter(|it| it.actor.is_none()).collect(),
            labels: Vec::new(),
            ..evidence.clone()
        };
        let unnamed = of(&unnamed);
        for it in of(&evidence).iter().filter(|it| it.network.is_none()) {
            let unnamed = unnamed.iter().find(|other| (other.topic, other.network) == (it.topic, None));
            let unnamed = unnamed.map_or(0.0, |it| it.reacted);
            let behind = behind(Model::current(), &ontology(), &evidence, it);
            let posts: f64 = behind.posts.iter().map(|it| it.strength).sum();
            let people: f64 = behind.people.iter().map(|it| it.strength).sum();
            let close = |one: f64, other: f64| (one - other).abs() < 1e-6 * (1.0 + other);
            prop_assert!(close(posts, it.written + it.reacted), "{} {:?}", posts, it);
            prop_assert!(close(people + unnamed, it.reacted + it.said), "{} {:?}", people, it);
            let in_window = behind.posts.iter().filter(|it| evidence.posts[it.post as usize].age < 90);
            prop_assert_eq!(in_window.count(), it.posts as usize);
        }
    }
}
