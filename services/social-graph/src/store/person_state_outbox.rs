//! `social_graph.person_state_outbox`: of whose state a service has not heard.

use std::{collections::BTreeMap, time::Duration};

use klout_model::PersonId;
use klout_proto::graph::v1::PersonState;
use klout_store::interval;
use sqlx::PgExecutor;
use tracing::instrument;

use crate::tell::{self, Consumer};

/// Adds people with the number of their state for each of the consumers; of somebody who waits already the newer stays.
/// Whoever adds them tells them too: nobody else does for a while.
#[instrument(name = "db.person_state_outbox.append", skip_all, fields(people.len = numbers.len()))]
pub(crate) async fn append(
    db: impl PgExecutor<'_>,
    consumers: &[Consumer],
    numbers: &BTreeMap<PersonId, i64>,
) -> Result<(), sqlx::Error> {
    let consumers: Vec<_> = consumers.iter().map(|consumer| consumer.name()).collect();
    let people: Vec<_> = numbers.keys().map(|person| person.get()).collect();
    let numbers: Vec<_> = numbers.values().copied().collect();
    sqlx::query!(
        r#"
        insert into social_graph.person_state_outbox (person_id, number, consumer, leased_until)
        select person_id, number, consumer, now() + $4
        from unnest($1::bigint[], $2::bigint[]) as new (person_id, number)
        cross join unnest($3::text[]) as told (consumer)
        order by person_id, consumer
        on conflict on constraint person_state_outbox_pkey do update
        set number = excluded.number, leased_until = excluded.leased_until, attempts = default
        "#,
        &people,
        &numbers,
        &consumers as &[&str],
        interval(tell::CALL_TIME_MAX),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Adds everybody who left under a number above this one for a consumer, unless they wait already.
#[instrument(name = "db.person_state_outbox.resume", skip_all)]
pub(crate) async fn resume(
    db: impl PgExecutor<'_>,
    consumer: Consumer,
    after: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into social_graph.person_state_outbox (person_id, number, consumer)
        select person_id, number, $1
        from social_graph.person_state
        where number > $2 and state in ('ERASED', 'OPTED_OUT')
        order by person_id
        on conflict on constraint person_state_outbox_pkey do nothing
        "#,
        consumer.name(),
        after,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes up to `max` people for `time`.
#[instrument(name = "db.person_state_outbox.lease", skip_all)]
pub(crate) async fn lease(
    db: impl PgExecutor<'_>,
    consumer: Consumer,
    max: i64,
    time: Duration,
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        update social_graph.person_state_outbox as outbox
        set leased_until = now() + $2, attempts = attempts + 1
        from (
            select person_id
            from social_graph.person_state_outbox
            where consumer = $3 and leased_until < now()
            order by leased_until
            limit $1
            for update skip locked
        ) as due
        where outbox.person_id = due.person_id and outbox.consumer = $3
        returning outbox.person_id
        "#,
        max,
        interval(time),
        consumer.name(),
    )
    .fetch_all(db)
    .await
}

/// Those of these people of whose state the consumer has not heard.
#[instrument(name = "db.person_state_outbox.waiting", skip_all)]
pub(crate) async fn waiting(
    db: impl PgExecutor<'_>,
    consumer: Consumer,
    people: &[i64],
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select person_id
        from social_graph.person_state_outbox
        where person_id = any($1) and consumer = $2
        "#,
        people,
        consumer.name(),
    )
    .fetch_all(db)
    .await
}

/// Keeps people who are being told of for `time` from now on.
#[instrument(name = "db.person_state_outbox.renew", skip_all)]
pub(crate) async fn renew(
    db: impl PgExecutor<'_>,
    consumer: Consumer,
    people: &[i64],
    time: Duration,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update social_graph.person_state_outbox
        set leased_until = now() + $2
        where person_id = any($1) and consumer = $3 and leased_until > now()
        "#,
        people,
        interval(time),
        consumer.name(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets people of whom a consumer knows this number, and notes in their receipts that it shows nothing of them since
/// `now`; who changed since stays.
#[instrument(name = "db.person_state_outbox.delete", skip_all)]
pub(crate) async fn delete(
    db: impl PgExecutor<'_>,
    consumer: Consumer,
    told: &[PersonState],
) -> Result<(), sqlx::Error> {
    let people: Vec<_> = told.iter().map(|state| state.person_id).collect();
    let numbers: Vec<_> = told.iter().map(|state| state.number.cast_signed()).collect();
    sqlx::query!(
        r#"
        with told as (
            delete from social_graph.person_state_outbox as outbox
            using unnest($1::bigint[], $2::bigint[]) as told (person_id, number)
            where outbox.person_id = told.person_id and outbox.consumer = $3
                and outbox.number <= told.number
            returning outbox.person_id
        )
        update social_graph.receipt_masked as masked
        set mask_time = now()
        from told join social_graph.receipt using (person_id)
        where masked.receipt_id = receipt.receipt_id and masked.service = $3
            and masked.mask_time is null
        "#,
        &people,
        &numbers,
        consumer.name(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lets people whom a consumer did not take wait: 0.1 s doubled by each attempt, at most 5 s, as somebody may see them
/// meanwhile.
#[instrument(name = "db.person_state_outbox.release", skip_all)]
pub(crate) async fn release(
    db: impl PgExecutor<'_>,
    consumer: Consumer,
    people: &[i64],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update social_graph.person_state_outbox
        set leased_until = now()
            + least(interval '5 seconds', interval '100 milliseconds' * 2 ^ least(attempts, 10))
        where person_id = any($1) and consumer = $2
        "#,
        people,
        consumer.name(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How many people wait or are being told of.
#[instrument(name = "db.person_state_outbox.count", skip_all)]
pub(crate) async fn count(db: impl PgExecutor<'_>) -> Result<BTreeMap<String, i64>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select consumer, count(*) as "count!" from social_graph.person_state_outbox group by consumer
        "#
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.consumer, row.count)).collect())
}
