//! Rules of scores, on the service: docs/scoring.md, section 1.

use klout_proto::{
    graph::v1::Membership,
    score::v1::{
        ApplyMembershipsRequest, signal_consumer_service_client::SignalConsumerServiceClient,
    },
    signal::v1::{BatchedInteraction, SignalBatch},
};
use klout_testkit::link;
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;

use crate::world::{TODAY, World, likes};

/// Members 1 to 8 own 11 to 18; 90 to 99 are nobody's.
const MEMBERS: i64 = 8;

fn reaction(
    subject: i64,
    network: &str,
    actor: i64,
    kind: &str,
    days_ago: i32,
) -> BatchedInteraction {
    BatchedInteraction {
        subject_account_id: subject,
        actor_account_id: Some(actor),
        network: network.to_owned(),
        kind: kind.to_owned(),
        day: TODAY - days_ago,
        count: 1,
        post_hash: None,
        signal: None,
    }
}

fn batch(id: u8, interactions: Vec<BatchedInteraction>) -> SignalBatch {
    SignalBatch { interactions, ..likes(id, &[]) }
}

async fn scores(world: &World) -> Vec<Option<f64>> {
    let mut scores = Vec::new();
    for person in 1..=MEMBERS {
        scores.push(world.score(person).await.score);
    }
    scores
}

/// A town with forty reactions, always the same.
async fn town(random: &mut Pcg64Mcg) -> World {
    let world = World::start().await;
    for person in 1..=MEMBERS {
        world.own(10 + person, person, 1).await;
    }
    let reactions = (0..40).map(|_| any_reaction(random)).collect();
    world.apply(batch(1, reactions)).await.expect("applied");
    world.passed().await;
    world
}

fn any_reaction(random: &mut Pcg64Mcg) -> BatchedInteraction {
    let subject = 11 + random.random_range(0..MEMBERS);
    let actor = if random.random() {
        11 + random.random_range(0..MEMBERS)
    } else {
        90 + random.random_range(0..10)
    };
    let kinds = ["like", "reshare", "reply", "follow"];
    let kind = kinds[random.random_range(0..kinds.len())];
    reaction(subject, "bluesky", actor, kind, random.random_range(0..89))
}

#[tokio::test]
async fn one_more_reaction_never_lowers_the_score_of_whom_it_is_for() {
    let mut random = Pcg64Mcg::seed_from_u64(7);
    let world = town(&mut random).await;
    for id in 2..14 {
        let before = scores(&world).await;
        let more = any_reaction(&mut random);
        let subject = usize::try_from(more.subject_account_id - 11).expect("a member");
        world.apply(batch(id, vec![more.clone()])).await.expect("applied");
        // At once with the epoch of before, then with one that has seen it.
        world.scored().await;
        let rescored = scores(&world).await;
        assert!(rescored[subject] >= before[subject], "{more:?}: {before:?}, then {rescored:?}");
        world.passed().await;
        let passed = scores(&world).await;
        assert!(passed[subject] >= before[subject], "{more:?}: {before:?}, then {passed:?}");
    }
}

#[tokio::test]
async fn another_network_never_lowers_a_score() {
    let mut random = Pcg64Mcg::seed_from_u64(8);
    let world = town(&mut random).await;
    let before = scores(&world).await;
    // What happened there is known before anybody says whose the accounts are.
    let elsewhere = (1..=MEMBERS).flat_map(|person| {
        (0..person).map(move |actor| reaction(20 + person, "github", 200 + actor, "like", 3))
    });
    world.apply(batch(2, elsewhere.collect())).await.expect("applied");
    let memberships = (1..=MEMBERS).map(|person| Membership {
        account_id: 20 + person,
        network: "github".to_owned(),
        person_id: person,
        revision: 1,
        city: String::new(),
        country: String::new(),
    });
    let request = ApplyMembershipsRequest { memberships: memberships.collect() };
    let mut consumer = SignalConsumerServiceClient::new(link(&world.running));
    consumer.apply_memberships(request).await.expect("applied");
    world.passed().await;
    let after = scores(&world).await;
    for (before, after) in before.iter().zip(&after) {
        assert!(after > before, "{before:?}, then {after:?}");
    }
}
