//! What is answered while Postgres or Redis are slow, gone, hung or back with what they had before.

use std::time::Duration;

use klout_proto::score::v1::{
    GetBacklogRequest, GetScoreRequest, get_score_request::Subject,
    score_service_client::ScoreServiceClient,
};
use klout_testkit::{Proxy, Stores, until};
use tonic::{Code, Status, transport::Endpoint};

use crate::world::{World, likes, told};

const UNAVAILABLE: (Code, &str) = (Code::Unavailable, "STORE_UNAVAILABLE");

/// What is asked on a connection that is dead without a word ends when its time does: soon, so that the next attempt
/// falls into the patience of a test. There are as many connections as where it is not said how many, since each may be
/// missing for as long as a loop waits on it.
const QUICK_TO_GIVE_UP: [(&str, &str); 3] = [
    ("scoring.transaction_time_max", "2s"),
    ("server.request_time_max", "3s"),
    ("stores.database_connections_max", "16"),
];

/// A world in which person 1 has three likes.
async fn world_on(stores: Stores) -> World {
    world_with(stores, &[]).await
}

async fn world_with(stores: Stores, settings: &[(&'static str, &str)]) -> World {
    let world = World::start_with(stores, settings).await;
    world.own(11, 1, 1).await;
    world.apply(likes(1, &[(11, 90, 3)])).await.expect("applied");
    world.scored().await;
    world
}

/// Whether the world takes more likes now.
async fn is_applied(world: &World) -> bool {
    let answer = world.apply(likes(4, &[(11, 93, 30)])).await;
    // Shown when it is waited for in vain.
    eprintln!("{answer:?}");
    answer.is_ok()
}

fn is_unavailable(answer: &Result<impl Sized, Status>) -> bool {
    answer.as_ref().is_err_and(|status| {
        let (code, reason) = told(status);
        (code, reason.as_str()) == UNAVAILABLE
    })
}

/// Redis behaves badly, and answers are what they are without it; also those that change meanwhile.
async fn it_does_not_matter_that_redis(misbehaves: impl Fn(&Proxy)) {
    let (stores, redis) = Stores::fresh().await.with_disturbed_redis().await;
    let world = world_on(stores).await;
    let before = world.score(1).await;

    misbehaves(&redis);

    let newcomer = World::start_on(world.stores.clone()).await;
    assert_eq!(newcomer.score(1).await, before);
    world.apply(likes(2, &[(11, 91, 30)])).await.expect("applied");
    world.scored().await;
    for replica in [&world, &newcomer] {
        until("the newer score is served", async || replica.score(1).await.score > before.score)
            .await;
    }

    // It is back, with whatever it had.
    let newest = world.score(1).await;
    redis.clear_up();
    assert_eq!(World::start_on(world.stores.clone()).await.score(1).await, newest);
}

#[tokio::test]
async fn it_does_not_matter_that_redis_is_gone() {
    it_does_not_matter_that_redis(Proxy::cut).await;
}

#[tokio::test]
async fn it_does_not_matter_that_redis_hangs() {
    it_does_not_matter_that_redis(Proxy::hang).await;
}

#[tokio::test]
async fn it_does_not_matter_that_redis_is_slow() {
    it_does_not_matter_that_redis(|redis| redis.slow_down(Duration::from_millis(200))).await;
}

#[tokio::test]
async fn it_does_not_matter_that_redis_forgets_its_connections() {
    it_does_not_matter_that_redis(Proxy::forget_connections).await;
}

/// Postgres behaves badly: a read that needs it ends with a reason, one score as well as many callers, and
/// all is well when it is back.
async fn a_postgres_that(misbehaves: impl Fn(&Proxy)) {
    let (stores, postgres) = Stores::fresh().await.with_disturbed_postgres().await;
    let world = world_on(stores).await;
    let before = world.score(1).await;

    misbehaves(&postgres);

    // Nobody knows whether there is such a person.
    until("it is told that nothing can be known", async || {
        is_unavailable(&world.try_score("8").await)
    })
    .await;
    let many = (0..50).map(|_| world.try_score("9"));
    let answers = futures::future::join_all(many).await;
    assert!(answers.iter().all(is_unavailable), "{answers:?}");
    // What is cached is served until the lease ends, and never anything else.
    until("the lease has ended", async || {
        let answer = world.try_score("1").await;
        if let Ok(score) = &answer {
            assert_eq!(*score, before);
        }
        is_unavailable(&answer)
    })
    .await;

    postgres.clear_up();

    until("it is read again", async || match world.try_score("1").await {
        Ok(score) => {
            assert_eq!(score, before);
            true
        }
        Err(status) => {
            let (code, reason) = told(&status);
            assert_eq!((code, reason.as_str()), UNAVAILABLE);
            false
        }
    })
    .await;
    world.apply(likes(3, &[(11, 92, 30)])).await.expect("applied");
    world.scored().await;
    until("changes are heard of again", async || world.score(1).await.score > before.score).await;
}

#[tokio::test]
async fn a_postgres_that_is_gone_is_told_of_and_comes_back() {
    a_postgres_that(Proxy::cut).await;
}

#[tokio::test]
async fn a_postgres_that_hangs_is_told_of_and_comes_back() {
    a_postgres_that(Proxy::hang).await;
}

#[tokio::test]
async fn connections_that_postgres_has_forgotten_are_replaced() {
    let (stores, postgres) = Stores::fresh().await.with_disturbed_postgres().await;
    let world = world_with(stores, &QUICK_TO_GIVE_UP).await;
    let before = world.score(1).await;

    postgres.forget_connections();

    for person in ["1", "8"] {
        until("it is read on a new connection", async || {
            let answer = world.try_score(person).await;
            // Shown when it is waited for in vain.
            eprintln!("{person}: {answer:?}");
            !is_unavailable(&answer)
        })
        .await;
    }
    until("signals are applied on a new connection", async || is_applied(&world).await).await;
    until("it is scored on a new connection", async || {
        world.try_score("1").await.is_ok_and(|score| score.score > before.score)
    })
    .await;
}

/// Loops whose steps may take an hour have the connections that reads do not keep when Postgres forgets them.
#[tokio::test]
async fn loops_do_not_wait_for_ever_on_connections_that_postgres_has_forgotten() {
    let stores = Stores::fresh().await;
    // Past what is disturbed.
    let db = stores.db().await;
    let (stores, postgres) = stores.with_disturbed_postgres().await;
    let world = world_with(stores, &QUICK_TO_GIVE_UP).await;
    let before = world.score(1).await;
    let mut lock = db.begin().await.expect("begun");
    sqlx::query(
        "lock table scoring.rebuild, scoring.evidence_delta, scoring.evidence, scoring.person_state
            in access exclusive mode",
    )
    .execute(&mut *lock)
    .await
    .expect("locked");
    until("loops wait", async || {
        let waiting: i64 = sqlx::query_scalar(
            "select count(*) from pg_stat_activity
            where datname = current_database() and application_name = 'scoring'
                and wait_event_type = 'Lock'",
        )
        .fetch_one(&mut *lock)
        .await
        .expect("counted");
        waiting >= 2
    })
    .await;

    postgres.forget_connections();
    lock.rollback().await.expect("unlocked");

    until("signals are applied", async || is_applied(&world).await).await;
    until("it is scored", async || {
        world.try_score("1").await.is_ok_and(|score| score.score > before.score)
    })
    .await;
}

#[tokio::test]
async fn a_read_that_waits_for_postgres_ends_and_the_next_one_is_answered() {
    let world = world_on(Stores::fresh().await).await;
    let db = world.stores.db().await;
    let mut lock = db.begin().await.expect("begun");
    sqlx::query("lock table scoring.score in access exclusive mode")
        .execute(&mut *lock)
        .await
        .expect("locked");

    let many = (0..200).map(|person| {
        let world = &world;
        async move { world.try_score(&(1_000 + person % 20).to_string()).await }
    });
    let answers = futures::future::join_all(many).await;
    assert!(answers.iter().all(is_unavailable), "more than there are connections: {answers:?}");

    lock.rollback().await.expect("unlocked");
    until("it is read again", async || {
        let answer = world.try_score("1000").await.expect_err("nobody");
        told(&answer).1 == "PERSON_UNKNOWN"
    })
    .await;
}

#[tokio::test]
async fn a_caller_with_too_many_calls_is_refused_at_once_and_others_are_answered() {
    let limits = [("server.calls_per_caller_max", "2"), ("scoring.read_time_max", "20s")];
    let world = world_with(Stores::fresh().await, &limits).await;
    let db = world.stores.db().await;
    let mut lock = db.begin().await.expect("begun");
    sqlx::query("lock table scoring.score in access exclusive mode")
        .execute(&mut *lock)
        .await
        .expect("locked");

    // Without a token, as `--dev` allows: all of these are one caller.
    let address = format!("http://{}", world.running.grpc_address);
    let endpoint = Endpoint::from_shared(address).expect("an address");
    let client = ScoreServiceClient::new(endpoint.connect().await.expect("it listens"));
    let ask = |person: &str| {
        let mut client = client.clone();
        let subject = Some(Subject::Person(person.to_owned()));
        async move { client.get_score(GetScoreRequest { subject, ..Default::default() }).await }
    };
    let mut waiting = tokio::task::JoinSet::new();
    waiting.spawn(ask("1000"));
    waiting.spawn(ask("1001"));
    until("both wait for Postgres", async || {
        let waiting: i64 = sqlx::query_scalar(
            "select count(*) from pg_stat_activity where datname = current_database() \
             and wait_event_type = 'Lock' and query like '%person_id = any($1) and score is not null%'",
        )
        .fetch_one(&db)
        .await
        .expect("counted");
        waiting == 2
    })
    .await;
    let refused = ask("1").await.expect_err("a third");
    assert_eq!(told(&refused), (Code::ResourceExhausted, "CALLS_TOO_MANY".to_owned()));
    let backlog = world.client().get_backlog(GetBacklogRequest {}).await;
    assert!(backlog.is_ok(), "another caller, and nothing keeps Postgres from answering");

    lock.rollback().await.expect("unlocked");
    for answer in waiting.join_all().await {
        assert_eq!(told(&answer.expect_err("nobody")).1, "PERSON_UNKNOWN");
    }
    assert!(ask("1").await.is_ok(), "there is room again");
}
