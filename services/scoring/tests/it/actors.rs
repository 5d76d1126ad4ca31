//! What the epoch says of accounts as actors.

use klout_proto::score::v1::{ActorStanding, BatchGetActorsRequest, BatchGetActorsResponse};
use klout_score_math::{Model, Repute};
use tonic::Code;

use crate::world::{World, likes, told};

async fn actors(world: &World, account_ids: &[i64]) -> BatchGetActorsResponse {
    let request = BatchGetActorsRequest { account_ids: account_ids.to_vec() };
    world.client().batch_get_actors(request).await.expect("answered").into_inner()
}

/// The factors alone.
fn factors(actor: &ActorStanding) -> [u64; 4] {
    [actor.attention, actor.people, actor.prestige, actor.strangers]
}

fn expected(repute: Repute) -> [u64; 4] {
    let factors = repute.factors();
    [factors.attention, factors.people, factors.prestige, factors.strangers].map(|it| it.bits())
}

const NEWCOMER: Repute = Repute { credibility: 1.0, ..Repute::UNSEEN };

#[tokio::test]
async fn before_the_first_pass_members_are_somebody_and_nobody_else_is() {
    let world = World::start().await;
    world.own(11, 1, 1).await;
    let found = actors(&world, &[90, 11, 90]).await;
    let people: Vec<_> = found.actors.iter().map(|it| it.person_id).collect();
    assert_eq!(people, [0, 1, 0], "in the order of the request, and as often");
    assert_eq!(factors(&found.actors[0]), expected(Repute::UNSEEN));
    assert_eq!(factors(&found.actors[1]), expected(NEWCOMER));
    assert!(actors(&world, &[]).await.actors.is_empty());
}

#[tokio::test]
async fn accounts_of_one_owner_have_the_factors_and_the_influence_of_the_owner() {
    let world = World::start().await;
    world.own_all(&[(11, 1), (12, 1), (13, 2), (14, 3)]).await;
    // Two members react to 90, who is nobody's; one to 91.
    let batch = likes(1, &[(11, 13, 1), (11, 14, 1), (90, 11, 1), (90, 13, 1), (91, 14, 1)]);
    world.apply(batch).await.expect("applied");
    let pass = world.passed().await;

    let found = actors(&world, &[11, 12, 13, 90, 91, 99]).await;
    assert_eq!((found.epoch, &found.model), (pass.epoch, &pass.model));
    assert_eq!(found.model, Model::current().name());
    let [one, other, two, corroborated, alone, unseen] = &found.actors[..] else { panic!("six") };
    assert_eq!((one.person_id, other.person_id, two.person_id), (1, 1, 2));
    assert_eq!(one, other);
    assert!(one.prestige > 0 && two.prestige == 0, "who is reacted to has prestige: {found:?}");
    // Two people's worth, or a little less: the likes are of two credible people.
    assert!(one.influence > 0.5, "{one:?}");
    assert_eq!(two.influence, 0.0, "nobody reacts to them");
    assert!(corroborated.people > 0 && corroborated.person_id == 0);
    assert_eq!((corroborated.influence, alone.people), (0.0, 0));
    assert_eq!(factors(unseen), expected(Repute::UNSEEN));

    // Who joins since is a member at once, of whom the epoch knows nothing.
    world.own(90, 4, 2).await;
    let joined = actors(&world, &[90]).await;
    assert_eq!((joined.actors[0].person_id, joined.epoch), (4, found.epoch));
    assert_eq!(factors(&joined.actors[0]), expected(NEWCOMER));
}

#[tokio::test]
async fn the_influence_is_that_behind_the_score() {
    let world = World::start().await;
    world.own_all(&[(11, 1), (12, 2), (13, 3)]).await;
    world.apply(likes(1, &[(11, 12, 1), (11, 13, 1)])).await.expect("applied");
    world.passed().await;
    let influence = actors(&world, &[11]).await.actors[0].influence;
    let score = world.score(1).await.score.expect("known");
    // docs/scoring.md, section 9.
    let expected = 100.0 - 99.0 * (1.0 + influence / 0.5).powf(-0.2);
    assert!((score - expected).abs() < 1e-9, "{score} of {influence}");
}

#[tokio::test]
async fn ten_thousand_accounts_are_answered_at_once_and_no_more() {
    let world = World::start().await;
    let accounts: Vec<i64> = (1..=10_001).collect();
    assert_eq!(actors(&world, &accounts[..10_000]).await.actors.len(), 10_000);
    let request = BatchGetActorsRequest { account_ids: accounts };
    let refused = world.client().batch_get_actors(request).await.expect_err("too many");
    assert_eq!(told(&refused), (Code::InvalidArgument, "REQUESTS_TOO_MANY".to_owned()));
}
