//! `gateway.person_state`: about whom nothing is kept.

use std::collections::HashMap;

use klout_proto::people::{Known, Told};
use sqlx::{PgConnection, PgExecutor};
use tracing::instrument;

/// What holds of somebody of whom something else holds than of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Not there.
    Gone,
    /// Somebody else now.
    Moved(i64),
}

/// Keeps states as they are until the transaction ends. For whoever writes who was found: before anything else is held.
#[instrument(name = "db.person_state.share", skip_all)]
pub(crate) async fn share(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("lock table gateway.person_state in row exclusive mode").execute(db).await?;
    Ok(())
}

/// Waits until nobody writes who was found, and keeps them waiting until the transaction ends. What is read afterwards
/// is as they left it.
#[instrument(name = "db.person_state.hold", skip_all)]
pub(crate) async fn hold(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("lock table gateway.person_state in share row exclusive mode").execute(db).await?;
    Ok(())
}

/// Those of these people who are not there any more, or are somebody else by now.
#[instrument(name = "db.person_state.find", skip_all, fields(people.len = people.len()))]
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    people: &[i64],
) -> Result<HashMap<i64, Standing>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select person_id, into_person_id
        from gateway.person_state
        where person_id = any($1) and state <> 'MEMBER'
        "#,
        people,
    )
    .fetch_all(db)
    .await?;
    let standing = |into: Option<i64>| into.map_or(Standing::Gone, Standing::Moved);
    Ok(rows.into_iter().map(|it| (it.person_id, standing(it.into_person_id))).collect())
}

/// Takes over states that are newer than those that are here, but of who was erased, which is for good. Returns whose
/// they are.
#[instrument(name = "db.person_state.renew", skip_all, fields(states.len = told.len()))]
pub(crate) async fn renew(db: &mut PgConnection, told: &[Told]) -> Result<Vec<i64>, sqlx::Error> {
    let people: Vec<_> = told.iter().map(|it| it.person).collect();
    let numbers: Vec<_> = told.iter().map(|it| it.number).collect();
    let states: Vec<_> = told.iter().map(|it| it.state.as_str()).collect();
    let withheld: Vec<_> = told.iter().map(|it| i16::from(it.withheld.bits())).collect();
    let into: Vec<_> = told.iter().map(|it| it.into).collect();
    sqlx::query_scalar!(
        r#"
        insert into gateway.person_state as state (person_id, number, state, withheld, into_person_id)
        select * from unnest($1::bigint[], $2::bigint[], $3::text[], $4::smallint[], $5::bigint[])
        on conflict on constraint person_state_pkey do update
        set number = excluded.number, state = excluded.state, withheld = excluded.withheld,
            into_person_id = excluded.into_person_id
        where state.number < excluded.number
            and (state.state <> 'ERASED' or excluded.state = 'ERASED')
        returning person_id
        "#,
        &people,
        &numbers,
        &states as &[&str],
        &withheld,
        &into as &[Option<i64>],
    )
    .fetch_all(db)
    .await
}

/// What is known of these people.
#[instrument(name = "db.person_state.known", skip_all, fields(people.len = people.len()))]
pub(crate) async fn known(
    db: impl PgExecutor<'_>,
    people: &[i64],
) -> Result<Vec<Known>, sqlx::Error> {
    sqlx::query_as!(
        Known,
        r#"
        select person_id as person, number, state
        from gateway.person_state
        where person_id = any($1)
        "#,
        people,
    )
    .fetch_all(db)
    .await
}

/// Whether somebody was told to be in that state, and stays so until the transaction ends.
#[instrument(name = "db.person_state.is", skip_all)]
pub(crate) async fn is(
    db: &mut PgConnection,
    person: i64,
    state: &str,
) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "select state from gateway.person_state where person_id = $1 for share",
        person,
    )
    .fetch_optional(db)
    .await?;
    Ok(found.as_deref() == Some(state))
}

/// The highest number that was told; 0: none was.
#[instrument(name = "db.person_state.newest", skip_all)]
pub(crate) async fn newest(db: impl PgExecutor<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"select coalesce(max(number), 0) as "newest!" from gateway.person_state"#)
        .fetch_one(db)
        .await
}

/// What the row of somebody says, as JSON.
#[instrument(name = "db.person_state.describe", skip_all)]
pub(crate) async fn describe(
    db: impl PgExecutor<'_>,
    person: i64,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select to_jsonb(it)::text as "json!" from gateway.person_state as it where person_id = $1"#,
        person,
    )
    .fetch_optional(db)
    .await
}
