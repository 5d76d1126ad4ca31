//! `social_graph.receipt` and what stands on it: what became of what was held about somebody.

use std::collections::BTreeMap;

use klout_model::PersonId;
use klout_proto::{
    convert,
    graph::v1::{AlreadyLeft, Deleted, Forgotten, Masked, Receipt},
};
use sqlx::PgExecutor;
use time::Duration;
use tracing::instrument;
use uuid::Uuid;

use super::forgetting::Leased;
use crate::tell::Consumer;

/// By when everything is deleted.
const DELETE_TIME_MAX: Duration = Duration::hours(24);

/// Adds receipts, each with whom it is about and its kind, by the numbers of people's states. Asked for now, whatever
/// the clock of scores shows: within a day of people's lives all is deleted.
#[instrument(name = "db.receipt.insert", skip_all, fields(receipts.len = receipts.len()))]
pub(crate) async fn insert(
    db: impl PgExecutor<'_>,
    receipts: &[(Uuid, PersonId, &'static str)],
    numbers: &BTreeMap<PersonId, i64>,
) -> Result<(), sqlx::Error> {
    let ids: Vec<_> = receipts.iter().map(|(id, ..)| *id).collect();
    let people: Vec<_> = receipts.iter().map(|(_, person, _)| person.get()).collect();
    let numbers: Vec<_> = receipts.iter().filter_map(|(_, who, _)| numbers.get(who)).collect();
    let numbers: Vec<_> = numbers.into_iter().copied().collect();
    let kinds: Vec<_> = receipts.iter().map(|(.., kind)| *kind).collect();
    sqlx::query!(
        r#"
        insert into social_graph.receipt (receipt_id, person_id, kind, number, request_time)
        select receipt_id, person_id, kind, number, now()
        from unnest($1::uuid[], $2::bigint[], $3::text[], $4::bigint[])
            as new (receipt_id, person_id, kind, number)
        "#,
        &ids,
        &people,
        &kinds as &[&str],
        &numbers,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Adds who has to mask: these services, and this one, which does so from now on.
#[instrument(name = "db.receipt_masked.insert", skip_all, fields(receipts.len = receipts.len()))]
pub(crate) async fn insert_masked(
    db: impl PgExecutor<'_>,
    receipts: &[(Uuid, PersonId, &'static str)],
    consumers: &[Consumer],
) -> Result<(), sqlx::Error> {
    let ids: Vec<_> = receipts.iter().map(|(id, ..)| *id).collect();
    let consumers: Vec<_> = consumers.iter().map(|consumer| consumer.name()).collect();
    sqlx::query!(
        r#"
        insert into social_graph.receipt_masked (receipt_id, service, mask_time)
        select receipt_id, service, case when service = $3 then now() end
        from unnest($1::uuid[]) as new (receipt_id)
        cross join unnest($2::text[] || $3::text) as who (service)
        "#,
        &ids,
        &consumers as &[&str],
        Consumer::OURSELVES,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Adds who had been told something of each person until now, and of whoever became them. What is not folded yet is
/// added when it is: [`lookup::lock`](super::lookup::lock) is held.
#[instrument(name = "db.receipt_already_left.insert", skip_all, fields(receipts.len = receipts.len()))]
pub(crate) async fn insert_already_left(
    db: impl PgExecutor<'_>,
    receipts: &[(Uuid, PersonId, &'static str)],
) -> Result<(), sqlx::Error> {
    let ids: Vec<_> = receipts.iter().map(|(id, ..)| *id).collect();
    let people: Vec<_> = receipts.iter().map(|(_, person, _)| person.get()).collect();
    sqlx::query!(
        r#"
        insert into social_graph.receipt_already_left (receipt_id, caller, purpose, count, last_time)
        select receipt_id, caller, purpose, sum(count)::bigint, max(last_time)
        from (
            select receipt_id, person_id
            from unnest($1::uuid[], $2::bigint[]) as new (receipt_id, person_id)
            union
            select receipt_id, person.person_id
            from unnest($1::uuid[], $2::bigint[]) as new (receipt_id, person_id)
            join social_graph.person on person.merged_into = new.person_id
        ) as whom
        join social_graph.lookup using (person_id)
        group by receipt_id, caller, purpose
        "#,
        &ids,
        &people,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The newest receipt of that kind that a person was given.
#[instrument(name = "db.receipt.newest", skip_all)]
pub(crate) async fn newest(
    db: impl PgExecutor<'_>,
    person: PersonId,
    kind: &'static str,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select receipt_id
        from social_graph.receipt
        where person_id = $1 and kind = $2
        order by request_time desc
        limit 1
        "#,
        person.get(),
        kind,
    )
    .fetch_optional(db)
    .await
}

/// A receipt as far as it has come.
#[instrument(name = "db.receipt.read", skip_all)]
pub(crate) async fn read(
    db: impl PgExecutor<'_> + Copy,
    receipt: Uuid,
) -> Result<Option<Receipt>, sqlx::Error> {
    let row = sqlx::query!(
        "select kind, request_time, delete_time from social_graph.receipt where receipt_id = $1",
        receipt,
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let masked = sqlx::query!(
        "select service, mask_time from social_graph.receipt_masked where receipt_id = $1 order by service",
        receipt,
    )
    .fetch_all(db)
    .await?;
    let deleted = sqlx::query!(
        r#"
        select service, name, count
        from social_graph.receipt_deleted
        where receipt_id = $1
        order by service, name
        "#,
        receipt,
    )
    .fetch_all(db)
    .await?;
    let left = sqlx::query!(
        r#"
        select caller, purpose, count, last_time
        from social_graph.receipt_already_left
        where receipt_id = $1
        order by caller, purpose
        "#,
        receipt,
    )
    .fetch_all(db)
    .await?;
    Ok(Some(Receipt {
        receipt: receipt.to_string(),
        kind: row.kind,
        request_time: Some(convert::timestamp(row.request_time)),
        masked: masked
            .into_iter()
            .map(|it| Masked {
                service: it.service,
                mask_time: it.mask_time.map(convert::timestamp),
            })
            .collect(),
        deleted: deleted
            .into_iter()
            .map(|it| Deleted {
                service: it.service,
                name: it.name,
                count: it.count.cast_unsigned(),
            })
            .collect(),
        delete_time: row.delete_time.map(convert::timestamp),
        delete_by_time: Some(convert::timestamp(row.request_time + DELETE_TIME_MAX)),
        already_left: left
            .into_iter()
            .map(|it| AlreadyLeft {
                caller: it.caller,
                purpose: it.purpose,
                count: it.count.cast_unsigned(),
                last_time: Some(convert::timestamp(it.last_time)),
            })
            .collect(),
    }))
}

/// Adds to what a service deleted of a person, on the receipts on which something is still to come: of that state, and
/// of those before, of which the rest goes with it.
#[instrument(name = "db.receipt_deleted.add", skip_all)]
pub(crate) async fn add_deleted(
    db: impl PgExecutor<'_>,
    leased: Leased,
    service: &str,
    forgotten: &[Forgotten],
) -> Result<(), sqlx::Error> {
    let names: Vec<_> = forgotten.iter().map(|it| it.name.as_str()).collect();
    let counts: Vec<_> =
        forgotten.iter().map(|it| i64::try_from(it.count).unwrap_or(i64::MAX)).collect();
    sqlx::query!(
        r#"
        insert into social_graph.receipt_deleted as deleted (receipt_id, service, name, count)
        select receipt_id, $2, name, sum(count)::bigint
        from social_graph.receipt
        cross join unnest($3::text[], $4::bigint[]) as new (name, count)
        where person_id = $1 and number <= $5 and delete_time is null
        group by receipt_id, name
        having sum(count) > 0
        on conflict on constraint receipt_deleted_pkey do update
        set count = deleted.count + excluded.count
        "#,
        leased.person.get(),
        service,
        &names as &[&str],
        &counts,
        leased.number,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes on a person's receipts for that state, and for those before, that everything is deleted.
#[instrument(name = "db.receipt.end", skip_all)]
pub(crate) async fn end(db: impl PgExecutor<'_>, leased: Leased) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update social_graph.receipt
        set delete_time = now()
        where person_id = $1 and number <= $2 and delete_time is null
        "#,
        leased.person.get(),
        leased.number,
    )
    .execute(db)
    .await?;
    Ok(())
}
