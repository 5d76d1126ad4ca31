//! `social_graph.person`: those who joined.

use std::collections::{BTreeMap, BTreeSet};

use klout_model::PersonId;
use klout_proto::{
    convert,
    graph::v1::{LinkedAccount, Person},
};
use sqlx::PgExecutor;
use time::OffsetDateTime;
use tracing::instrument;

use crate::{
    age::AgeBand,
    place::Place,
    plus_k::NETWORK,
    profile::Profile,
    state::{Standing, State},
};

/// Somebody whose row is locked.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) profile: Profile,
    pub(crate) standing: Standing,
}

/// Adds new people, members who consent to everything.
#[instrument(name = "db.person.insert", skip_all, fields(people.len = people.len()))]
pub(crate) async fn insert(
    db: impl PgExecutor<'_>,
    people: &BTreeMap<PersonId, Profile>,
    create_time: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    let columns = ProfileColumns::of(people.iter().map(|(person, profile)| (*person, profile)));
    sqlx::query!(
        r#"
        insert into social_graph.person
            (person_id, country, city, display_name, languages, time_zone, age_band, create_time)
        select person_id, country, city, display_name, string_to_array(languages, ','), time_zone, age_band, $8
        from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
            as new (person_id, country, city, display_name, languages, time_zone, age_band)
        "#,
        &columns.ids,
        &columns.countries as &[&str],
        &columns.cities as &[&str],
        &columns.display_names as &[&str],
        &columns.languages,
        &columns.time_zones as &[&str],
        &columns.age_bands as &[&str],
        create_time,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Those of these people who are in one of `states`, with their accounts, by the id that was asked for: who was
/// merged is the person they are now.
#[instrument(name = "db.person.find", skip_all, fields(people.len = people.len()))]
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    people: &[PersonId],
    states: &[State],
) -> Result<BTreeMap<PersonId, Person>, sqlx::Error> {
    let ids: Vec<_> = people.iter().map(|person| person.get()).collect();
    let states: Vec<_> = states.iter().map(|state| state.as_str()).collect();
    let rows = sqlx::query!(
        r#"
        select asked.person_id as asked_id, person.person_id, person.create_time, person.country, person.city,
            person.display_name, person.languages, person.time_zone, person.age_band, person.state,
            person.withheld_purposes, person.withheld_networks,
            coalesce(account.networks, '{}') as "networks!",
            coalesce(account.native_ids, '{}') as "native_ids!",
            coalesce(account.handles, '{}') as "handles!",
            coalesce(account.link_times, '{}') as "link_times!: Vec<OffsetDateTime>",
            coalesce(account.proofs, '{}') as "proofs!"
        from social_graph.person as asked
        join social_graph.person on person.person_id = coalesce(asked.merged_into, asked.person_id)
        cross join lateral (
            select array_agg(network order by network, native_id) as networks,
                array_agg(native_id order by network, native_id) as native_ids,
                array_agg(handle order by network, native_id) as handles,
                array_agg(link_time order by network, native_id) as link_times,
                array_agg(proof order by network, native_id) as proofs
            from social_graph.account
            where account.person_id = person.person_id and network <> $3
        ) as account
        where asked.person_id = any($1) and person.state = any($2)
        "#,
        &ids,
        &states as &[&str],
        NETWORK,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let names = row.networks.into_iter().zip(row.native_ids).zip(row.handles);
            let links = row.link_times.into_iter().zip(row.proofs);
            let accounts =
                names.zip(links).map(|(((network, native_id), handle), (time, proof))| {
                    let link_time = Some(convert::timestamp(time));
                    LinkedAccount { network, native_id, handle, link_time, proof }
                });
            let person = Person {
                person: row.person_id.to_string(),
                accounts: accounts.collect(),
                create_time: Some(convert::timestamp(row.create_time)),
                country: row.country,
                city: row.city,
                display_name: row.display_name,
                languages: row.languages,
                time_zone: row.time_zone,
                age_band: row.age_band,
                state: row.state,
                withheld_purposes: row.withheld_purposes,
                withheld_networks: row.withheld_networks,
            };
            Ok((id(row.asked_id)?, person))
        })
        .collect()
}

