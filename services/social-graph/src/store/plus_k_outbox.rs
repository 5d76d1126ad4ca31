//! `social_graph.plus_k_outbox`: +K of which the connector has not heard.

use std::time::Duration;

use klout_store::interval;
use sqlx::PgExecutor;
use time::OffsetDateTime;
use tracing::instrument;

use crate::plus_k::PlusK;

/// What is to be told of one.
#[derive(Clone, Debug)]
pub(crate) struct Untold {
    pub(crate) id: i64,
    pub(crate) giver_native: i64,
    pub(crate) receiver_native: i64,
    pub(crate) topic: String,
    pub(crate) give_time: OffsetDateTime,
    pub(crate) taken_back: bool,
}

/// Has one told as it is now: given, or taken back.
#[instrument(name = "db.plus_k_outbox.append", skip_all)]
pub(crate) async fn append(
    db: impl PgExecutor<'_>,
    it: &PlusK,
    taken_back: bool,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into social_graph.plus_k_outbox
            (plus_k_id, giver_native, receiver_native, topic, give_time, taken_back)
        values ($1, $2, $3, $4, $5, $6)
        on conflict on constraint plus_k_outbox_pkey do update
        set taken_back = excluded.taken_back, leased_until = default, attempts = default
        "#,
        it.id,
        it.giver_native,
        it.receiver_native,
        it.topic,
        it.give_time,
        taken_back,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes up to `max` for `time`.
#[instrument(name = "db.plus_k_outbox.lease", skip_all)]
pub(crate) async fn lease(
    db: impl PgExecutor<'_>,
    max: i64,
    time: Duration,
) -> Result<Vec<Untold>, sqlx::Error> {
    sqlx::query_as!(
        Untold,
        r#"
        update social_graph.plus_k_outbox as outbox
        set leased_until = now() + $2, attempts = attempts + 1
        from (
            select plus_k_id
            from social_graph.plus_k_outbox
            where leased_until < now()
            order by leased_until
            limit $1
            for update skip locked
        ) as due
        where outbox.plus_k_id = due.plus_k_id
        returning outbox.plus_k_id as id, giver_native, receiver_native, topic, give_time, taken_back
        "#,
        max,
        interval(time),
    )
    .fetch_all(db)
    .await
}

/// Keeps what is being told for `time` from now on; what was taken back since is due at once.
#[instrument(name = "db.plus_k_outbox.renew", skip_all)]
pub(crate) async fn renew(
    db: impl PgExecutor<'_>,
    ids: &[i64],
    time: Duration,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update social_graph.plus_k_outbox
        set leased_until = now() + $2
        where plus_k_id = any($1) and leased_until > now()
        "#,
        ids,
        interval(time),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets what the connector has; what was taken back since stays.
#[instrument(name = "db.plus_k_outbox.delete", skip_all)]
pub(crate) async fn delete(db: impl PgExecutor<'_>, told: &[Untold]) -> Result<(), sqlx::Error> {
    let ids: Vec<_> = told.iter().map(|it| it.id).collect();
    let taken_back: Vec<_> = told.iter().map(|it| it.taken_back).collect();
    sqlx::query!(
        r#"
        delete from social_graph.plus_k_outbox as outbox
        using unnest($1::bigint[], $2::boolean[]) as told (plus_k_id, taken_back)
        where outbox.plus_k_id = told.plus_k_id and outbox.taken_back = told.taken_back
        "#,
        &ids,
        &taken_back,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lets what was not taken wait: 0.1 s doubled by each attempt, at most 30 s.
#[instrument(name = "db.plus_k_outbox.release", skip_all)]
pub(crate) async fn release(db: impl PgExecutor<'_>, ids: &[i64]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update social_graph.plus_k_outbox
        set leased_until = now()
            + least(interval '30 seconds', interval '100 milliseconds' * 2 ^ least(attempts, 10))
        where plus_k_id = any($1)
        "#,
        ids,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How many wait or are being told.
#[instrument(name = "db.plus_k_outbox.count", skip_all)]
pub(crate) async fn count(db: impl PgExecutor<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from social_graph.plus_k_outbox"#)
        .fetch_one(db)
        .await
}
