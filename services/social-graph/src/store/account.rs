//! `social_graph.account`: what members own.

use std::collections::BTreeMap;

use klout_model::{AccountId, NativeId, Network, PersonId};
use klout_proto::graph::v1::Membership;
use sqlx::PgExecutor;
use time::OffsetDateTime;
use tracing::instrument;

use super::person::id as person;
use crate::{account::Account, batch::Handle, plus_k::NETWORK, proof::Proof, state::State};

/// The owner of an account.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) person: PersonId,
    /// Of the account; not that of another account with the same id.
    pub(crate) tag: Vec<u8>,
    pub(crate) state: State,
    /// Whether the owner withholds the network.
    pub(crate) withheld: bool,
    /// What the owner does not consent to.
    pub(crate) withheld_purposes: Vec<String>,
}

/// An account that a handle may mean.
#[derive(Clone, Debug)]
pub(crate) struct Called {
    pub(crate) network: Network,
    pub(crate) handle: String,
    pub(crate) native_id: String,
    pub(crate) person: PersonId,
    /// When it was called so last.
    pub(crate) handle_time: OffsetDateTime,
    /// Whether others are shown the person.
    pub(crate) shown: bool,
    /// Whether the person withholds the network.
    pub(crate) withheld: bool,
    /// What the person does not consent to.
    pub(crate) withheld_purposes: Vec<String>,
}

/// The same as it is kept.
#[derive(Debug)]
struct CalledRow {
    network: String,
    handle: String,
    native_id: String,
    person_id: i64,
    handle_time: OffsetDateTime,
    shown: bool,
    withheld: bool,
    withheld_purposes: Vec<String>,
}

/// Accounts and who is to own them, in the order in which their rows are written.
pub(crate) type Linked<'a> = BTreeMap<AccountId, (&'a Account, PersonId)>;

/// Who owns these accounts. What is missing is nobody's.
#[instrument(name = "db.account.owners", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn owners(
    db: impl PgExecutor<'_>,
    accounts: &[AccountId],
) -> Result<BTreeMap<AccountId, Owner>, sqlx::Error> {
    let ids: Vec<_> = accounts.iter().map(|account| account.0).collect();
    let rows = sqlx::query!(
        r#"
        select account_id, person_id, tag, state, merged_into, network = any(withheld_networks) as "withheld!",
            withheld_purposes
        from social_graph.account
        join social_graph.person using (person_id)
        where account_id = any($1)
        "#,
        &ids,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let state = State::kept(&row.state, row.merged_into).ok_or_else(|| {
                let source = format!("{} is no state", row.state).into();
                sqlx::Error::ColumnDecode { index: "state".to_owned(), source }
            })?;
            let owner = Owner {
                person: person(row.person_id)?,
                tag: row.tag,
                state,
                withheld: row.withheld,
                withheld_purposes: row.withheld_purposes,
            };
            Ok((AccountId(row.account_id), owner))
        })
        .collect()
}

