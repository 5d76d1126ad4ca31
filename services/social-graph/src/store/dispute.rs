//! `social_graph.dispute`: accounts that two people claim.

use std::collections::BTreeMap;

use klout_model::{AccountId, PersonId};
use klout_proto::{
    convert,
    graph::v1::{Dispute, LinkedAccount},
};
use sqlx::PgExecutor;
use time::OffsetDateTime;
use tracing::instrument;

use super::person::id as person;
use crate::{account::Account, proof::Proof};

/// A dispute that nobody else settles until the transaction ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) account: i64,
    pub(crate) owner: PersonId,
    pub(crate) claimant: PersonId,
    pub(crate) settled_for: Option<PersonId>,
}

/// Takes note that somebody claims an account that somebody else has. Who claims it again has one dispute,
/// with whoever has it by then.
#[instrument(name = "db.dispute.insert", skip_all)]
pub(crate) async fn insert(
    db: impl PgExecutor<'_>,
    account: &Account,
    claimant: PersonId,
    proof: Proof,
    create_time: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into social_graph.dispute as dispute
            (account_id, tag, network, native_id, handle, owner_person_id, claimant_person_id, proof, create_time)
        select account_id, tag, network, native_id, handle, person_id, $2, $3, $4
        from social_graph.account
        where account_id = $1 and person_id <> $2
        on conflict (account_id, claimant_person_id) where settled_for is null do update
        set owner_person_id = excluded.owner_person_id, proof = excluded.proof, create_time = excluded.create_time
        where dispute.owner_person_id <> excluded.owner_person_id
        "#,
        account.id.0,
        claimant.get(),
        proof.name(),
        create_time,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Disputes after one, oldest first: those that are open, or all.
#[instrument(name = "db.dispute.list", skip_all)]
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    settled_too: bool,
    after: i64,
    max: i64,
) -> Result<Vec<Dispute>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Kept,
        r#"
        select dispute_id, network, native_id, handle, owner_person_id, claimant_person_id, proof, create_time,
            settled_for
        from social_graph.dispute
        where dispute_id > $2 and ($1 or settled_for is null)
        order by dispute_id
        limit $3
        "#,
        settled_too,
        after,
        max,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Dispute::from).collect())
}

/// A dispute.
#[instrument(name = "db.dispute.find", skip_all)]
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    dispute: i64,
) -> Result<Option<Dispute>, sqlx::Error> {
    let row = sqlx::query_as!(
        Kept,
        r#"
        select dispute_id, network, native_id, handle, owner_person_id, claimant_person_id, proof, create_time,
            settled_for
        from social_graph.dispute
        where dispute_id = $1
        "#,
        dispute,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Dispute::from))
}

/// Locks a dispute.
#[instrument(name = "db.dispute.lock", skip_all)]
pub(crate) async fn lock(
    db: impl PgExecutor<'_>,
    dispute: i64,
) -> Result<Option<Known>, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        select account_id, owner_person_id, claimant_person_id, settled_for
        from social_graph.dispute
        where dispute_id = $1
        for update
        "#,
        dispute,
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        Ok(Known {
            account: row.account_id,
            owner: person(row.owner_person_id)?,
            claimant: person(row.claimant_person_id)?,
            settled_for: row.settled_for.map(person).transpose()?,
        })
    })
    .transpose()
}

/// Gives the account of a dispute to who claims it, if the other one has it or nobody does. Returns its revision then.
#[instrument(name = "db.dispute.give", skip_all)]
pub(crate) async fn give(
    db: impl PgExecutor<'_>,
    dispute: i64,
    link_time: OffsetDateTime,
) -> Result<BTreeMap<AccountId, i64>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        with it as (
            select * from social_graph.dispute where dispute_id = $1
        ),
        taken as (
            delete from social_graph.released_account where account_id in (select account_id from it)
        )
        insert into social_graph.account as account
            (account_id, tag, network, native_id, handle, person_id, handle_time, handle_since, link_time, proof)
        select account_id, tag, network, native_id, native_id, claimant_person_id, 'epoch', 'epoch', $2, proof
        from it
        on conflict on constraint account_pkey do update
        set person_id = excluded.person_id, link_time = excluded.link_time, proof = excluded.proof,
            revision = nextval('social_graph.membership_revision')
        where account.person_id in (select owner_person_id from it)
            or account.person_id = excluded.person_id
        returning account_id, revision
        "#,
        dispute,
        link_time,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (AccountId(row.account_id), row.revision)).collect())
}

/// Writes whose the account of a dispute is.
#[instrument(name = "db.dispute.settle", skip_all)]
pub(crate) async fn settle(
    db: impl PgExecutor<'_>,
    dispute: i64,
    settled_for: PersonId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update social_graph.dispute set settled_for = $2 where dispute_id = $1",
        dispute,
        settled_for.get(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Puts somebody in the place of somebody else. What the two disputed with one another, or both with a third, is
/// settled by that, as often as it was disputed but once.
#[instrument(name = "db.dispute.give_all", skip_all)]
pub(crate) async fn give_all(
    db: impl PgExecutor<'_>,
    from: PersonId,
    to: PersonId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update social_graph.dispute as it
        set owner_person_id = case when owner_person_id = $1 then $2 else owner_person_id end,
            claimant_person_id = case when claimant_person_id = $1 then $2 else claimant_person_id end,
            settled_for = case
                when settled_for = $1 then $2
                when settled_for is not null then settled_for
                when owner_person_id in ($1, $2) and claimant_person_id in ($1, $2) then $2
                when claimant_person_id = $1 and exists (
                    select from social_graph.dispute as other
                    where other.account_id = it.account_id and other.claimant_person_id = $2
                        and other.settled_for is null
                ) then owner_person_id
            end
        where owner_person_id = $1 or claimant_person_id = $1
        "#,
        from.get(),
        to.get(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A dispute, as it is kept.
#[derive(Debug)]
struct Kept {
    dispute_id: i64,
    network: String,
    native_id: String,
    handle: String,
    owner_person_id: i64,
    claimant_person_id: i64,
    proof: String,
    create_time: OffsetDateTime,
    settled_for: Option<i64>,
}

// === impl Dispute ===

impl From<Kept> for Dispute {
    fn from(kept: Kept) -> Self {
        let Kept { network, native_id, handle, .. } = kept;
        let account = LinkedAccount { network, native_id, handle, ..Default::default() };
        Self {
            dispute: kept.dispute_id.to_string(),
            account: Some(account),
            owner: kept.owner_person_id.to_string(),
            claimant: kept.claimant_person_id.to_string(),
            proof: kept.proof,
            create_time: Some(convert::timestamp(kept.create_time)),
            settled_for: kept.settled_for.map(|person| person.to_string()).unwrap_or_default(),
        }
    }
}
