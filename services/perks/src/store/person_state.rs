//! `perks.person_state`: who is not shown, and gets nothing.

use std::collections::{HashMap, HashSet};

use klout_chassis::switched_on;
use klout_model::{Purpose, Purposes};
use klout_proto::people::{Known, Told};
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

/// What tells this lock from others of the database: "perksper". Whoever writes what somebody has shares it, whoever takes
/// states over holds it alone.
pub(super) const LOCK: i64 = 0x7065_726b_7370_6572;

/// Keeps states as they are until the transaction ends. For whoever writes what somebody has: before anything else is
/// held but a campaign's row, which whoever takes states over never asks for ([`ledger::hold`](super::ledger::hold)
/// holds both). Who is gone then, [`gone`] tells.
#[instrument(name = "db.person_state.share", skip_all)]
async fn share(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(r#"select pg_advisory_xact_lock_shared($1) as "shared!: ()""#, LOCK)
        .fetch_one(db)
        .await?;
    Ok(())
}

/// Waits until nobody writes what somebody has, and keeps them waiting until the transaction ends. What is read
/// afterwards is as they left it.
#[instrument(name = "db.person_state.hold", skip_all)]
pub(crate) async fn hold(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(r#"select pg_advisory_xact_lock($1) as "held!: ()""#, LOCK).fetch_one(db).await?;
    Ok(())
}

/// Those of these people who are nobody: who have left, are not shown, do not consent to perks, or are somebody else by
/// now.
#[instrument(name = "db.person_state.gone", skip_all, fields(people.len = people.len()))]
pub(crate) async fn gone(
    db: impl PgExecutor<'_>,
    people: &[i64],
) -> Result<HashSet<i64>, sqlx::Error> {
    if people.is_empty() {
        return Ok(HashSet::new());
    }
    Ok(gone_of(find(db, people).await?))
}

/// The same of what was read already.
pub(super) fn gone_of(standings: impl IntoIterator<Item = (i64, Standing)>) -> HashSet<i64> {
    if switched_on!("perks.shows_anybody") {
        return HashSet::new();
    }
    let is_gone = |it: &Standing| match it {
        Standing::Member(withheld) => !Purpose::Perks.sees(*withheld),
        Standing::Gone | Standing::Moved(_) => true,
    };
    standings.into_iter().filter(|(_, it)| is_gone(it)).map(|it| it.0).collect()
}

/// Keeps states as they are until the transaction ends, and tells who of these people is gone: to be asked before
/// anything is written about them.
pub(crate) async fn share_and_find_gone(
    db: &mut PgConnection,
    people: &[i64],
) -> Result<HashSet<i64>, sqlx::Error> {
    if people.is_empty() {
        return Ok(HashSet::new());
    }
    share(&mut *db).await?;
    gone(db, people).await
}

/// Those of these people who are not shown to anybody, whatever they consent to.
#[instrument(name = "db.person_state.masked", skip_all, fields(people.len = people.len()))]
pub(crate) async fn masked(
    db: impl PgExecutor<'_>,
    people: &[i64],
) -> Result<HashSet<i64>, sqlx::Error> {
    if people.is_empty() || switched_on!("perks.shows_anybody") {
        return Ok(HashSet::new());
    }
    let standings = find(db, people).await?;
    let is_masked = |it: &Standing| matches!(it, Standing::Gone | Standing::Moved(_));
    Ok(standings.into_iter().filter(|(_, it)| is_masked(it)).map(|it| it.0).collect())
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
        insert into perks.person_state as state (person_id, number, state, withheld, into_person_id)
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

/// What holds of those of these people of whom anything was told; all others are members who consent to everything.
#[instrument(name = "db.person_state.find", skip_all, fields(people.len = people.len()))]
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    people: &[i64],
) -> Result<HashMap<i64, Standing>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select person_id, state, withheld, into_person_id
        from perks.person_state
        where person_id = any($1)
        "#,
        people,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|it| (it.person_id, standing(&it.state, it.withheld, it.into_person_id)))
        .collect())
}