/// How many accounts each of these people linked who linked any: the one by which they vouch is none.
#[instrument(name = "db.account.counts", skip_all, fields(people.len = people.len()))]
pub(crate) async fn counts(
    db: impl PgExecutor<'_>,
    people: &[PersonId],
) -> Result<BTreeMap<PersonId, i64>, sqlx::Error> {
    let ids: Vec<_> = people.iter().map(|person| person.get()).collect();
    let rows = sqlx::query!(
        r#"
        select person_id, count(*) as "count!"
        from social_graph.account
        where person_id = any($1) and network <> $2
        group by person_id
        "#,
        &ids,
        NETWORK,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(|row| Ok((person(row.person_id)?, row.count))).collect()
}

/// The accounts that are called so but for capitals, of as many handles as are asked for.
pub(crate) async fn called(
    db: impl PgExecutor<'_>,
    handles: &[(&Network, &NativeId)],
) -> Result<Vec<Called>, sqlx::Error> {
    match handles {
        [(network, handle)] => called_one(db, network, handle).await,
        _ => called_many(db, handles).await,
    }
}

/// The same as for many: with single parameters Postgres keeps its plan, which costs more than what it does.
#[instrument(name = "db.account.called_one", skip_all)]
async fn called_one(
    db: impl PgExecutor<'_>,
    network: &Network,
    handle: &NativeId,
) -> Result<Vec<Called>, sqlx::Error> {
    let rows = sqlx::query_as!(
        CalledRow,
        r#"
        select account.network, account.handle, account.native_id, account.person_id,
            account.handle_time, person.state = 'MEMBER' as "shown!",
            account.network = any(person.withheld_networks) as "withheld!", person.withheld_purposes
        from social_graph.account
        join social_graph.person using (person_id)
        where account.network = $1 and lower(account.handle collate "C") = lower($2 collate "C")
        order by account.native_id
        "#,
        network.as_str(),
        handle.as_str(),
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Called::try_from).collect()
}

#[instrument(name = "db.account.called_many", skip_all, fields(handles.len = handles.len()))]
async fn called_many(
    db: impl PgExecutor<'_>,
    handles: &[(&Network, &NativeId)],
) -> Result<Vec<Called>, sqlx::Error> {
    let networks: Vec<_> = handles.iter().map(|(network, _)| network.as_str()).collect();
    let names: Vec<_> = handles.iter().map(|(_, handle)| handle.as_str()).collect();
    let rows = sqlx::query_as!(
        CalledRow,
        r#"
        select account.network, account.handle, account.native_id, account.person_id,
            account.handle_time, person.state = 'MEMBER' as "shown!",
            account.network = any(person.withheld_networks) as "withheld!", person.withheld_purposes
        from (
            select distinct network, lower(handle collate "C") as handle
            from unnest($1::text[], $2::text[]) as it (network, handle)
        ) as asked
        join social_graph.account
            on account.network = asked.network and lower(account.handle collate "C") = asked.handle
        join social_graph.person using (person_id)
        order by account.native_id
        "#,
        &networks as &[&str],
        &names as &[&str],
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Called::try_from).collect()
}

/// Links accounts that nobody owns, or somebody who was erased and whose rows are still there, and returns the revision of each that was linked: one that is
/// missing became somebody's in the meantime. Rows are written in the order of ids, so that no two
/// writers wait for one another in a circle.
#[instrument(name = "db.account.insert", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn insert(
    db: impl PgExecutor<'_>,
    accounts: &Linked<'_>,
    proof: Proof,
    link_time: OffsetDateTime,
) -> Result<BTreeMap<AccountId, i64>, sqlx::Error> {
    let ids: Vec<_> = accounts.keys().map(|account| account.0).collect();
    let tags: Vec<_> = accounts.values().map(|(account, _)| account.tag.0.as_slice()).collect();
    let networks: Vec<_> = accounts.values().map(|(account, _)| account.network.as_str()).collect();
    let native_ids: Vec<_> =
        accounts.values().map(|(account, _)| account.native_id.as_str()).collect();
    let handles: Vec<_> = accounts.values().map(|(account, _)| account.handle.as_str()).collect();
    let people: Vec<_> = accounts.values().map(|(_, person)| person.get()).collect();
    let rows = sqlx::query!(
        r#"
        with taken as (
            delete from social_graph.released_account where account_id = any($1)
        ),
        linked as (
            insert into social_graph.account as account
                (account_id, tag, network, native_id, handle, person_id, handle_time, handle_since, link_time, proof)
            select new.*,
                -- A native id stands for a handle that nobody has told: whatever is told is newer.
                case when handle = native_id then timestamptz 'epoch' else $7::timestamptz end,
                case when handle = native_id then timestamptz 'epoch' else $7::timestamptz end,
                $7::timestamptz, $8
            from unnest($1::bigint[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::bigint[])
                as new (account_id, tag, network, native_id, handle, person_id)
            on conflict on constraint account_pkey do update
            set handle = excluded.handle, person_id = excluded.person_id, handle_time = excluded.handle_time,
                handle_since = excluded.handle_since, link_time = excluded.link_time, proof = excluded.proof,
                revision = nextval('social_graph.membership_revision')
            where account.tag = excluded.tag and exists (
                select from social_graph.person
                where person.person_id = account.person_id and person.state = 'ERASED'
            )
            returning account_id, revision
        ),
        -- What somebody who was erased was called with it is nobody's to know.
        forgotten as (
            delete from social_graph.handle_use where account_id in (select account_id from linked)
        )
        select account_id as "account_id!", revision as "revision!" from linked
        "#,
        &ids,
        &tags as &[&[u8]],
        &networks as &[&str],
        &native_ids as &[&str],
        &handles as &[&str],
        &people,
        link_time,
        proof.name(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (AccountId(row.account_id), row.revision)).collect())
}

/// Writes what accounts are called by now, where they are there and no later handle is known. Where a handle is one
/// account's at a time, others that were called so before have lost it, whoever has it now, and go by their native
/// id until more is heard of them. What an account was called before is kept.
#[instrument(name = "db.account.renew_handles", skip_all, fields(handles.len = handles.len()))]
pub(crate) async fn renew_handles(
    db: impl PgExecutor<'_>,
    handles: &BTreeMap<AccountId, Handle>,
) -> Result<(), sqlx::Error> {
    if handles.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = handles.keys().map(|account| account.0).collect();
    let names: Vec<_> = handles.values().map(|handle| handle.name.as_str()).collect();
    let times: Vec<_> = handles.values().map(|handle| handle.seen_time).collect();
    let networks: Vec<_> =
        handles.values().map(|handle| handle.unique_on.as_ref().map(Network::as_str)).collect();
    let is_caseless =
        |handle: &Handle| handle.unique_on.as_ref().map(Network::has_caseless_handles);
    let caseless: Vec<_> = handles.values().map(is_caseless).collect();
    sqlx::query!(
        r#"
        with told as (
            select account_id, handle, seen_time, network, caseless
            from unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::text[], $5::boolean[])
                as told (account_id, handle, seen_time, network, caseless)
        ),
        meant as (
            select account_id from told
            union
            select account.account_id
            from told
            join social_graph.account
                on account.network = told.network
                and lower(account.handle collate "C") = lower(told.handle collate "C")
        ),
        locked as (
            select account_id, network, native_id, handle, handle_time, handle_since
            from social_graph.account
            where account_id in (select account_id from meant)
            order by account_id
            for update
        ),
        renewed as (
            select account_id, told.handle, told.seen_time
            from told
            join locked using (account_id)
            where (locked.handle_time, locked.handle) < (told.seen_time, told.handle)
        ),
        lost as (
            select locked.account_id, max(told.seen_time) as seen_time
            from told
            join locked
                on locked.network = told.network
                and (
                    locked.handle = told.handle
                    or told.caseless and lower(locked.handle collate "C") = lower(told.handle collate "C")
                )
            where locked.account_id <> told.account_id and locked.handle <> locked.native_id
                and locked.handle_time < told.seen_time
                and not exists (select from renewed where renewed.account_id = locked.account_id)
            group by locked.account_id
        ),
        new as (
            select account_id, handle, seen_time from renewed
            union all
            select lost.account_id, locked.native_id, lost.seen_time
            from lost
            join locked using (account_id)
        ),
        kept as (
            insert into social_graph.handle_use (account_id, since_time, handle, until_time)
            select account_id, coalesce(locked.handle_since, locked.handle_time), locked.handle, new.seen_time
            from new
            join locked using (account_id)
            where locked.handle <> new.handle and locked.handle <> locked.native_id
            on conflict on constraint handle_use_pkey do nothing
        )
        update social_graph.account as account
        set handle = new.handle, handle_time = new.seen_time,
            handle_since = case when account.handle = new.handle then account.handle_since else new.seen_time end
        from new
        where account.account_id = new.account_id
        "#,
        &ids,
        &names as &[&str],
        &times,
        &networks as &[Option<&str>],
        &caseless as &[Option<bool>],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes an account away from its owner. Returns the revision by which others are told that it is nobody's, unless
/// it was not that person's.
#[instrument(name = "db.account.release", skip_all)]
pub(crate) async fn release(
    db: impl PgExecutor<'_>,
    account: AccountId,
    person: PersonId,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with released as (
            delete from social_graph.account
            where account_id = $1 and person_id = $2
            returning account_id, network
        ),
        forgotten as (
            delete from social_graph.handle_use where account_id in (select account_id from released)
        )
        insert into social_graph.released_account (account_id, network)
        select account_id, network from released
        on conflict on constraint released_account_pkey do update
        set revision = nextval('social_graph.membership_revision')
        returning revision
        "#,
        account.0,
        person.get(),
    )
    .fetch_optional(db)
    .await
}

/// Gives all accounts of somebody to somebody else, with what shows that they are theirs.
#[instrument(name = "db.account.give_all", skip_all)]
pub(crate) async fn give_all(
    db: impl PgExecutor<'_>,
    from: PersonId,
    to: PersonId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with locked as (
            select account_id from social_graph.account where person_id = $1 order by account_id for update
        )
        update social_graph.account as account
        set person_id = $2
        from locked
        where account.account_id = locked.account_id
        "#,
        from.get(),
        to.get(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The pages that a person has of their own: accounts of this network.
#[instrument(name = "db.account.native_ids", skip_all)]
pub(crate) async fn native_ids(
    db: impl PgExecutor<'_>,
    person: PersonId,
    network: &str,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select native_id
        from social_graph.account
        where person_id = $1 and network = $2
        order by native_id
        "#,
        person.get(),
        network,
    )
    .fetch_all(db)
    .await
}

/// The accounts of somebody, all of them theirs for good.
#[instrument(name = "db.account.ids_of", skip_all)]
pub(crate) async fn ids_of(
    db: impl PgExecutor<'_>,
    person: PersonId,
) -> Result<BTreeMap<i64, Option<i32>>, sqlx::Error> {
    let accounts = sqlx::query_scalar!(
        "select account_id from social_graph.account where person_id = $1",
        person.get(),
    )
    .fetch_all(db)
    .await?;
    Ok(accounts.into_iter().map(|account| (account, None)).collect())
}

/// Gives the accounts of these people new revisions, so that what is told of them is newer than what was told
/// before, and returns them.
#[instrument(name = "db.account.renew_revisions", skip_all, fields(people.len = people.len()))]
pub(crate) async fn renew_revisions(
    db: impl PgExecutor<'_>,
    people: &[PersonId],
) -> Result<BTreeMap<AccountId, i64>, sqlx::Error> {
    let ids: Vec<_> = people.iter().map(|person| person.get()).collect();
    let rows = sqlx::query!(
        r#"
        with locked as (
            select account_id
            from social_graph.account
            where person_id = any($1)
            order by account_id
            for update
        )
        update social_graph.account as account
        set revision = nextval('social_graph.membership_revision')
        from locked
        where account.account_id = locked.account_id
        returning account.account_id, account.revision
        "#,
        &ids,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (AccountId(row.account_id), row.revision)).collect())
}

/// Who owns these accounts and where they live, as others are told: of who is no member, and of accounts by which
/// somebody does not want to be scored, nobody does.
#[instrument(name = "db.account.memberships", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn memberships(
    db: impl PgExecutor<'_>,
    accounts: &[i64],
) -> Result<Vec<Membership>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select account_id as "account_id!", network as "network!", revision as "revision!",
            case when shown then person_id else 0 end as "person_id!",
            case when shown then country else '' end as "country!",
            case when shown then city else '' end as "city!"
        from (
            select account_id, network, revision, person_id, country, city,
                state = 'MEMBER' and network <> all(withheld_networks) as shown
            from social_graph.account
            join social_graph.person using (person_id)
            where account_id = any($1)
            union all
            select account_id, network, revision, 0, '', '', false
            from social_graph.released_account
            where account_id = any($1)
        ) as known
        "#,
        accounts,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Membership {
            account_id: row.account_id,
            network: row.network,
            person_id: row.person_id,
            revision: row.revision.cast_unsigned(),
            country: row.country,
            city: row.city,
        })
        .collect())
}

// === impl Called ===

impl TryFrom<CalledRow> for Called {
    type Error = sqlx::Error;

    fn try_from(row: CalledRow) -> Result<Self, sqlx::Error> {
        let network = row.network.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        Ok(Self {
            network,
            handle: row.handle,
            native_id: row.native_id,
            person: person(row.person_id)?,
            handle_time: row.handle_time,
            shown: row.shown,
            withheld: row.withheld,
            withheld_purposes: row.withheld_purposes,
        })
    }
}
