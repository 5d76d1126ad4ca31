//! `topics.person_state` and `erased_account`: who is not shown, and of whom nothing is taken in.

use std::collections::{BTreeMap, HashMap};

use klout_model::{Purpose, Purposes};
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

/// What holds of people; all others are members who consent to everything.
pub(crate) type Standings = HashMap<i64, Standing>;

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
        insert into topics.person_state as state (person_id, number, state, withheld, into_person_id)
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
) -> Result<Standings, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select person_id, state, withheld, into_person_id
        from topics.person_state
        where person_id = any($1)
        "#,
        people,
    )
    .fetch_all(db)
    .await?;
    let standing = |state: &str, withheld: i16, into| match (state, into) {
        ("MEMBER", _) => {
            Standing::Member(Purposes::of_bits(u8::try_from(withheld).unwrap_or_default()))
        }
        (_, Some(into)) => Standing::Moved(into),
        (_, None) => Standing::Gone,
    };
    Ok(rows
        .into_iter()
        .map(|it| (it.person_id, standing(&it.state, it.withheld, it.into_person_id)))
        .collect())
}

/// Whether somebody was told to be in that state, and stays so until the transaction ends.
#[instrument(name = "db.person_state.is", skip_all)]
pub(crate) async fn is(
    db: &mut PgConnection,
    person: i64,
    state: &str,
) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "select state from topics.person_state where person_id = $1 for share",
        person,
    )
    .fetch_optional(db)
    .await?;
    Ok(found.as_deref() == Some(state))
}

/// Whether somebody is there for a purpose.
pub(crate) fn sees(purpose: Purpose, standings: &Standings, person: i64) -> bool {
    match standings.get(&person) {
        None => true,
        Some(Standing::Member(withheld)) => purpose.sees(*withheld),
        Some(Standing::Gone | Standing::Moved(_)) => false,
    }
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
        from topics.person_state
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
    sqlx::query_scalar!(r#"select coalesce(max(number), 0) as "newest!" from topics.person_state"#)
        .fetch_one(db)
        .await
}

/// Removes what people have to do with topics. Returns the topics whose ranks change.
#[instrument(name = "db.person_state.mask", skip_all, fields(people.len = people.len()))]
pub(crate) async fn mask(db: &mut PgConnection, people: &[i64]) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with claims as (delete from topics.claim where person_id = any($1)),
        dirty as (delete from topics.dirty_person where person_id = any($1)),
        gone as (
            delete from topics.person_topic where person_id = any($1)
            returning topic_id, shown, network
        )
        select distinct topic_id from gone where shown and network = ''
        "#,
        people,
    )
    .fetch_all(db)
    .await
}

/// Gives what merged people declared and vetoed to those whom they are now.
#[instrument(name = "db.said.move", skip_all)]
pub(crate) async fn move_said(
    db: &mut PgConnection,
    from: &[i64],
    into: &[i64],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with merged as (
            select * from unnest($1::bigint[], $2::bigint[]) as it (person_id, into_person_id)
        ),
        declared as (
            insert into topics.declared
                (person_id, edition_id, topic_id, stand_in, position, influencers)
            select distinct on (into_person_id, edition_id, topic_id) into_person_id, edition_id,
                topic_id, stand_in, position, influencers
            from merged join topics.declared using (person_id)
            order by into_person_id, edition_id, topic_id, position
            on conflict on constraint declared_pkey do nothing
        ),
        vetoed as (
            insert into topics.veto (person_id, edition_id, topic_id, veto_time)
            select distinct on (into_person_id, edition_id, topic_id) into_person_id, edition_id,
                topic_id, veto_time
            from merged join topics.veto using (person_id)
            order by into_person_id, edition_id, topic_id
            on conflict on constraint veto_pkey do nothing
        ),
        declared_before as (delete from topics.declared where person_id = any($1))
        delete from topics.veto where person_id = any($1)
        "#,
        from,
        into,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Keeps accounts from being erased until the transaction ends.
#[instrument(name = "db.erased_account.share_lock", skip_all)]
pub(crate) async fn share_erased(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("lock table topics.erased_account in row exclusive mode").execute(db).await?;
    Ok(())
}

/// Waits until nobody applies a batch, and keeps batches waiting until the transaction ends.
#[instrument(name = "db.erased_account.lock", skip_all)]
pub(crate) async fn lock_erased(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("lock table topics.erased_account in share row exclusive mode")
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
        insert into topics.erased_account (account_id, through_day)
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
        from topics.erased_account
        where account_id = any($1)
        "#,
        accounts,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| (it.account, it)).collect())
}
