//! `social_graph.plus_k`: who vouched for whom, and what becomes of it when people merge or leave.

use klout_model::Purpose;
use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use tracing::instrument;

use crate::plus_k::{PlusK, Side, rules::Given};

/// Where a page of a list ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) time: OffsetDateTime,
    pub(crate) id: i64,
}

/// How many somebody received on a topic, and on all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OnTopic {
    pub(crate) topic: String,
    pub(crate) count: i64,
    pub(crate) total: i64,
}

/// What somebody gave since a time, also what they took back.
#[instrument(name = "db.plus_k.given_since", skip_all)]
pub(crate) async fn given_since(
    db: impl PgExecutor<'_>,
    giver: i64,
    since: OffsetDateTime,
) -> Result<Vec<Given>, sqlx::Error> {
    sqlx::query_as!(
        Given,
        r#"
        select receiver_id as receiver, topic_id as topic, give_time as time, time_zone,
            take_back_time is not null as "taken_back!"
        from social_graph.plus_k
        where giver_id = $1 and give_time > $2
        order by give_time
        "#,
        giver,
        since,
    )
    .fetch_all(db)
    .await
}

/// One that a giver gave by this request.
#[instrument(name = "db.plus_k.by_request", skip_all)]
pub(crate) async fn by_request(
    db: impl PgExecutor<'_>,
    giver: i64,
    request_id: &str,
) -> Result<Option<PlusK>, sqlx::Error> {
    sqlx::query_as!(
        PlusK,
        r#"
        select plus_k_id as id, giver_id as giver, receiver_id as receiver, topic_id, topic, give_time,
            take_back_time, thank_time, thanks, thanks_public, giver_native, receiver_native
        from social_graph.plus_k
        where giver_id = $1 and request_id = $2
        "#,
        giver,
        request_id,
    )
    .fetch_optional(db)
    .await
}

/// One by its id, which the person gave or received.
#[instrument(name = "db.plus_k.find", skip_all)]
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    id: i64,
    side: Side,
    person: i64,
) -> Result<Option<PlusK>, sqlx::Error> {
    sqlx::query_as!(
        PlusK,
        r#"
        select plus_k_id as id, giver_id as giver, receiver_id as receiver, topic_id, topic, give_time,
            take_back_time, thank_time, thanks, thanks_public, giver_native, receiver_native
        from social_graph.plus_k
        where plus_k_id = $1 and case when $2 then giver_id else receiver_id end = $3
        "#,
        id,
        side == Side::Given,
        person,
    )
    .fetch_optional(db)
    .await
}

