//! `social_graph.membership_outbox`: whose owner scoring or topics has not heard of.

use std::{collections::BTreeMap, time::Duration};

use klout_model::AccountId;
use klout_proto::graph::v1::Membership;
use klout_store::interval;
use sqlx::PgExecutor;
use tracing::instrument;

use crate::announce::Consumer;

/// What waits or is being told of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    pub(crate) for_scoring: i64,
    pub(crate) for_topics: i64,
}

/// Adds accounts with the revision of their owner for each of the consumers; of an account that waits already, the
/// newer stays.
#[instrument(name = "db.membership_outbox.append", skip_all)]
pub(crate) async fn append(
    db: impl PgExecutor<'_>,
    consumers: &[Consumer],
    revisions: &BTreeMap<AccountId, i64>,
) -> Result<(), sqlx::Error> {
    let consumers: Vec<_> = consumers.iter().map(|consumer| consumer.name()).collect();
    let ids: Vec<_> = revisions.keys().map(|account| account.0).collect();
    let revisions: Vec<_> = revisions.values().copied().collect();
    sqlx::query!(
        r#"
        insert into social_graph.membership_outbox (account_id, revision, consumer)
        select account_id, revision, consumer
        from unnest($1::bigint[], $2::bigint[]) as new (account_id, revision)
        cross join unnest($3::text[]) as told (consumer)
        order by account_id, consumer
        on conflict on constraint membership_outbox_pkey do update
        set revision = excluded.revision, leased_until = default, attempts = default
        "#,
        &ids,
        &revisions,
        &consumers as &[&str],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes up to `max` accounts for `time`.
#[instrument(name = "db.membership_outbox.lease", skip_all)]
pub(crate) async fn lease(
    db: impl PgExecutor<'_>,
    consumer: Consumer,
    max: i64,
    time: Duration,
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        update social_graph.membership_outbox as outbox
        set leased_until = now() + $2, attempts = attempts + 1
        from (
            select account_id
            from social_graph.membership_outbox
            where consumer = $3 and leased_until < now()
            order by leased_until
            limit $1
            for update skip locked
        ) as due
        where outbox.account_id = due.account_id and outbox.consumer = $3
        returning outbox.account_id
        "#,
        max,
        interval(time),
        consumer.name(),
    )
    .fetch_all(db)
    .await
}

/// Keeps accounts that are being told of for `time` from now on; one that has changed since is due at once.
#[instrument(name = "db.membership_outbox.renew", skip_all)]
pub(crate) async fn renew(
    db: impl PgExecutor<'_>,
    consumer: Consumer,
    accounts: &[i64],
    time: Duration,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update social_graph.membership_outbox
        set leased_until = now() + $2
        where account_id = any($1) and consumer = $3 and leased_until > now()
        "#,
        accounts,
        interval(time),
        consumer.name(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets accounts of which a consumer knows this revision; one that changed since stays.
#[instrument(name = "db.membership_outbox.delete", skip_all)]
pub(crate) async fn delete(
    db: impl PgExecutor<'_>,
    consumer: Consumer,
    told: &[Membership],
) -> Result<(), sqlx::Error> {
    let ids: Vec<_> = told.iter().map(|membership| membership.account_id).collect();
    let revisions: Vec<_> =
        told.iter().map(|membership| membership.revision.cast_signed()).collect();
    sqlx::query!(
        r#"
        delete from social_graph.membership_outbox as outbox
        using unnest($1::bigint[], $2::bigint[]) as told (account_id, revision)
        where outbox.account_id = told.account_id and outbox.consumer = $3
            and outbox.revision <= told.revision
        "#,
        &ids,
        &revisions,
        consumer.name(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lets accounts that were not taken wait: 0.1 s doubled by each attempt, at most 30 s.
#[instrument(name = "db.membership_outbox.release", skip_all)]
pub(crate) async fn release(
    db: impl PgExecutor<'_>,
    consumer: Consumer,
    accounts: &[i64],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update social_graph.membership_outbox
        set leased_until = now()
            + least(interval '30 seconds', interval '100 milliseconds' * 2 ^ least(attempts, 10))
        where account_id = any($1) and consumer = $2
        "#,
        accounts,
        consumer.name(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How many accounts wait or are being told of.
#[instrument(name = "db.membership_outbox.count", skip_all)]
pub(crate) async fn count(db: impl PgExecutor<'_>) -> Result<Waiting, sqlx::Error> {
    sqlx::query_as!(
        Waiting,
        r#"
        select count(*) filter (where consumer = 'scoring') as "for_scoring!",
            count(*) filter (where consumer = 'topics') as "for_topics!"
        from social_graph.membership_outbox
        "#
    )
    .fetch_one(db)
    .await
}
