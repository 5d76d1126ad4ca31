//! `social_graph.account`: what members own.

use std::collections::BTreeMap;

use klout_model::{AccountId, NativeId, Network, PersonId};
use klout_proto::graph::v1::{LinkedAccount, Membership};
use sqlx::PgExecutor;
use time::OffsetDateTime;
use tracing::instrument;

use crate::{account::Account, batch::Handle, state::State};

/// The owner of an account.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) person: PersonId,
    /// Of the account; not that of another account with the same id.
    pub(crate) tag: Vec<u8>,
    pub(crate) state: State,
}

/// An account that a handle may mean.
#[derive(Clone, Debug)]
pub(crate) struct Called {
    pub(crate) network: String,
    pub(crate) handle: String,
    pub(crate) native_id: String,
    pub(crate) person: PersonId,
    /// When it was called so last.
    pub(crate) handle_time: OffsetDateTime,
}

/// Who owns these accounts. What is missing is nobody's.
#[instrument(name = "db.account.owners", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn owners(
    db: impl PgExecutor<'_>,
    accounts: &[AccountId],
) -> Result<BTreeMap<AccountId, Owner>, sqlx::Error> {
    let ids: Vec<_> = accounts.iter().map(|account| account.0).collect();
    let rows = sqlx::query!(
        r#"
        select account_id, person_id, tag, state, merged_into
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
            let owner = Owner { person: person(row.person_id)?, tag: row.tag, state };
            Ok((AccountId(row.account_id), owner))
        })
        .collect()
}

/// The accounts of each of these people, by network and native id.
#[instrument(name = "db.account.of_people", skip_all, fields(people.len = people.len()))]
pub(crate) async fn of_people(
    db: impl PgExecutor<'_>,
    people: &[PersonId],
) -> Result<BTreeMap<PersonId, Vec<LinkedAccount>>, sqlx::Error> {
    let ids: Vec<_> = people.iter().map(|person| person.get()).collect();
    let rows = sqlx::query!(
        r#"
        select person_id, network, native_id, handle
        from social_graph.account
        where person_id = any($1)
        order by person_id, network, native_id
        "#,
        &ids,
    )
    .fetch_all(db)
    .await?;
    let mut accounts: BTreeMap<PersonId, Vec<LinkedAccount>> = BTreeMap::new();
    for row in rows {
        accounts.entry(person(row.person_id)?).or_default().push(LinkedAccount {
            network: row.network,
            native_id: row.native_id,
            handle: row.handle,
            ..Default::default()
        });
    }
    Ok(accounts)
}

/// The accounts of people who are there that are called so, of as many handles as are asked for.
#[instrument(name = "db.account.called", skip_all, fields(handles.len = handles.len()))]
pub(crate) async fn called(
    db: impl PgExecutor<'_>,
    handles: &[(&Network, &NativeId)],
) -> Result<Vec<Called>, sqlx::Error> {
    let networks: Vec<_> = handles.iter().map(|(network, _)| network.as_str()).collect();
    let names: Vec<_> = handles.iter().map(|(_, handle)| handle.as_str()).collect();
    let rows = sqlx::query!(
        r#"
        select account.network, account.handle, account.native_id, account.person_id,
            account.handle_time
        from (
            select distinct network, handle from unnest($1::text[], $2::text[]) as it (network, handle)
        ) as asked
        join social_graph.account using (network, handle)
        join social_graph.person using (person_id)
        where person.state in ('MEMBER', 'WITHHELD')
        order by account.native_id
        "#,
        &networks as &[&str],
        &names as &[&str],
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Called {
                network: row.network,
                handle: row.handle,
                native_id: row.native_id,
                person: person(row.person_id)?,
                handle_time: row.handle_time,
            })
        })
        .collect()
}

/// Links accounts that nobody owns, or somebody who was erased and whose rows are still there, and returns the revision of each that was linked: one that is
/// missing became somebody's in the meantime. Rows are written in the order of ids, so that no two
/// writers wait for one another in a circle.
#[instrument(name = "db.account.insert", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn insert(
    db: impl PgExecutor<'_>,
    accounts: &BTreeMap<AccountId, (&Account, PersonId)>,
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
        insert into social_graph.account as account
            (account_id, tag, network, native_id, handle, person_id, handle_time, link_time)
        select *,
            -- A native id stands for a handle that nobody has told: whatever is told is newer.
            case when handle = native_id then timestamptz 'epoch' else $7::timestamptz end,
            $7::timestamptz
        from unnest($1::bigint[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::bigint[])
            as new (account_id, tag, network, native_id, handle, person_id)
        on conflict on constraint account_pkey do update
        set handle = excluded.handle, person_id = excluded.person_id,
            handle_time = excluded.handle_time, link_time = excluded.link_time,
            revision = nextval('social_graph.membership_revision')
        where account.tag = excluded.tag and exists (
            select from social_graph.person
            where person.person_id = account.person_id and person.state = 'ERASED'
        )
        returning account_id, revision
        "#,
        &ids,
        &tags as &[&[u8]],
        &networks as &[&str],
        &native_ids as &[&str],
        &handles as &[&str],
        &people,
        link_time,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (AccountId(row.account_id), row.revision)).collect())
}

/// Writes what accounts are called by now, where they are there and no later handle is known.
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
    sqlx::query!(
        r#"
        with locked as (
            select account_id
            from social_graph.account
            where account_id = any($1)
            order by account_id
            for update
        )
        update social_graph.account as account
        set handle = new.handle, handle_time = new.seen_time
        from unnest($1::bigint[], $2::text[], $3::timestamptz[])
            as new (account_id, handle, seen_time)
        join locked using (account_id)
        where account.account_id = new.account_id
            and (account.handle_time, account.handle) < (new.seen_time, new.handle)
        "#,
        &ids,
        &names as &[&str],
        &times,
    )
    .execute(db)
    .await?;
    Ok(())
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

/// Who owns these accounts and where they live, as others are told: nobody, if their owner is no member, or does not
/// want to be scored by the network.
#[instrument(name = "db.account.memberships", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn memberships(
    db: impl PgExecutor<'_>,
    accounts: &[i64],
) -> Result<Vec<Membership>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select account_id, network, person_id, revision, country, city,
            person.state = 'MEMBER' and network <> all (withheld_networks) as "owned!"
        from social_graph.account
        join social_graph.person using (person_id)
        where account_id = any($1)
        "#,
        accounts,
    )
    .fetch_all(db)
    .await?;
    let memberships = rows.into_iter().map(|row| {
        let (person_id, country, city) =
            if row.owned { (row.person_id, row.country, row.city) } else { Default::default() };
        let revision = row.revision.cast_unsigned();
        Membership {
            account_id: row.account_id,
            network: row.network,
            person_id,
            revision,
            country,
            city,
        }
    });
    Ok(memberships.collect())
}

fn person(id: i64) -> Result<PersonId, sqlx::Error> {
    PersonId::new(id).ok_or_else(|| sqlx::Error::ColumnDecode {
        index: "person_id".to_owned(),
        source: format!("{id} is no person").into(),
    })
}