/// Adds one.
#[instrument(name = "db.plus_k.insert", skip_all)]
pub(crate) async fn insert(
    db: impl PgExecutor<'_>,
    it: &PlusK,
    time_zone: &str,
    request_id: Option<&str>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into social_graph.plus_k
            (giver_id, plus_k_id, receiver_id, topic_id, topic, give_time, time_zone, request_id, giver_native,
                receiver_native)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        "#,
        it.giver,
        it.id,
        it.receiver,
        it.topic_id,
        it.topic,
        it.give_time,
        time_zone,
        request_id,
        it.giver_native,
        it.receiver_native,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that one was taken back. Returns whether it was not before.
#[instrument(name = "db.plus_k.take_back", skip_all)]
pub(crate) async fn take_back(
    db: impl PgExecutor<'_>,
    giver: i64,
    id: i64,
    time: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        update social_graph.plus_k
        set take_back_time = $3
        where giver_id = $1 and plus_k_id = $2 and take_back_time is null
        "#,
        giver,
        id,
        time,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes thanks for one. Returns whether there were none before, and it was not taken back.
#[instrument(name = "db.plus_k.thank", skip_all)]
pub(crate) async fn thank(
    db: impl PgExecutor<'_>,
    it: &PlusK,
    time: OffsetDateTime,
    thanks: &str,
    public: bool,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        update social_graph.plus_k
        set thank_time = $3, thanks = $4, thanks_public = $5
        where giver_id = $1 and plus_k_id = $2 and take_back_time is null and thank_time is null
        "#,
        it.giver,
        it.id,
        time,
        thanks,
        public,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What somebody received of members, newest first; of one topic, or of all.
#[instrument(name = "db.plus_k.received", skip_all)]
pub(crate) async fn received(
    db: impl PgExecutor<'_>,
    receiver: i64,
    topic: &str,
    after: Option<Place>,
    max: i64,
) -> Result<Vec<PlusK>, sqlx::Error> {
    let (time, id) = after.map_or((None, i64::MAX), |it| (Some(it.time), it.id));
    sqlx::query_as!(
        PlusK,
        r#"
        select plus_k_id as id, giver_id as giver, receiver_id as receiver, topic_id, topic, give_time,
            take_back_time, thank_time, thanks, thanks_public, giver_native, receiver_native
        from social_graph.plus_k
        join social_graph.person on person_id = giver_id and state = 'MEMBER'
        where receiver_id = $1 and take_back_time is null and ($2 = '' or topic = $2)
            and (give_time, plus_k_id) < (coalesce($3, timestamptz 'infinity'), $4::bigint)
        order by give_time desc, plus_k_id desc
        limit $5
        "#,
        receiver,
        topic,
        time,
        id,
        max,
    )
    .fetch_all(db)
    .await
}

/// On which topics somebody received how many of members who do not withhold a purpose, the most first; of the newest.
#[instrument(name = "db.plus_k.received_on", skip_all)]
pub(crate) async fn received_on(
    db: impl PgExecutor<'_>,
    receiver: i64,
    purpose: Option<Purpose>,
    counted_max: i64,
    topics_max: i64,
) -> Result<Vec<OnTopic>, sqlx::Error> {
    sqlx::query_as!(
        OnTopic,
        r#"
        select topic, count(*) as "count!", (sum(count(*)) over ())::bigint as "total!"
        from (
            select topic
            from social_graph.plus_k
            join social_graph.person on person_id = giver_id and state = 'MEMBER'
                and ($2::text is null or $2 <> all(withheld_purposes))
            where receiver_id = $1 and take_back_time is null
            order by give_time desc, plus_k_id desc
            limit $3
        ) as received
        group by topic
        order by count(*) desc, topic
        limit $4
        "#,
        receiver,
        purpose.map(Purpose::as_str),
        counted_max,
        topics_max,
    )
    .fetch_all(db)
    .await
}

/// How many people received of members since a time, by the id that was asked for. Those who received none are left
/// out.
#[instrument(name = "db.plus_k.counts", skip_all)]
pub(crate) async fn counts(
    db: impl PgExecutor<'_>,
    people: &[i64],
    since: OffsetDateTime,
) -> Result<Vec<(i64, i64)>, sqlx::Error> {
    let counts = sqlx::query!(
        r#"
        select asked.person_id, count(*) as "count!"
        from social_graph.person as asked
        join social_graph.plus_k on receiver_id = coalesce(asked.merged_into, asked.person_id)
        join social_graph.person as giver on giver.person_id = giver_id and giver.state = 'MEMBER'
        where asked.person_id = any($1) and give_time >= $2 and take_back_time is null
        group by asked.person_id
        "#,
        people,
        since,
    )
    .fetch_all(db)
    .await?;
    Ok(counts.into_iter().map(|row| (row.person_id, row.count)).collect())
}

/// What somebody gave to members, newest first.
#[instrument(name = "db.plus_k.given", skip_all)]
pub(crate) async fn given(
    db: impl PgExecutor<'_>,
    giver: i64,
    after: Option<Place>,
    max: i64,
) -> Result<Vec<PlusK>, sqlx::Error> {
    let (time, id) = after.map_or((None, i64::MAX), |it| (Some(it.time), it.id));
    sqlx::query_as!(
        PlusK,
        r#"
        select plus_k_id as id, giver_id as giver, receiver_id as receiver, topic_id, topic, give_time,
            take_back_time, thank_time, thanks, thanks_public, giver_native, receiver_native
        from social_graph.plus_k
        join social_graph.person on person_id = receiver_id and state = 'MEMBER'
        where giver_id = $1 and take_back_time is null
            and (give_time, plus_k_id) < (coalesce($2, timestamptz 'infinity'), $3::bigint)
        order by give_time desc, plus_k_id desc
        limit $4
        "#,
        giver,
        time,
        id,
        max,
    )
    .fetch_all(db)
    .await
}

/// Makes all that is about `from` be about `to`, who is the same person: what was given, received, blocked, proposed
/// and suggested. What the two gave one another was given to oneself: it is gone, and taken back where it was told.
/// For the transaction of a merge, which holds both people.
#[instrument(name = "db.plus_k.move_to", skip_all)]
pub(crate) async fn move_to(db: &mut PgConnection, from: i64, to: i64) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with gone as (
            delete from social_graph.plus_k
            where giver_id = $1 and receiver_id = $2 or giver_id = $2 and receiver_id = $1
            returning plus_k_id, giver_native, receiver_native, topic, give_time, take_back_time
        )
        insert into social_graph.plus_k_outbox
            (plus_k_id, giver_native, receiver_native, topic, give_time, taken_back)
        select plus_k_id, giver_native, receiver_native, topic, give_time, true
        from gone
        where take_back_time is null
        on conflict on constraint plus_k_outbox_pkey do update
        set taken_back = true, leased_until = default, attempts = default
        "#,
        from,
        to,
    )
    .execute(&mut *db)
    .await?;
    // A request id is its giver's: what both used cannot be repeated any more by one of them.
    sqlx::query!(
        r#"
        update social_graph.plus_k as moved
        set giver_id = $2,
            request_id = case
                when exists (
                    select from social_graph.plus_k as other
                    where other.giver_id = $2 and other.request_id = moved.request_id
                ) then null
                else request_id
            end
        where giver_id = $1
        "#,
        from,
        to,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "update social_graph.plus_k set receiver_id = $2 where receiver_id = $1",
        from,
        to,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        with gone as (
            delete from social_graph.block
            where person_id = $1 or blocked_id = $1
            returning person_id, blocked_id, block_time
        ),
        moved as (
            select case when person_id = $1 then $2 else person_id end as person_id,
                case when blocked_id = $1 then $2 else blocked_id end as blocked_id,
                min(block_time) as block_time
            from gone
            group by 1, 2
        )
        insert into social_graph.block (person_id, blocked_id, block_time)
        select person_id, blocked_id, block_time
        from moved
        where person_id <> blocked_id
        order by person_id, blocked_id
        on conflict on constraint block_pkey do nothing
        "#,
        from,
        to,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        with gone as (
            delete from social_graph.topic_proposal
            where person_id = $1 or proposer_id = $1
            returning person_id, proposal_id, proposer_id, topic_id, topic, create_time
        )
        insert into social_graph.topic_proposal
            (person_id, proposal_id, proposer_id, topic_id, topic, create_time)
        select case when person_id = $1 then $2 else person_id end, proposal_id,
            case when proposer_id = $1 then $2 else proposer_id end, topic_id, topic, create_time
        from gone
        where not (person_id in ($1, $2) and proposer_id in ($1, $2))
        order by 1, proposal_id
        on conflict on constraint topic_proposal_once do nothing
        "#,
        from,
        to,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        with gone as (
            delete from social_graph.plus_k_suggestion
            where person_id = $1 or receiver_id = $1
            returning person_id, receiver_id, day
        )
        insert into social_graph.plus_k_suggestion as kept (person_id, receiver_id, day)
        select case when person_id = $1 then $2 else person_id end as person_id,
            case when receiver_id = $1 then $2 else receiver_id end as receiver_id, max(day)
        from gone
        where not (person_id in ($1, $2) and receiver_id in ($1, $2))
        group by 1, 2
        order by 1, 2
        on conflict on constraint plus_k_suggestion_pkey do update
        set day = greatest(kept.day, excluded.day)
        "#,
        from,
        to,
    )
    .execute(&mut *db)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
