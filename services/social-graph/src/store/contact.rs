//! `social_graph.contact`: what people are found by.

use std::collections::BTreeMap;

use klout_model::{ContactHash, PersonId};
use sqlx::PgExecutor;
use time::OffsetDateTime;
use tracing::instrument;

use super::person::id as person;
use crate::contact::Kind;

/// Whose a contact is.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) person: PersonId,
    /// Whether others are shown the person.
    pub(crate) shown: bool,
    /// What the person does not consent to.
    pub(crate) withheld_purposes: Vec<String>,
}

/// Whose these contacts are. What is missing is nobody's.
#[instrument(name = "db.contact.owners", skip_all, fields(contacts.len = hashes.len()))]
pub(crate) async fn owners(
    db: impl PgExecutor<'_>,
    hashes: &[ContactHash],
) -> Result<BTreeMap<ContactHash, Owner>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select contact_hash, person_id, state = 'MEMBER' as "shown!", withheld_purposes
        from social_graph.contact
        join social_graph.person using (person_id)
        where contact_hash = any($1)
        "#,
        &bytes(hashes) as &[&[u8]],
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let owner = Owner {
                person: person(row.person_id)?,
                shown: row.shown,
                withheld_purposes: row.withheld_purposes,
            };
            Ok((hash(&row.contact_hash)?, owner))
        })
        .collect()
}

/// Adds contacts that nobody has. Returns how many were added: fewer, when somebody was quicker.
#[instrument(name = "db.contact.insert", skip_all, fields(contacts.len = contacts.len()))]
pub(crate) async fn insert(
    db: impl PgExecutor<'_>,
    person: PersonId,
    contacts: &BTreeMap<ContactHash, Kind>,
    key_version: i32,
    add_time: OffsetDateTime,
) -> Result<usize, sqlx::Error> {
    let hashes: Vec<_> = contacts.keys().map(|hash| hash.0.as_slice()).collect();
    let kinds: Vec<_> = contacts.values().map(|kind| kind.name()).collect();
    let added = sqlx::query_scalar!(
        r#"
        insert into social_graph.contact (contact_hash, kind, key_version, person_id, add_time)
        select contact_hash, kind, $3, $4, $5
        from unnest($1::bytea[], $2::text[]) as new (contact_hash, kind)
        on conflict on constraint contact_pkey do nothing
        returning 1 as "one!"
        "#,
        &hashes as &[&[u8]],
        &kinds as &[&str],
        key_version,
        person.get(),
        add_time,
    )
    .fetch_all(db)
    .await?;
    Ok(added.len())
}

/// How many contacts a person has.
#[instrument(name = "db.contact.count", skip_all)]
pub(crate) async fn count(db: impl PgExecutor<'_>, person: PersonId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from social_graph.contact where person_id = $1"#,
        person.get(),
    )
    .fetch_one(db)
    .await
}

/// Forgets contacts of a person. Returns how many there were.
#[instrument(name = "db.contact.delete", skip_all, fields(contacts.len = hashes.len()))]
pub(crate) async fn delete(
    db: impl PgExecutor<'_>,
    person: PersonId,
    hashes: &[ContactHash],
) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query!(
        "delete from social_graph.contact where contact_hash = any($1) and person_id = $2",
        &bytes(hashes) as &[&[u8]],
        person.get(),
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected())
}

/// Gives all contacts of somebody to somebody else.
#[instrument(name = "db.contact.give_all", skip_all)]
pub(crate) async fn give_all(
    db: impl PgExecutor<'_>,
    from: PersonId,
    to: PersonId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update social_graph.contact set person_id = $2 where person_id = $1",
        from.get(),
        to.get(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Up to `max` contacts that are hashed by fewer keys than there are, with how many, locked.
#[instrument(name = "db.contact.older", skip_all)]
pub(crate) async fn older(
    db: impl PgExecutor<'_>,
    key_version: i32,
    max: i64,
) -> Result<Vec<(ContactHash, i32)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select contact_hash, key_version
        from social_graph.contact
        where key_version < $1
        order by contact_hash
        limit $2
        for update skip locked
        "#,
        key_version,
        max,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(|row| Ok((hash(&row.contact_hash)?, row.key_version))).collect()
}

/// Writes contacts that are hashed by more keys than before.
#[instrument(name = "db.contact.rehash", skip_all, fields(contacts.len = hashes.len()))]
pub(crate) async fn rehash(
    db: impl PgExecutor<'_>,
    hashes: &[(ContactHash, ContactHash)],
    key_version: i32,
) -> Result<(), sqlx::Error> {
    let old: Vec<_> = hashes.iter().map(|(old, _)| old.0.as_slice()).collect();
    let new: Vec<_> = hashes.iter().map(|(_, new)| new.0.as_slice()).collect();
    sqlx::query!(
        r#"
        update social_graph.contact
        set contact_hash = it.new_hash, key_version = $3
        from unnest($1::bytea[], $2::bytea[]) as it (old_hash, new_hash)
        where contact_hash = it.old_hash
        "#,
        &old as &[&[u8]],
        &new as &[&[u8]],
        key_version,
    )
    .execute(db)
    .await?;
    Ok(())
}

fn bytes(hashes: &[ContactHash]) -> Vec<&[u8]> {
    hashes.iter().map(|hash| hash.0.as_slice()).collect()
}

fn hash(bytes: &[u8]) -> Result<ContactHash, sqlx::Error> {
    bytes.try_into().map(ContactHash).map_err(|_| sqlx::Error::ColumnDecode {
        index: "contact_hash".to_owned(),
        source: "it is not 32 bytes".into(),
    })
}