/// What a row says.
pub(super) fn standing(state: &str, withheld: i16, into: Option<i64>) -> Standing {
    match (state, into) {
        ("MEMBER", _) => {
            Standing::Member(Purposes::of_bits(u8::try_from(withheld).unwrap_or_default()))
        }
        (_, Some(into)) => Standing::Moved(into),
        (_, None) => Standing::Gone,
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
        from perks.person_state
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
        "select state from perks.person_state where person_id = $1 for share",
        person,
    )
    .fetch_optional(db)
    .await?;
    Ok(found.as_deref() == Some(state))
}

/// The highest number that was told; 0: none was.
#[instrument(name = "db.person_state.newest", skip_all)]
pub(crate) async fn newest(db: impl PgExecutor<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"select coalesce(max(number), 0) as "newest!" from perks.person_state"#)
        .fetch_one(db)
        .await
}

/// Gives what merged people had to those whom they are now. Where both have a grant of a campaign that gives one to a
/// person, both keep theirs: they get no other one before both have ended, and per person both count. The key is that of
/// one of them alone, as a key can be there once.
#[instrument(name = "db.person_state.move", skip_all, fields(people.len = from.len()))]
pub(crate) async fn move_held(
    db: &mut PgConnection,
    from: &[i64],
    into: &[i64],
) -> Result<(), sqlx::Error> {
    // Of two who were merged into a third, both of whom have a live grant of one campaign, one alone takes the place.
    sqlx::query!(
        r#"
        with merged as (
            select * from unnest($1::bigint[], $2::bigint[]) as it (person_id, into_person_id)
        ),
        moving as (
            select it.campaign_id, it.grant_id, merged.into_person_id,
                'person:' || merged.into_person_id as unique_key,
                it.unique_key = 'person:' || merged.person_id as is_of_person,
                row_number() over (
                    partition by it.campaign_id, merged.into_person_id, it.unique_key = 'person:' || merged.person_id
                    order by it.state not in ('RESERVED', 'CONFIRMED'), it.reserve_time, it.grant_id
                ) as place
            from merged join perks.grant as it using (person_id)
        )
        update perks.grant as moved
        set person_id = moving.into_person_id,
            unique_key = case
                when not is_of_person then moved.unique_key
                when place > 1 or exists (
                    select from perks.grant as other
                    where other.campaign_id = moved.campaign_id and other.unique_key = moving.unique_key
                        and other.state in ('RESERVED', 'CONFIRMED')
                ) then 'grant:' || moved.grant_id
                else moving.unique_key
            end
        from moving
        where moved.campaign_id = moving.campaign_id and moved.grant_id = moving.grant_id
        "#,
        from,
        into,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        with merged as (
            select * from unnest($1::bigint[], $2::bigint[]) as it (person_id, into_person_id)
        ),
        taken as (
            delete from perks.budget as it
            using merged
            where it.kind = 'PERSON' and it.key = merged.person_id::text
            returning it.campaign_id, merged.into_person_id::text as key, it.taken
        )
        insert into perks.budget as budget (campaign_id, kind, key, taken)
        select campaign_id, 'PERSON', key, sum(taken) from taken group by campaign_id, key
        on conflict on constraint budget_pkey do update set taken = budget.taken + excluded.taken
        "#,
        from,
        into,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        with merged as (
            select * from unnest($1::bigint[], $2::bigint[]) as it (person_id, into_person_id)
        ),
        decided as (
            update perks.decision as moved set person_id = into_person_id
            from merged where moved.person_id = merged.person_id
        ),
        checked_in as (
            update perks.check_in as moved set person_id = into_person_id
            from merged where moved.person_id = merged.person_id
        )
        update perks.arrival as moved set person_id = into_person_id
        from merged where moved.person_id = merged.person_id
        "#,
        from,
        into,
    )
    .execute(db)
    .await?;
    Ok(())
}
