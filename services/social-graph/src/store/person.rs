//! `social_graph.person`: those who joined.

use std::collections::{BTreeMap, BTreeSet};

use klout_model::PersonId;
use sqlx::PgExecutor;
use time::OffsetDateTime;
use tracing::instrument;

use crate::{
    place::Place,
    state::{Standing, State},
};

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

/// Those of these people who are there: members, and those who are withheld.
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
        where person_id = any($1) and state in ('MEMBER', 'WITHHELD')
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
        where person_id = any($1) and state in ('MEMBER', 'WITHHELD')
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
        r#"
        select person_id
        from social_graph.person
        where person_id = $1 and state in ('MEMBER', 'WITHHELD')
        for share
        "#,
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

/// What holds of those of these people of whom there is anything left. Nobody else changes it until the transaction
/// ends. Rows are locked in the order of ids.
#[instrument(name = "db.person.standings_locked", skip_all, fields(people.len = people.len()))]
pub(crate) async fn standings_locked(
    db: impl PgExecutor<'_>,
    people: &[PersonId],
) -> Result<BTreeMap<PersonId, Standing>, sqlx::Error> {
    let ids: Vec<_> = people.iter().map(|person| person.get()).collect();
    let rows = sqlx::query_as!(
        Kept,
        r#"
        select person_id, state, withheld_purposes, withheld_networks, merged_into
        from social_graph.person
        where person_id = any($1)
        order by person_id
        for update
        "#,
        &ids,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Kept::standing).collect()
}

/// What holds of a person, if there is anything left of them.
#[instrument(name = "db.person.standing", skip_all)]
pub(crate) async fn standing(
    db: impl PgExecutor<'_>,
    person: PersonId,
) -> Result<Option<Standing>, sqlx::Error> {
    let row = sqlx::query_as!(
        Kept,
        r#"
        select person_id, state, withheld_purposes, withheld_networks, merged_into
        from social_graph.person
        where person_id = $1
        "#,
        person.get(),
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| Ok(row.standing()?.1)).transpose()
}

/// Who became this person.
#[instrument(name = "db.person.merged_into", skip_all)]
pub(crate) async fn merged_into(
    db: impl PgExecutor<'_>,
    person: PersonId,
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        "select person_id from social_graph.person where merged_into = $1",
        person.get(),
    )
    .fetch_all(db)
    .await
}

/// Writes what holds of people whose rows are locked.
#[instrument(name = "db.person.write_standings", skip_all, fields(people.len = standings.len()))]
pub(crate) async fn write_standings(
    db: impl PgExecutor<'_>,
    standings: &BTreeMap<PersonId, &Standing>,
) -> Result<(), sqlx::Error> {
    let Columns { people, states, purposes, networks, into } = Columns::of(standings);
    sqlx::query!(
        r#"
        update social_graph.person as person
        set state = new.state, withheld_purposes = string_to_array(new.purposes, ','),
            withheld_networks = string_to_array(new.networks, ','), merged_into = new.merged_into
        from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[])
            as new (person_id, state, purposes, networks, merged_into)
        where person.person_id = new.person_id
        "#,
        &people,
        &states as &[&str],
        &purposes as &[String],
        &networks as &[String],
        &into as &[Option<i64>],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What holds of somebody, as it is kept.
#[derive(Debug)]
struct Kept {
    person_id: i64,
    state: String,
    withheld_purposes: Vec<String>,
    withheld_networks: Vec<String>,
    merged_into: Option<i64>,
}

// === impl Kept ===

impl Kept {
    fn standing(self) -> Result<(PersonId, Standing), sqlx::Error> {
        let unknown = || sqlx::Error::ColumnDecode {
            index: "state".to_owned(),
            source: format!("{} of {} is no state", self.state, self.person_id).into(),
        };
        let state = State::kept(&self.state, self.merged_into).ok_or_else(unknown)?;
        let person = PersonId::new(self.person_id).ok_or_else(unknown)?;
        let withheld_purposes = BTreeSet::from_iter(self.withheld_purposes);
        let withheld_networks = BTreeSet::from_iter(self.withheld_networks);
        Ok((person, Standing { state, withheld_purposes, withheld_networks }))
    }
}

/// What holds of people, as a statement takes it: lists are joined by commas, which neither purposes nor networks have.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) people: Vec<i64>,
    pub(super) states: Vec<&'static str>,
    pub(super) purposes: Vec<String>,
    pub(super) networks: Vec<String>,
    pub(super) into: Vec<Option<i64>>,
}

// === impl Columns ===

impl Columns {
    pub(super) fn of(standings: &BTreeMap<PersonId, &Standing>) -> Self {
        let joined = |words: &BTreeSet<String>| {
            words.iter().map(String::as_str).collect::<Vec<_>>().join(",")
        };
        let all = || standings.values();
        Self {
            people: standings.keys().map(|person| person.get()).collect(),
            states: all().map(|it| it.state.as_str()).collect(),
            purposes: all().map(|it| joined(&it.withheld_purposes)).collect(),
            networks: all().map(|it| joined(&it.withheld_networks)).collect(),
            into: all().map(|it| it.state.into().map(PersonId::get)).collect(),
        }
    }
}

fn columns(people: &BTreeMap<PersonId, Place>) -> (Vec<i64>, Vec<&str>, Vec<&str>) {
    (
        people.keys().map(|person| person.get()).collect(),
        people.values().map(Place::country).collect(),
        people.values().map(Place::city).collect(),
    )
}
