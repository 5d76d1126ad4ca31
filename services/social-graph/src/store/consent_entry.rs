//! `social_graph.consent_entry`: how consent came about.

use klout_model::PersonId;
use klout_proto::{convert, graph::v1::ConsentEntry};
use sqlx::PgExecutor;
use tracing::instrument;

use crate::state::{By, Entry};

/// Adds entries, in their order.
#[instrument(name = "db.consent_entry.append", skip_all, fields(entries.len = entries.len()))]
pub(crate) async fn append(
    db: impl PgExecutor<'_>,
    entries: &[Entry],
    by: &By<'_>,
) -> Result<(), sqlx::Error> {
    let people: Vec<_> = entries.iter().map(|entry| entry.person.get()).collect();
    let abouts: Vec<_> = entries.iter().map(|entry| entry.about.as_str()).collect();
    let decisions: Vec<_> = entries.iter().map(|entry| entry.decision).collect();
    sqlx::query!(
        r#"
        insert into social_graph.consent_entry (person_id, create_time, about, decision, caller, note)
        select person_id, $4, about, decision, $5, $6
        from unnest($1::bigint[], $2::text[], $3::text[])
            with ordinality as new (person_id, about, decision, place)
        order by place
        "#,
        &people,
        &abouts as &[&str],
        &decisions as &[&str],
        by.now,
        by.caller,
        by.note,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Up to `max` entries of a person before `number`, newest first.
#[instrument(name = "db.consent_entry.before", skip_all)]
pub(crate) async fn before(
    db: impl PgExecutor<'_>,
    person: PersonId,
    number: i64,
    max: i64,
) -> Result<Vec<ConsentEntry>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select number, create_time, about, decision, caller, note
        from social_graph.consent_entry
        where person_id = $1 and number < $2
        order by number desc
        limit $3
        "#,
        person.get(),
        number,
        max,
    )
    .fetch_all(db)
    .await?;
    let entries = rows.into_iter().map(|row| ConsentEntry {
        number: row.number.cast_unsigned(),
        create_time: Some(convert::timestamp(row.create_time)),
        about: row.about,
        decision: row.decision,
        caller: row.caller,
        note: row.note,
    });
    Ok(entries.collect())
}
