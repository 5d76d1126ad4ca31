//! `social_graph.plus_k_suggestion`: whose answers members accepted.

use std::collections::BTreeMap;

use sqlx::PgExecutor;
use tracing::instrument;

use crate::plus_k::suggest::Pair;

/// Somebody to give a +K to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Suggested {
    pub(crate) receiver: i64,
    pub(crate) day: i32,
}

/// Notes on which day members accepted answers last. Rows are written in the order of the key, so that no two
/// writers wait for one another in a circle.
#[instrument(name = "db.plus_k_suggestion.add", skip_all, fields(pairs.len = pairs.len()))]
pub(crate) async fn add(
    db: impl PgExecutor<'_>,
    pairs: &BTreeMap<Pair, i32>,
) -> Result<(), sqlx::Error> {
    let askers: Vec<_> = pairs.keys().map(|it| it.asker).collect();
    let receivers: Vec<_> = pairs.keys().map(|it| it.answerer).collect();
    let days: Vec<_> = pairs.values().copied().collect();
    sqlx::query!(
        r#"
        insert into social_graph.plus_k_suggestion as kept (person_id, receiver_id, day)
        select * from unnest($1::bigint[], $2::bigint[], $3::integer[])
        on conflict on constraint plus_k_suggestion_pkey do update
        set day = greatest(kept.day, excluded.day)
        "#,
        &askers,
        &receivers,
        &days,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets those that were taken back.
#[instrument(name = "db.plus_k_suggestion.remove", skip_all, fields(pairs.len = pairs.len()))]
pub(crate) async fn remove(
    db: impl PgExecutor<'_>,
    pairs: &BTreeMap<Pair, i32>,
) -> Result<(), sqlx::Error> {
    let askers: Vec<_> = pairs.keys().map(|it| it.asker).collect();
    let receivers: Vec<_> = pairs.keys().map(|it| it.answerer).collect();
    let days: Vec<_> = pairs.values().copied().collect();
    sqlx::query!(
        r#"
        delete from social_graph.plus_k_suggestion as kept
        using unnest($1::bigint[], $2::bigint[], $3::integer[]) as gone (person_id, receiver_id, day)
        where kept.person_id = gone.person_id and kept.receiver_id = gone.receiver_id
            and kept.day <= gone.day
        "#,
        &askers,
        &receivers,
        &days,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Keeps the newest `max` of each of these people.
#[instrument(name = "db.plus_k_suggestion.cut", skip_all, fields(people.len = people.len()))]
pub(crate) async fn cut(
    db: impl PgExecutor<'_>,
    people: &[i64],
    max: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        delete from social_graph.plus_k_suggestion as gone
        using (
            select person_id, receiver_id,
                row_number() over (partition by person_id order by day desc, receiver_id) as place
            from social_graph.plus_k_suggestion
            where person_id = any($1)
        ) as placed
        where placed.place > $2 and gone.person_id = placed.person_id and gone.receiver_id = placed.receiver_id
        "#,
        people,
        max,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// To whom somebody may want to give one, newest first: members whose answer they accepted on `first` day or later,
/// who got none of them since, and of whom neither blocks the other.
#[instrument(name = "db.plus_k_suggestion.list", skip_all)]
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    person: i64,
    first: i32,
    max: i64,
) -> Result<Vec<Suggested>, sqlx::Error> {
    sqlx::query_as!(
        Suggested,
        r#"
        select receiver_id as receiver, day
        from social_graph.plus_k_suggestion as it
        join social_graph.person as receiver on receiver.person_id = receiver_id and receiver.state = 'MEMBER'
        where it.person_id = $1 and day >= $2
            and not exists (
                select from social_graph.plus_k
                where giver_id = $1 and plus_k.receiver_id = it.receiver_id and take_back_time is null
                    and give_time >= timestamptz '1970-01-01 00:00:00Z' + day * interval '24 hours'
            )
            and not exists (
                select from social_graph.block
                where block.person_id = $1 and blocked_id = it.receiver_id
                    or block.person_id = it.receiver_id and blocked_id = $1
            )
        order by day desc, receiver_id
        limit $3
        "#,
        person,
        first,
        max,
    )
    .fetch_all(db)
    .await
}
