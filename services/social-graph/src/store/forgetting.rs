//! `social_graph.forgetting`: what services have still to delete.

use std::{collections::BTreeMap, time::Duration};

use crate::tell::Consumer;
use klout_model::PersonId;
use klout_store::interval;
use sqlx::PgExecutor;
use tracing::instrument;

/// Somebody of whom a service is to delete what is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leased {
    pub(crate) person: PersonId,
    /// Of the state that demands it. Another one may take its place meanwhile, and is then to be done by itself.
    pub(crate) number: i64,
}

/// Adds people of whom these services, and this one, are to delete what is to go, by the numbers of their states.
#[instrument(name = "db.forgetting.append", skip_all, fields(people.len = left.len()))]
pub(crate) async fn append(
    db: impl PgExecutor<'_>,
    left: &BTreeMap<PersonId, i64>,
    consumers: &[Consumer],
) -> Result<(), sqlx::Error> {
    let people: Vec<_> = left.keys().map(|person| person.get()).collect();
    let numbers: Vec<_> = left.values().copied().collect();
    let consumers: Vec<_> = consumers.iter().map(|consumer| consumer.name()).collect();
    sqlx::query!(
        r#"
        insert into social_graph.forgetting (person_id, number, consumer)
        select person_id, number, consumer
        from unnest($1::bigint[], $2::bigint[]) as new (person_id, number)
        cross join unnest($3::text[] || $4::text) as told (consumer)
        order by person_id, consumer
        on conflict on constraint forgetting_pkey do update
        set number = excluded.number, leased_until = default, attempts = default
        "#,
        &people,
        &numbers,
        &consumers as &[&str],
        Consumer::OURSELVES,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Has a service delete once more what is to go of everybody who left under a number above this one. It is asked when
/// it has been told of them.
#[instrument(name = "db.forgetting.resume", skip_all)]
pub(crate) async fn resume(
    db: impl PgExecutor<'_>,
    consumer: Consumer,
    after: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into social_graph.forgetting (person_id, number, consumer)
        select person_id, number, $1
        from social_graph.person_state
        where number > $2 and state in ('ERASED', 'OPTED_OUT')
        order by person_id
        on conflict on constraint forgetting_pkey do nothing
        "#,
        consumer.name(),
        after,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lets everything stay of people who are back.
#[instrument(name = "db.forgetting.delete", skip_all, fields(people.len = people.len()))]
pub(crate) async fn delete(
    db: impl PgExecutor<'_>,
    people: &[PersonId],
) -> Result<(), sqlx::Error> {
    let people: Vec<_> = people.iter().map(|person| person.get()).collect();
    sqlx::query!("delete from social_graph.forgetting where person_id = any($1)", &people)
        .execute(db)
        .await?;
    Ok(())
}

/// Takes somebody for `time` whom the service knows to be gone.
#[instrument(name = "db.forgetting.lease", skip_all)]
pub(crate) async fn lease(
    db: impl PgExecutor<'_>,
    consumer: Consumer,
    time: Duration,
) -> Result<Option<Leased>, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        update social_graph.forgetting as forgetting
        set leased_until = now() + $1, attempts = attempts + 1
        from (
            select person_id
            from social_graph.forgetting
            where consumer = $2 and leased_until < now() and not exists (
                select from social_graph.person_state_outbox as outbox
                where outbox.person_id = forgetting.person_id and outbox.consumer = $2
            )
            order by leased_until
            limit 1
            for update skip locked
        ) as due
        where forgetting.person_id = due.person_id and forgetting.consumer = $2
        returning forgetting.person_id, forgetting.number
        "#,
        interval(time),
        consumer.name(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row
        .and_then(|row| Some(Leased { person: PersonId::new(row.person_id)?, number: row.number })))
}

/// Takes somebody for `time` of whom every other service has deleted what is to go, and everybody knows who owns their
/// accounts.
#[instrument(name = "db.forgetting.lease_own", skip_all)]
pub(crate) async fn lease_own(
    db: impl PgExecutor<'_>,
    time: Duration,
) -> Result<Option<Leased>, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        update social_graph.forgetting as forgetting
        set leased_until = now() + $1, attempts = attempts + 1
        from (
            select person_id
            from social_graph.forgetting
            where consumer = $2 and leased_until < now()
                and not exists (
                    select from social_graph.forgetting as other
                    where other.person_id = forgetting.person_id and other.consumer <> $2
                )
                and not exists (
                    select from social_graph.membership_outbox
                    join social_graph.account using (account_id)
                    where account.person_id = forgetting.person_id
                )
            order by leased_until
            limit 1
            for update skip locked
        ) as due
        where forgetting.person_id = due.person_id and forgetting.consumer = $2
        returning forgetting.person_id, forgetting.number
        "#,
        interval(time),
        Consumer::OURSELVES,
    )
    .fetch_optional(db)
    .await?;
    Ok(row
        .and_then(|row| Some(Leased { person: PersonId::new(row.person_id)?, number: row.number })))
}

/// Keeps somebody for `time` from now on.
#[instrument(name = "db.forgetting.renew", skip_all)]
pub(crate) async fn renew(
    db: impl PgExecutor<'_>,
    consumer: &str,
    leased: Leased,
    time: Duration,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update social_graph.forgetting
        set leased_until = now() + $3
        where person_id = $1 and consumer = $2 and number = $4 and leased_until > now()
        "#,
        leased.person.get(),
        consumer,
        interval(time),
        leased.number,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes note that a service has deleted what is to go. Returns whether it was still that which is to go.
#[instrument(name = "db.forgetting.done", skip_all)]
pub(crate) async fn done(
    db: impl PgExecutor<'_>,
    consumer: &str,
    leased: Leased,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "delete from social_graph.forgetting where person_id = $1 and consumer = $2 and number = $3",
        leased.person.get(),
        consumer,
        leased.number,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Lets somebody wait: 0.1 s doubled by each attempt, at most five minutes.
#[instrument(name = "db.forgetting.release", skip_all)]
pub(crate) async fn release(
    db: impl PgExecutor<'_>,
    consumer: &str,
    leased: Leased,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update social_graph.forgetting
        set leased_until = now()
            + least(interval '5 minutes', interval '100 milliseconds' * 2 ^ least(attempts, 12))
        where person_id = $1 and consumer = $2 and number = $3
        "#,
        leased.person.get(),
        consumer,
        leased.number,
    )
    .execute(db)
    .await?;
    Ok(())
}
