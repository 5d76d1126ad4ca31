//! `scoring.person_state`, `erased_account` and `masking`: who is not shown, and whose evidence is not taken in.

use std::collections::{BTreeMap, HashMap};

use klout_model::Purposes;
use klout_proto::people::{Erased, Known, Told};
use sqlx::{PgConnection, PgExecutor};
use tracing::instrument;

/// What holds of somebody of whom something else may hold than of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Shown, but not for these purposes.
    Member(Purposes),
    /// Not there.
    Gone,
    /// Somebody else now.
    Moved(i64),
}

// === impl Standing ===

impl Standing {
    /// From the columns of a row, which may be missing: then it is a member who consents to everything.
    pub(super) fn read(state: Option<&str>, withheld: Option<i16>, into: Option<i64>) -> Self {
        match (state, into) {
            (None, _) => Self::Member(Purposes::NONE),
            (Some("MEMBER"), _) => {
                let bits = withheld.and_then(|bits| u8::try_from(bits).ok()).unwrap_or_default();
                Self::Member(Purposes::of_bits(bits))
            }
            (Some(_), Some(into)) => Self::Moved(into),
            (Some(_), None) => Self::Gone,
        }
    }
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
        insert into scoring.person_state as state (person_id, number, state, withheld, into_person_id)
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

/// What holds of those of these people of whom anything was told.
#[instrument(name = "db.person_state.find", skip_all, fields(people.len = people.len()))]
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    people: &[i64],
) -> Result<HashMap<i64, Standing>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select person_id, state, withheld, into_person_id
        from scoring.person_state
        where person_id = any($1)
        "#,
        people,
    )
    .fetch_all(db)
    .await?;
    let standing = |state: &str, withheld, into| Standing::read(Some(state), Some(withheld), into);
    Ok(rows
        .into_iter()
        .map(|it| (it.person_id, standing(&it.state, it.withheld, it.into_person_id)))
        .collect())
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
        from scoring.person_state
        where person_id = any($1)
        "#,
        people,
    )
    .fetch_all(db)
    .await
}

/// The highest number that was told; 0: none was.
#[instrument(name = "db.person_state.newest", skip_all)]
pub(crate) async fn newest(db: impl PgExecutor<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"select coalesce(max(number), 0) as "newest!" from scoring.person_state"#)
        .fetch_one(db)
        .await
}

/// Deletes everything that shows anything of these people. Their evidence stays.
#[instrument(name = "db.person_state.mask", skip_all, fields(people.len = people.len()))]
pub(crate) async fn mask(db: &mut PgConnection, people: &[i64]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with scores as (delete from scoring.score where person_id = any($1)),
        days as (delete from scoring.history where person_id = any($1)),
        shadows as (delete from scoring.shadow_score where person_id = any($1)),
        cases as (delete from scoring.contest where person_id = any($1))
        delete from scoring.dirty_person where person_id = any($1)
        "#,
        people,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Gives cases of people who were merged to those whom they are now.
#[instrument(name = "db.contest.move", skip_all)]
pub(crate) async fn move_contests(
    db: &mut PgConnection,
    from: &[i64],
    into: &[i64],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update scoring.contest as contest
        set person_id = merged.into_person_id
        from unnest($1::bigint[], $2::bigint[]) as merged (person_id, into_person_id)
        where contest.person_id = merged.person_id
            and not exists (
                select from scoring.contest as other
                where other.person_id = merged.into_person_id
                    and other.request_id = contest.request_id
            )
        "#,
        from,
        into,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Gives each of these people a new revision and, if they have a score, to the score as well: what is cached under
/// an earlier one does not count any more. Returns the revisions.
#[instrument(name = "db.person_state.touch", skip_all, fields(people.len = people.len()))]
pub(crate) async fn touch(
    db: &mut PgConnection,
    people: &[i64],
) -> Result<Vec<(i64, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        with touched as materialized (
            select person_id, nextval('scoring.score_revision') as revision
            from unnest($1::bigint[]) as asked (person_id)
        ),
        renewed as (
            update scoring.score as score
            set revision = touched.revision
            from touched
            where score.person_id = touched.person_id
        )
        select person_id as "person_id!", revision as "revision!" from touched
        "#,
        people,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| (it.person_id, it.revision)).collect())
}

/// Numbers the next change of anybody's state.
#[instrument(name = "db.masking.raise", skip_all)]
pub(crate) async fn raise(db: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!("update scoring.masking set number = number + 1 returning number")
        .fetch_one(db)
        .await
}

/// The last change of anybody's state.
#[instrument(name = "db.masking.read", skip_all)]
pub(crate) async fn masking(db: impl PgExecutor<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!("select number from scoring.masking").fetch_one(db).await
}

/// Keeps accounts from being erased until the transaction ends.
#[instrument(name = "db.erased_account.share_lock", skip_all)]
pub(crate) async fn share_erased(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("lock table scoring.erased_account in row exclusive mode").execute(db).await?;
    Ok(())
}

/// Waits until nobody applies a batch, and keeps batches waiting until the transaction ends.
#[instrument(name = "db.erased_account.lock", skip_all)]
pub(crate) async fn lock_erased(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("lock table scoring.erased_account in share row exclusive mode")
        .execute(db)
        .await?;
    Ok(())
}

/// Notes that accounts were erased, each of them once.
#[instrument(name = "db.erased_account.renew", skip_all, fields(accounts.len = erased.len()))]
pub(crate) async fn renew_erased(
    db: &mut PgConnection,
    erased: &BTreeMap<i64, Erased>,
) -> Result<(), sqlx::Error> {
    let accounts: Vec<_> = erased.keys().copied().collect();
    let days: Vec<_> = erased.values().map(|it| it.through_day).collect();
    sqlx::query!(
        r#"
        insert into scoring.erased_account (account_id, through_day)
        select * from unnest($1::bigint[], $2::integer[])
        on conflict on constraint erased_account_pkey do update
        set through_day = excluded.through_day
        "#,
        &accounts,
        &days as &[Option<i32>],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Which of these accounts were erased.
#[instrument(name = "db.erased_account.find", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn erased(
    db: impl PgExecutor<'_>,
    accounts: &[i64],
) -> Result<HashMap<i64, Erased>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Erased,
        r#"
        select account_id as account, through_day
        from scoring.erased_account
        where account_id = any($1)
        "#,
        accounts,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| (it.account, it)).collect())
}
