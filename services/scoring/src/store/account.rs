//! `scoring.account`: who owns what evidence is about.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use klout_proto::graph::v1::Membership;
use sqlx::{PgConnection, PgExecutor};
use tracing::instrument;

/// Who owns an account, and since which revision.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner {
    pub(crate) person: Option<i64>,
    pub(crate) revision: u64,
}

/// Every account, for [`klout_store::copy_out`]: id, network, owner.
pub(crate) const COPY_ALL: &str = "copy (
        select account_id, network, person_id from scoring.account
    ) to stdout (format binary)";

/// Adds accounts that are not there, as pseudonyms.
#[instrument(name = "db.account.add", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn add(
    db: impl PgExecutor<'_>,
    accounts: &BTreeMap<i64, String>,
) -> Result<(), sqlx::Error> {
    let ids: Vec<_> = accounts.keys().copied().collect();
    let networks: Vec<_> = accounts.values().map(String::as_str).collect();
    sqlx::query!(
        r#"
        insert into scoring.account (account_id, network)
        select * from unnest($1::bigint[], $2::text[])
        on conflict on constraint account_pkey do nothing
        "#,
        &ids,
        &networks as &[&str],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The owners of these accounts. They stay the owners until the transaction ends.
#[instrument(name = "db.account.owners_shared", skip_all)]
pub(crate) async fn owners_shared(
    db: &mut PgConnection,
    accounts: &BTreeSet<i64>,
) -> Result<BTreeSet<i64>, sqlx::Error> {
    let ids: Vec<_> = accounts.iter().copied().collect();
    let owners = sqlx::query_scalar!(
        r#"
        select person_id
        from scoring.account
        where account_id = any($1)
        order by account_id
        for share
        "#,
        &ids,
    )
    .fetch_all(db)
    .await?;
    Ok(owners.into_iter().flatten().collect())
}

/// The owners of these accounts, which nobody else changes or reads until the transaction ends.
#[instrument(name = "db.account.owners_locked", skip_all)]
pub(crate) async fn owners_locked(
    db: &mut PgConnection,
    accounts: &BTreeSet<i64>,
) -> Result<BTreeMap<i64, Owner>, sqlx::Error> {
    let ids: Vec<_> = accounts.iter().copied().collect();
    let rows = sqlx::query!(
        r#"
        select account_id, person_id, revision
        from scoring.account
        where account_id = any($1)
        order by account_id
        for update
        "#,
        &ids,
    )
    .fetch_all(db)
    .await?;
    let owner = |person, revision: i64| Owner { person, revision: revision.cast_unsigned() };
    Ok(rows.into_iter().map(|row| (row.account_id, owner(row.person_id, row.revision))).collect())
}

/// Writes new owners of accounts whose rows are locked.
#[instrument(name = "db.account.renew_owners", skip_all)]
pub(crate) async fn renew_owners(
    db: &mut PgConnection,
    memberships: &[&Membership],
) -> Result<(), sqlx::Error> {
    let ids: Vec<_> = memberships.iter().map(|it| it.account_id).collect();
    let people: Vec<_> = memberships.iter().map(|it| it.person_id).collect();
    let revisions: Vec<_> = memberships.iter().map(|it| it.revision.cast_signed()).collect();
    sqlx::query!(
        r#"
        update scoring.account as account
        set person_id = nullif(new.person_id, 0), revision = new.revision,
            owned_since = pg_current_xact_id()
        from unnest($1::bigint[], $2::bigint[], $3::bigint[])
            as new (account_id, person_id, revision)
        where account.account_id = new.account_id and account.revision < new.revision
        "#,
        &ids,
        &people,
        &revisions,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Who owns an account, and what they are influential with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) person: i64,
    /// As of the newest score; `None`: nothing is known.
    pub(crate) influence: Option<f64>,
}

/// The owners of those among these accounts that somebody owns, by account.
#[instrument(name = "db.account.members", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn members(
    db: impl PgExecutor<'_>,
    accounts: &[i64],
) -> Result<HashMap<i64, Member>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select account_id as "account_id!", person_id as "person_id!", influence as "influence?"
        from scoring.account
        left join scoring.score using (person_id)
        where account_id = any($1) and person_id is not null
            and not exists (
                select from scoring.person_state as state
                where state.person_id = account.person_id and state.state <> 'MEMBER'
            )
        "#,
        accounts,
    )
    .fetch_all(db)
    .await?;
    let member = |person, influence| Member { person, influence };
    Ok(rows.into_iter().map(|it| (it.account_id, member(it.person_id, it.influence))).collect())
}

/// An account whose owner changed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ownership {
    pub(crate) account: i64,
    pub(crate) person: Option<i64>,
}

/// Numbers the changes of owners anew that are numbered as nothing here is yet: what was restored elsewhere has
/// numbers of another server, and would be read again and again.
#[instrument(name = "db.account.mend_owned_since", skip_all)]
pub(crate) async fn mend_owned_since(db: impl PgExecutor<'_>) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        update scoring.account set owned_since = pg_current_xact_id()
        where owned_since > pg_snapshot_xmax(pg_current_snapshot())
        "#
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// The owners of all accounts whose owners changed in the transaction `since` or later, or are about to: some
/// may come twice. Returns what to ask for next time too.
#[instrument(name = "db.account.owned_since", skip_all)]
pub(crate) async fn owned_since(
    db: &mut PgConnection,
    since: &str,
) -> Result<(Vec<Ownership>, String), sqlx::Error> {
    // First: what begins to change afterwards has a later number, and what is changing has none before it.
    let next =
        sqlx::query_scalar!(r#"select pg_snapshot_xmin(pg_current_snapshot())::text as "next!""#)
            .fetch_one(&mut *db)
            .await?;
    let changed = sqlx::query_as!(
        Ownership,
        r#"
        select account_id as account, person_id as person
        from scoring.account
        where owned_since >= $1::text::xid8
        "#,
        since,
    )
    .fetch_all(db)
    .await?;
    Ok((changed, next))
}
