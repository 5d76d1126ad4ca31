//! `social_graph.person`: those who joined.

use std::collections::BTreeMap;

use klout_model::PersonId;
use sqlx::PgExecutor;
use time::OffsetDateTime;
use tracing::instrument;

use crate::place::Place;

/// Somebody who joined.
#[derive(Clone, Debug)]
pub(crate) struct Joined {
    pub(crate) create_time: OffsetDateTime,
    pub(crate) place: Place,
}

/// Adds new people, each with where they live.
#[instrument(name = "db.person.insert", skip_all, fields(people.len = people.len()))]
pub(crate) async fn insert(
    db: impl PgExecutor<'_>,
    people: &BTreeMap<PersonId, Place>,
    create_time: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    let (ids, countries, cities) = columns(people);
    sqlx::query!(
        r#"
        insert into social_graph.person (person_id, country, city, create_time)
        select person_id, country, city, $4
        from unnest($1::bigint[], $2::text[], $3::text[]) as new (person_id, country, city)
        "#,
        &ids,
        &countries as &[&str],
        &cities as &[&str],
        create_time,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Those of these people who are there.
#[instrument(name = "db.person.find", skip_all, fields(people.len = people.len()))]
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    people: &[PersonId],
) -> Result<BTreeMap<PersonId, Joined>, sqlx::Error> {
    let ids: Vec<_> = people.iter().map(|person| person.get()).collect();
    let rows = sqlx::query!(
        r#"
        select person_id, create_time, country, city
        from social_graph.person
        where person_id = any($1)
        "#,
        &ids,
    )
    .fetch_all(db)
    .await?;
    let joined = rows.into_iter().filter_map(|row| {
        let place = Place::kept(row.country, row.city);
        Some((PersonId::new(row.person_id)?, Joined { create_time: row.create_time, place }))
    });
    Ok(joined.collect())
}

/// Where those of these people live who are there. Nobody else moves them, or links an account to them
/// ([`share`]), until the transaction ends. Rows are locked in the order of ids, so that no two writers wait for
/// one another in a circle.
#[instrument(name = "db.person.places_locked", skip_all, fields(people.len = people.len()))]
pub(crate) async fn places_locked(
    db: impl PgExecutor<'_>,
    people: &[PersonId],
) -> Result<BTreeMap<PersonId, Place>, sqlx::Error> {
    let ids: Vec<_> = people.iter().map(|person| person.get()).collect();
    let rows = sqlx::query!(
        r#"
        select person_id, country, city
        from social_graph.person
        where person_id = any($1)
        order by person_id
        for update
        "#,
        &ids,
    )
    .fetch_all(db)
    .await?;
    let place = |country, city| Place::kept(country, city);
    let places = rows
        .into_iter()
        .filter_map(|row| Some((PersonId::new(row.person_id)?, place(row.country, row.city))));
    Ok(places.collect())
}

/// Keeps somebody where they are until the transaction ends. Returns whether there is such a person.
#[instrument(name = "db.person.share", skip_all)]
pub(crate) async fn share(db: impl PgExecutor<'_>, person: PersonId) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "select person_id from social_graph.person where person_id = $1 for share",
        person.get(),
    )
    .fetch_optional(db)
    .await?;
    Ok(found.is_some())
}

/// Writes where people live whose rows are locked.
#[instrument(name = "db.person.move_to", skip_all, fields(people.len = places.len()))]
pub(crate) async fn move_to(
    db: impl PgExecutor<'_>,
    places: &BTreeMap<PersonId, Place>,
) -> Result<(), sqlx::Error> {
    let (ids, countries, cities) = columns(places);
    sqlx::query!(
        r#"
        update social_graph.person as person
        set country = new.country, city = new.city
        from unnest($1::bigint[], $2::text[], $3::text[]) as new (person_id, country, city)
        where person.person_id = new.person_id
        "#,
        &ids,
        &countries as &[&str],
        &cities as &[&str],
    )
    .execute(db)
    .await?;
    Ok(())
}

fn columns(people: &BTreeMap<PersonId, Place>) -> (Vec<i64>, Vec<&str>, Vec<&str>) {
    (
        people.keys().map(|person| person.get()).collect(),
        people.values().map(Place::country).collect(),
        people.values().map(Place::city).collect(),
    )
}