/// What these people are, of whom nobody else changes anything until the transaction ends. Rows are locked in the
/// order of ids, so that no two writers wait for one another in a circle.
#[instrument(name = "db.person.lock", skip_all, fields(people.len = people.len()))]
pub(crate) async fn lock(
    db: impl PgExecutor<'_>,
    people: &[PersonId],
) -> Result<BTreeMap<PersonId, Known>, sqlx::Error> {
    let ids: Vec<_> = people.iter().map(|person| person.get()).collect();
    let rows = sqlx::query!(
        r#"
        select person_id, country, city, display_name, languages, time_zone, age_band, state, merged_into,
            withheld_purposes, withheld_networks
        from social_graph.person
        where person_id = any($1)
        order by person_id
        for update
        "#,
        &ids,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let profile = Profile {
                place: Place::kept(row.country, row.city),
                display_name: row.display_name,
                languages: row.languages,
                time_zone: row.time_zone,
                age_band: AgeBand::named(&row.age_band),
            };
            let kept = Kept {
                person_id: row.person_id,
                state: row.state,
                withheld_purposes: row.withheld_purposes,
                withheld_networks: row.withheld_networks,
                merged_into: row.merged_into,
            };
            let (person, standing) = kept.standing()?;
            Ok((person, Known { profile, standing }))
        })
        .collect()
}

/// Writes what people say of themselves whose rows are locked.
#[instrument(name = "db.person.write", skip_all, fields(people.len = profiles.len()))]
pub(crate) async fn write(
    db: impl PgExecutor<'_>,
    profiles: &BTreeMap<PersonId, Profile>,
) -> Result<(), sqlx::Error> {
    let columns = ProfileColumns::of(profiles.iter().map(|(person, profile)| (*person, profile)));
    sqlx::query!(
        r#"
        update social_graph.person as person
        set country = new.country, city = new.city, display_name = new.display_name,
            languages = string_to_array(new.languages, ','), time_zone = new.time_zone, age_band = new.age_band
        from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
            as new (person_id, country, city, display_name, languages, time_zone, age_band)
        where person.person_id = new.person_id
        "#,
        &columns.ids,
        &columns.countries as &[&str],
        &columns.cities as &[&str],
        &columns.display_names as &[&str],
        &columns.languages,
        &columns.time_zones as &[&str],
        &columns.age_bands as &[&str],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Has all who were merged into somebody be the person whom that one is now, and returns them.
#[instrument(name = "db.person.redirect", skip_all)]
pub(crate) async fn redirect(
    db: impl PgExecutor<'_>,
    from: PersonId,
    into: PersonId,
) -> Result<Vec<PersonId>, sqlx::Error> {
    let people = sqlx::query_scalar!(
        "update social_graph.person set merged_into = $2 where merged_into = $1 returning person_id",
        from.get(),
        into.get(),
    )
    .fetch_all(db)
    .await?;
    people.into_iter().map(id).collect()
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

/// Profiles, a column each.
#[derive(Debug)]
struct ProfileColumns<'a> {
    ids: Vec<i64>,
    countries: Vec<&'a str>,
    cities: Vec<&'a str>,
    display_names: Vec<&'a str>,
    /// Joined by commas, which no tag has.
    languages: Vec<String>,
    time_zones: Vec<&'a str>,
    age_bands: Vec<&'a str>,
}

// === impl ProfileColumns ===

impl<'a> ProfileColumns<'a> {
    fn of(profiles: impl Iterator<Item = (PersonId, &'a Profile)>) -> Self {
        let mut columns = Self {
            ids: Vec::new(),
            countries: Vec::new(),
            cities: Vec::new(),
            display_names: Vec::new(),
            languages: Vec::new(),
            time_zones: Vec::new(),
            age_bands: Vec::new(),
        };
        for (person, profile) in profiles {
            columns.ids.push(person.get());
            columns.countries.push(profile.place.country());
            columns.cities.push(profile.place.city());
            columns.display_names.push(&profile.display_name);
            columns.languages.push(profile.languages.join(","));
            columns.time_zones.push(&profile.time_zone);
            columns.age_bands.push(profile.age_band.map_or("", AgeBand::name));
        }
        columns
    }
}

pub(super) fn id(id: i64) -> Result<PersonId, sqlx::Error> {
    PersonId::new(id).ok_or_else(|| sqlx::Error::ColumnDecode {
        index: "person_id".to_owned(),
        source: format!("{id} is no person").into(),
    })
}
