//! `social_graph.person_state`: what other services are told of people.

use std::collections::BTreeMap;

use klout_model::PersonId;
use klout_proto::graph::v1::{ErasedAccount, PersonState};
use sqlx::PgExecutor;
use tracing::instrument;

use super::person::Columns;
use crate::state::{Standing, State};

/// Writes the newest state of people.
#[instrument(name = "db.person_state.write", skip_all, fields(people.len = standings.len()))]
pub(crate) async fn write(
    db: impl PgExecutor<'_>,
    standings: &BTreeMap<PersonId, &Standing>,
    numbers: &BTreeMap<PersonId, i64>,
) -> Result<(), sqlx::Error> {
    let Columns { people, states, purposes, into, .. } = Columns::of(standings);
    let numbers: Vec<_> =
        standings.keys().filter_map(|person| numbers.get(person)).copied().collect();
    sqlx::query!(
        r#"
        insert into social_graph.person_state (person_id, number, state, withheld_purposes, into_person_id)
        select person_id, number, state, string_to_array(purposes, ','), into_person_id
        from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[])
            as new (person_id, number, state, purposes, into_person_id)
        on conflict on constraint person_state_pkey do update
        set number = excluded.number, state = excluded.state,
            withheld_purposes = excluded.withheld_purposes, into_person_id = excluded.into_person_id
        "#,
        &people,
        &numbers,
        &states as &[&str],
        &purposes as &[String],
        &into as &[Option<i64>],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Gives states that stay as they are new numbers, so that they are told again.
#[instrument(name = "db.person_state.renumber", skip_all, fields(people.len = numbers.len()))]
pub(crate) async fn renumber(
    db: impl PgExecutor<'_>,
    numbers: &BTreeMap<PersonId, i64>,
) -> Result<(), sqlx::Error> {
    let people: Vec<_> = numbers.keys().map(|person| person.get()).collect();
    let numbers: Vec<_> = numbers.values().copied().collect();
    sqlx::query!(
        r#"
        update social_graph.person_state as it
        set number = new.number
        from unnest($1::bigint[], $2::bigint[]) as new (person_id, number)
        where it.person_id = new.person_id
        "#,
        &people,
        &numbers,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Has these people, who were merged, be somebody else, by new numbers.
#[instrument(name = "db.person_state.redirect", skip_all, fields(people.len = numbers.len()))]
pub(crate) async fn redirect(
    db: impl PgExecutor<'_>,
    numbers: &BTreeMap<PersonId, i64>,
    into: PersonId,
) -> Result<(), sqlx::Error> {
    let people: Vec<_> = numbers.keys().map(|person| person.get()).collect();
    let numbers: Vec<_> = numbers.values().copied().collect();
    sqlx::query!(
        r#"
        update social_graph.person_state as it
        set number = new.number, into_person_id = $3
        from unnest($1::bigint[], $2::bigint[]) as new (person_id, number)
        where it.person_id = new.person_id
        "#,
        &people,
        &numbers,
        into.get(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Up to `max` states of higher numbers, in their order.
#[instrument(name = "db.person_state.after", skip_all)]
pub(crate) async fn after(
    db: impl PgExecutor<'_>,
    number: i64,
    max: i64,
) -> Result<Vec<PersonState>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Kept,
        r#"
        select it.person_id, it.number, it.state, it.withheld_purposes, it.into_person_id,
            coalesce(erased.account_ids, '{}') as "account_ids!",
            coalesce(erased.through_days, '{}') as "through_days!: Vec<Option<i32>>"
        from (
            select * from social_graph.person_state where number > $1 order by number limit $2
        ) as it
        left join lateral (
            select array_agg(account_id order by account_id) as account_ids,
                array_agg(through_day order by account_id) as through_days
            from social_graph.erased_account where erased_account.person_id = it.person_id
        ) as erased on true
        order by it.number
        "#,
        number,
        max,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Kept::told).collect())
}

/// The states of these people, in the order of their numbers.
#[instrument(name = "db.person_state.of", skip_all, fields(people.len = people.len()))]
pub(crate) async fn of(
    db: impl PgExecutor<'_>,
    people: &[i64],
) -> Result<Vec<PersonState>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Kept,
        r#"
        select it.person_id, it.number, it.state, it.withheld_purposes, it.into_person_id,
            coalesce(erased.account_ids, '{}') as "account_ids!",
            coalesce(erased.through_days, '{}') as "through_days!: Vec<Option<i32>>"
        from social_graph.person_state as it
        left join lateral (
            select array_agg(account_id order by account_id) as account_ids,
                array_agg(through_day order by account_id) as through_days
            from social_graph.erased_account where erased_account.person_id = it.person_id
        ) as erased on true
        where it.person_id = any($1)
        order by it.number
        "#,
        people,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Kept::told).collect())
}

/// The state of somebody who may be gone.
#[instrument(name = "db.person_state.find", skip_all)]
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    person: PersonId,
) -> Result<Option<State>, sqlx::Error> {
    let row = sqlx::query!(
        "select state, into_person_id from social_graph.person_state where person_id = $1",
        person.get(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.and_then(|row| State::kept(&row.state, row.into_person_id)))
}

/// A row with the accounts of who was erased.
#[derive(Debug)]
struct Kept {
    person_id: i64,
    number: i64,
    state: String,
    withheld_purposes: Vec<String>,
    into_person_id: Option<i64>,
    account_ids: Vec<i64>,
    through_days: Vec<Option<i32>>,
}

// === impl Kept ===

impl Kept {
    fn told(self) -> PersonState {
        let erased = self.account_ids.into_iter().zip(self.through_days);
        PersonState {
            person_id: self.person_id,
            number: self.number.cast_unsigned(),
            state: self.state,
            withheld_purposes: self.withheld_purposes,
            into_person_id: self.into_person_id.unwrap_or(0),
            erased_accounts: erased
                .map(|(account_id, through_day)| ErasedAccount { account_id, through_day })
                .collect(),
        }
    }
}
